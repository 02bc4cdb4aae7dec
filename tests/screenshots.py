"""Writes docs/site_*.png and docs/report_page.png: what a browser shows of the site that `make docs` has built, and of a run with a defect."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from browser import Browser
from PIL import Image

__all__ = ["PAGES", "main", "screenshot"]

ROOT = Path(__file__).parents[1]
SITE = ROOT / "build" / "docs"
WIDTH, HEIGHT, COLOURS = 1200, 900, 64
#: Picture -> page of the site, and what is scrolled to.
PAGES = {"site_start": ("index.html", "html"), "site_gallery": ("gallery/plot_brunel_phases.html", "img.sphx-glr-single-img"),
         "site_api": ("api/spikegate.models.neuron.html", "[id='module-spikegate.models.neuron.lif']")}
DEFECT = ["sim", "--sabotage", "threshold", "--set", "n_exc=80", "--set", "n_inh=20", "--ms", "60", "--lanes", "10"]


def screenshot(browser: Browser, page: Path, place: str, path: Path) -> None:
    """A page as a PNG of 1200 x 900 pixels in 64 colours, scrolled to the first element of a selector, an image to the middle."""
    browser.call("Emulation.setDeviceMetricsOverride", width=WIDTH, height=HEIGHT, deviceScaleFactor=1, mobile=False)
    browser.open(page, "document.readyState === 'complete' && [...document.images].every(image => image.complete)")
    block = "center" if place.startswith("img") else "start"
    browser.ask(f"document.querySelector({place!r}).scrollIntoView({{behavior: 'instant', block: '{block}'}})")
    browser.ask("new Promise(done => setTimeout(done, 500))")  # plots are drawn after their data are there
    browser.picture(path)
    with Image.open(path) as seen:
        seen.convert("RGB").quantize(COLOURS).save(path, optimize=True)


def main(arguments: list[str] | None = None) -> int:
    """Write all four, or say what is missing: 0 or 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs", metavar="DIR", help="folder of the pictures (default docs)")
    out = parser.parse_args(arguments).out
    if missing := [page for page, _ in PAGES.values() if not (SITE / page).is_file()]:
        print(f"{', '.join(missing)} of the site are not built; run: make docs", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([Path(sys.executable).parent / "spikegate", *DEFECT, "--out", folder], capture_output=True, text=True)
        if run.returncode != 1 or not (Path(folder) / "report.html").is_file():
            print(f"spikegate {' '.join(DEFECT)} ends with {run.returncode}: {run.stderr}", file=sys.stderr)
            return 1
        with Browser(Path(folder) / "browser") as browser:
            for name, (page, place) in PAGES.items():
                screenshot(browser, SITE / page, place, out / f"{name}.png")
            screenshot(browser, Path(folder) / "report.html", "html", out / "report_page.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
