"""Fit reports of `spikegate bitstream` into docs/board_fits.json, and the table of docs/fpga.md from there."""

import argparse
import json
import re
from pathlib import Path

from spikegate.models.link.board import board

ROOT = Path(__file__).parent.parent
START, END = "<!-- board fits -->", "<!-- end of board fits -->"
HEADER = ("board", "part", "N", "lanes", "format", "logic cells", "block RAM", "single-port RAM", "multipliers", "MHz asked, met", "cycles a step",
          "real-time factor", "all spikes sent")


def table(fits: list[dict]) -> str:
    """The table in Markdown."""
    rows = [" | ".join(HEADER), "|".join("---" for _ in HEADER)]
    for fit in fits:
        used = {kind: f"{entry['used']:,} of {entry['available']:,}" for kind, entry in fit["utilisation"].items() if entry["available"]}
        rows.append(" | ".join([
            board(fit["board"]).title, fit["part"], str(fit["n"]),
            f"{fit['lanes']}{f', {banks} banks' if (banks := fit['banks']) > 1 else ''}{', overlap' if fit.get('overlap') else ''}",
            fit["format"].upper(), *(used.get(kind, "–") for kind in ("lut", "bram", "spram", "dsp")),
            f"{fit['clock_hz'] / 1e6:g}, {fit['fmax_hz'] / 1e6:.1f}", f"{fit['cycles_per_step']:.0f}", f"**{fit['real_time_factor']:.3g}**",
            f"{fit['real_time_factor_read']:.3g}"]))
    return "\n".join(f"| {row} |" if " | " in row else f"|{row}|" for row in rows)


def main() -> None:
    """Take the reports that are given in place of those of the same board and format."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", type=Path, nargs="*", help="report.json of builds, such as build/icebreaker/report.json")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder of board_fits.json and fpga.md")
    arguments = parser.parse_args()
    file, page = arguments.out / "board_fits.json", arguments.out / "fpga.md"
    fits = json.loads(file.read_text())
    for new in (json.loads(path.read_text()) for path in arguments.reports):
        places = [k for k, fit in enumerate(fits) if (fit["board"], fit["format"]) == (new["board"], new["format"])]
        fits[places[0] if places else len(fits):places[0] + 1 if places else len(fits)] = [new]
    file.write_text(json.dumps(fits, indent=1) + "\n")
    page.write_text(re.sub(f"{START}.*?{END}", lambda _: f"{START}\n{table(fits)}\n{END}", page.read_text(), flags=re.DOTALL))
    print(table(fits))


if __name__ == "__main__":
    main()
