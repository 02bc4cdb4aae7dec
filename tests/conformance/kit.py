"""Makes the conformance kit: files of networks with what a right engine prints for them, files that have to be refused, a checker, and the pages.

    PYTHONPATH=.:tests python -P -m conformance.kit [--out FILE] [--write]

``kit.json`` beside this file is what the answers have to be; with ``--write`` it is made anew.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from conformance.answers import answer, golden
from conformance.networks import NETWORKS
from conformance.refused import refused

from spikegate.models.errors import SpikegateError

__all__ = ["KNOWN", "made", "main", "write"]

ROOT = Path(__file__).parents[2]
KNOWN = Path(__file__).with_name("kit.json")
#: Pages that the archive holds, from which an engine can be written.
PAGES = ("conformance.md", "arithmetic.md", "point_networks.md")


def digest(text: str | bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def made() -> dict[str, bytes]:
    """The files of the kit by their names in the archive, made by today's code."""
    files, entries = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for name, make in NETWORKS.items():
            network = make()
            network.save(Path(folder) / "network")
            text = answer(network, golden(network))
            spikes = "".join(line + "\n" for line in text.splitlines() if line.startswith("spikes"))
            entries.append({"name": name, "file": f"networks/{name}.spikegate", "answer": f"answers/{name}.txt", "network": network.hash,
                            "spikes_sha256": digest(spikes), "answer_sha256": digest(text),
                            "holds": (getattr(make, "func", make).__doc__ or "").partition("\n")[0]})
            files |= {entries[-1]["file"]: (Path(folder) / "network").read_bytes(), entries[-1]["answer"]: text.encode()}
    for name, (reason, data) in refused().items():
        entries.append({"name": f"refused-{name}", "file": f"refused/{name}.spikegate", "reason": reason, "sha256": digest(data)})
        files[entries[-1]["file"]] = data
    listed: dict[str, Any] = {"kit": 1, "files": entries}
    files["kit.json"] = (json.dumps(listed, indent=1) + "\n").encode()
    files["check.py"] = Path(__file__).with_name("check.py").read_bytes()
    return files | {name: (ROOT / "docs" / name).read_bytes() for name in PAGES}


def write(files: dict[str, bytes], path: Path) -> None:
    """The archive: the same bytes for the same files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(f"conformance/{name}", (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(entry, data)


def main(arguments: list[str] | None = None) -> int:
    """Write the archive; 1 if the answers are not those that are known, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="kit", description="Make the conformance kit as one archive.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "conformance.zip", metavar="FILE", help="default build/conformance.zip")
    parser.add_argument("--write", action="store_true", help="take today's answers as those that are known")
    options = parser.parse_args(arguments)
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.touch()
    except OSError as error:
        print(f"kit: --out {options.out} cannot be written ({error.strerror}); choose another file", file=sys.stderr)
        return 2
    files = made()
    if options.write:
        KNOWN.write_bytes(files["kit.json"])
    if files["kit.json"] != KNOWN.read_bytes():
        print(f"kit: the answers are not those of {KNOWN.name}; see which with --write and git diff", file=sys.stderr)
        return 1
    write(files, options.out)
    entries = json.loads(files["kit.json"])["files"]
    bad = sum("reason" in entry for entry in entries)
    print(f"{len(entries) - bad} networks and {bad} files to refuse, {options.out.stat().st_size:,} bytes: {options.out}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SpikegateError as error:
        print(f"kit: {error}", file=sys.stderr)
        sys.exit(1)
