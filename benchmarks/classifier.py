"""Accuracy of the digits classifier in floats and by bits, and the RTL on all images: ``python benchmarks/classifier.py``.

Writes ``classifier.json`` and ``classifier.png`` into the folder ``--out``. All 1,797 images go through the golden model in each width, and through
the RTL in Verilator in the width ``--rtl``, which has to give every spike and last state of the golden model.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.cosim.results.compare import compare
from spikegate.cosim.results.figure import drawing
from spikegate.models.core import point_engine
from spikegate.models.files import write_whole
from spikegate.models.numeric.fixed import QFormat
from studies.classifier import accuracy, best, float_spikes, frozen, graph, images_of
from studies.digits import digits

__all__ = ["figure", "hardware", "main", "markdown", "study"]

WIDTHS = tuple(range(4, 17))
LANES = 8


def study(widths: tuple[int, ...] = WIDTHS) -> dict[str, Any]:
    """Accuracy in floats, and by bits."""
    data, net = digits(), graph()
    floats = float_spikes(net, data.spikes)
    rows = []
    for width in widths:
        q = best(net, data, width)
        found = frozen(net, data.spikes, q)
        recording = point_engine.run(found.network)
        spikes = images_of(found, recording)
        same = spikes.sum(1).argmax(1) == floats.sum(1).argmax(1)
        rows.append({"bits": width, "format": str(q), "training": accuracy(spikes, data, ~data.held_out),
                     "held_out": accuracy(spikes, data, data.held_out), "as_floats": float(same.mean())})
        print(f"{width} bits, {q}: held out {rows[-1]['held_out']:.4f}", flush=True)
    return {"images": len(data.labels), "held_out_images": int(data.held_out.sum()),
            "floats": {"training": accuracy(floats, data, ~data.held_out), "held_out": accuracy(floats, data, data.held_out)}, "bits": rows}


def hardware(q: QFormat, images: int | None = None) -> dict[str, Any]:
    """The RTL held against the golden model on the first images, all by default."""
    data, net = digits(), graph()
    found = frozen(net, data.spikes[:images], q)
    golden = point_engine.run(found.network)
    start = time.perf_counter()
    rtl = PointRtl(LANES).run(found.network)
    check = compare("RTL = golden", "bit-true", rtl, golden, ["spike", "final.v", "final.hold"])
    ours, theirs = images_of(found, rtl), images_of(found, golden)
    return {"format": str(q), "lanes": LANES, "images": len(ours), "equal": bool(check.ok), "compared": check.compared,
            "output_spikes": int(theirs.sum()), "output_spikes_differ": int(np.count_nonzero(ours != theirs)),
            "predictions_equal": float((ours.sum(1).argmax(1) == theirs.sum(1).argmax(1)).mean()), "cycles": rtl.cycles,
            "cycles_an_image": None if rtl.cycles is None else rtl.cycles / len(ours), "seconds": time.perf_counter() - start}


HEADER = ["bits", "format", "held out", "training", "predicted as in floats"]


def markdown(found: dict[str, Any]) -> list[str]:
    """Lines of the table."""
    def percent(value: float) -> str:
        return f"{100 * value:.1f} %"

    rows = [HEADER, ["---"] * len(HEADER), ["floats", "", percent(found["floats"]["held_out"]), percent(found["floats"]["training"]), ""]]
    rows += [[str(each["bits"]), each["format"], percent(each["held_out"]), percent(each["training"]), percent(each["as_floats"])]
             for each in found["bits"]]
    return [f"| {' | '.join(row)} |" for row in rows]


def figure(found: dict[str, Any], path: Path) -> None:
    """Accuracy by bits."""
    bits = [each["bits"] for each in found["bits"]]
    with drawing({"axes.spines.top": False, "axes.spines.right": False}, path, figsize=(7, 3.4), dpi=150, layout="constrained") as fig:
        axes = fig.subplots()
        for name, colour, label in (("training", "#8a8a8a", "training"), ("held_out", "#20639b", "held out")):
            axes.plot(bits, [100 * each[name] for each in found["bits"]], "o-", color=colour, label=label)
            axes.axhline(100 * found["floats"][name], color=colour, linestyle=":", linewidth=1)
        axes.set(xlabel="bits of membranes and weights", ylabel="images right, %", xticks=bits, ylim=(0, 101))
        axes.legend(loc="lower right", title="dotted: in floats")


def main() -> None:
    """Measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", metavar="DIR", default="docs")
    parser.add_argument("--rtl", metavar="BITS", type=int, default=8, help="width in which the RTL runs (default %(default)s); 0 for none")
    parser.add_argument("--markdown", action="store_true", help="print the table")
    args = parser.parse_args()
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    found = study()
    if args.rtl:
        found["rtl"] = hardware(QFormat.parse(next(each["format"] for each in found["bits"] if each["bits"] == args.rtl)))
    write_whole(out / "classifier.json", json.dumps(found, indent=1) + "\n")
    figure(found, out / "classifier.png")
    print("\n".join(markdown(found)) if args.markdown else json.dumps(found.get("rtl"), indent=1))


if __name__ == "__main__":
    main()
