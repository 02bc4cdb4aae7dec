"""Cores of point neurons on boards: the networks whose cores are built, and the table of docs/fpga.md from the reports of their builds.

    python benchmarks/point_fits.py --make points60 points60.spikegate
    spikegate bitstream --board hx8k_evn --network points60.spikegate
    python benchmarks/point_fits.py build/hx8k_evn/report.json
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np

from spikegate.models.link.board import board
from spikegate.models.network.builder import Builder
from spikegate.models.network.point import PointNetwork
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8

__all__ = ["NETWORKS", "network", "table"]

ROOT = Path(__file__).parent.parent
START, END = "<!-- point fits -->", "<!-- end of point fits -->"
#: Neurons, synapses, and of the drive: weight and trials a step.
NETWORKS = {"points60": (60, 720, 260, 20), "points1000": (1000, 100_000, 26, 200)}
HEADER = ("board", "network", "N", "lanes", "logic cells", "block RAM", "MHz asked, met", "cycles a step", "real-time factor", "all spikes sent")


def network(name: str) -> PointNetwork:
    """Neurons of kind `lif` in Q8.8, a fifth of them inhibitory, with weights of 8 bits and delays of 1 to 15 steps, 0.1 s."""
    n, synapses, weight, trials = NETWORKS[name]
    rng, build = np.random.default_rng(1), Builder(name, steps=1000)
    build.population("cells", n, LinearNeuron(Q8_8, 12), leak=20, threshold=20 << 8, reset=10 << 8, rest=0, refractory=20)
    build.drive("cells", weight, probability=0.05, trials=trials)
    source = np.repeat(np.arange(n), synapses // n)
    weights = np.where(source < n * 4 // 5, rng.integers(1, 128, len(source)), -rng.integers(1, 129, len(source)))
    build.connect("cells", "cells", pairs=(source, rng.integers(0, n, len(source))), weights=weights, delays=rng.integers(1, 16, len(source)))
    return build.freeze()


def table(fits: list[dict]) -> str:
    """The table in Markdown."""
    rows = [" | ".join(HEADER), "|".join("---" for _ in HEADER)]
    for fit in fits:
        used = {kind: f"{entry['used']:,} of {entry['available']:,}" for kind, entry in fit["utilisation"].items()}
        rows.append(" | ".join([
            board(fit["board"]).title, f"`{fit['network']['name']}`", f"{fit['n']:,}", str(fit["lanes"]), used["lut"], used["bram"],
            f"{fit['clock_hz'] / 1e6:g}, {fit['fmax_hz'] / 1e6:.1f}", f"{fit['cycles_per_step']:.1f}", f"**{fit['real_time_factor']:.3g}**",
            f"{fit['real_time_factor_read']:.3g}"]))
    return "\n".join(f"| {row} |" if " | " in row else f"|{row}|" for row in rows)


def main() -> None:
    """Write a network, or take reports in place of those of the same board and network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path, nargs="*", help="report.json of builds")
    parser.add_argument("--make", nargs=2, metavar=("NAME", "FILE"), help=f"write one of {', '.join(NETWORKS)}")
    arguments = parser.parse_args()
    if arguments.make:
        network(arguments.make[0]).save(arguments.make[1])
    file, page = ROOT / "docs" / "point_fits.json", ROOT / "docs" / "fpga.md"
    fits = {(fit["board"], fit["network"]["name"]): fit for fit in json.loads(file.read_text())}
    for path in arguments.reports:
        fit = json.loads(path.read_text())
        fits[fit["board"], fit["network"]["name"]] = fit
    file.write_text(json.dumps(list(fits.values()), indent=1) + "\n")
    page.write_text(re.sub(f"{START}.*?{END}", lambda _: f"{START}\n{table(list(fits.values()))}\n{END}", page.read_text(), flags=re.DOTALL))


if __name__ == "__main__":
    main()
