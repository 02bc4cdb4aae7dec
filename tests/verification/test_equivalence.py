"""RTL, netlist and bits of modules without memories are proved equal, unbounded; and what is not equal is refuted."""

import itertools

import pytest

from spikegate.cosim.engines import netlist
from spikegate.cosim.engines.bitstream import bits_verilog, read_back
from spikegate.cosim.toolchain.synthesis import FAMILIES, pack, place, synthesise, unpack
from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.gateware.neuron.lif import Lif
from spikegate.gateware.numeric.lfsr import Lfsr
from spikegate.gateware.streams.dot_product import DotProduct
from spikegate.gateware.streams.encoder import Encoder
from spikegate.models.errors import Mismatch
from spikegate.models.numeric.fixed import Q8_8, Overflow, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.dot_product import DotProductParams
from spikegate.models.streams.encoder import EncoderParams
from verification.equivalence.equivalence import decide, prove
from verification.equivalence.flips import OUTCOMES, settle, study, verdict_on

LEAVES = {
    "lfsr": lambda: Lfsr(LfsrParams()),
    "lif": lambda: Lif(Q8_8, Rounding.NEAREST, Overflow.SATURATE, gain=False, noise=False),
    "encoder": lambda: Encoder(EncoderParams(LfsrParams(), 16)),
    "dot_product": lambda: DotProduct(DotProductParams(4, 16, 16)),
}


def rtl(name):
    return to_verilog(LEAVES[name](), name, reset=False)


def bits(name, text, tmp_path):
    placed = place(synthesise(text, name, "ice40"))
    asc = unpack(pack((placed.folder / "top.asc").read_text(), tmp_path), tmp_path)
    return placed, read_back(asc, placed, tmp_path)


#: A leaf for each family; of the others, `make verify` proves the same.
QUICK = {("lfsr", "ice40"), ("dot_product", "ecp5")}


@pytest.mark.parametrize("name, family", [pytest.param(*case, marks=() if case in QUICK else pytest.mark.long)
                                          for case in itertools.product(LEAVES, FAMILIES)])
def test_rtl_and_netlist_are_equal(name, family):
    text = rtl(name)
    made = synthesise(text, name, family, options="-nodsp" if family == "ecp5" else "")
    assert sum(made.cells.values()) > 50
    prove(f"{name}: RTL = netlist for {family}", text, netlist.flat(made), name)


@pytest.mark.parametrize("name", ["lfsr", pytest.param("lif", marks=pytest.mark.long)])
def test_rtl_and_bitstream_are_equal(name, tmp_path):
    text = rtl(name)
    placed, back = bits(name, text, tmp_path)
    prove(f"{name}: RTL = bitstream", text, settle(back) + bits_verilog(placed, name), name)


def test_a_changed_netlist_is_refuted():
    text, made = rtl("lfsr"), synthesise(rtl("lfsr"), "lfsr", "ice40")
    changed, name = netlist.flipped(made.module, "", seed=1)
    verdict, example = decide(text, netlist.flat(made, changed), "lfsr")
    assert verdict == "different" and example and set(example) <= {"0", "1"}, name
    with pytest.raises(Mismatch, match="RTL = netlist: not equal; ABC has a counterexample"):
        prove("RTL = netlist", text, netlist.flat(made, changed), "lfsr")


def test_a_wrong_initial_state_is_refuted():
    text = rtl("lfsr")
    wrong = text.replace("o__valid = 1'h0", "o__valid = 1'h1").replace("seeded = 1'h0", "seeded = 1'h1")
    assert wrong != text and decide(text, wrong, "lfsr")[0] == "different"


def flips(name, count, tmp_path):
    text = rtl(name)
    placed, _ = bits(name, text, tmp_path)
    found = study(placed, text, count=count, seed=5)
    print(f"{name}: {count} flipped bits: {', '.join(f'{found[what]} {what}' for what in OUTCOMES)}")
    assert sum(found.values()) == count == found["refuted"] + found["harmless"] + found["unreached"]
    return found


@pytest.mark.parametrize(("value", "verdict"), [
    ("(n2 ? 1'b1 : (n3 ? n3 : 1'b0))", "unknown"),  # holds a value that it once had
    ("(n2 ? (n3 ? 1'b1 : 1'b1) : 1'b0)", "equal"),
    ("(n2 ? 1'b0 : 1'b0)", "different")])
def test_a_loop_of_look_up_tables_is_harmless_only_if_its_value_does_not_matter(value, verdict):
    gold = "module m(input a, output y);\nassign y = a;\nendmodule\n"
    gate = f"module bits(input \\a , output \\y );\nwire never = 1'b0;\nwire n1, n2, n3;\nassign n2 = \\a ;\nassign n1 = {value};\n" \
        "assign n3 = n1;\nassign \\y = n3;\nendmodule\nmodule m(input a, output y);\n  bits bits(.\\a (a), .\\y (y));\nendmodule\n"
    assert verdict_on(gold, gate, "m") == verdict


@pytest.mark.long
def test_flipped_bits_are_noticed_or_harmless(tmp_path):
    found = flips("lfsr", 2, tmp_path)
    assert found["refuted"] and found["unreached"]


@pytest.mark.long
def test_80_flipped_bits_are_noticed_or_harmless(tmp_path):
    assert flips("lif", 80, tmp_path)["refuted"] > 20
