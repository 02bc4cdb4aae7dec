"""The verification table: a small module is signed off, traffic too, and what is open is seen and named."""

import json
from functools import partial

import pytest

from spikegate.models.errors import Mismatch
from verification import verify
from verification.stress.traffic import traffic

#: Of the traffic's cores both formats, a store, banks and streams. All of them are in test_uvm.py's ten million cycles, which are marked long.
ROADS = ("stochastic-wrap", "wide-floor", "store", "banks", "sobol")


def test_a_leaf_and_traffic_are_signed_off_in_one_table(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(verify, "traffic", partial(traffic, roads=ROADS))
    assert verify.main(["uart_transmitter", "traffic", "--cycles", "30000", "--json", str(tmp_path / "verify.json")]) == 0
    leaf, cores = json.loads((tmp_path / "verify.json").read_text())
    assert leaf["problems"] == cores["problems"] == [] and cores["parts"]["traffic"]["cycles"] >= 30_000 and cores["compared"] > 10_000
    assert len(leaf["parts"]["proofs"]) >= verify.MIN_CLAIMS and leaf["parts"]["netlists"] == ["ice40", "ecp5"]
    assert leaf["parts"]["mutants"]["enumerated"] > 300 and leaf["parts"]["mutants"]["killed"] > 300
    assert min(leaf["parts"]["coverage"]["share"].values()) == 1 and leaf["compared"] > 1000
    shown = capsys.readouterr().out
    assert "Verification" in shown and shown.count(" ok") == 2


def test_only_modules_without_memories_are_taken_for_the_netlist():
    assert verify.same_netlists("rows") == verify.same_netlists("drive") == [] and verify.same_netlists("requantise") == ["ice40", "ecp5"]


def test_what_is_open_is_named_and_the_rest_goes_on(monkeypatch, tmp_path, capsys):
    def differs(name):
        raise Mismatch(f"{name}: RTL = netlist for ice40: not equal")
    monkeypatch.setattr(verify, "same_netlists", differs)
    monkeypatch.setattr(verify, "MIN_CLAIMS", 1000)
    assert verify.main(["uart_transmitter", "--json", str(tmp_path / "verify.json")]) == 1
    shown = capsys.readouterr().out
    assert "uart_transmitter: netlists: uart_transmitter: RTL = netlist for ice40: not equal" in shown
    assert "claims, at least 1000 are asked for" in shown and "open" in shown


@pytest.mark.parametrize("arguments, message", [
    (["nothing"], "Modules must be of requantise, lif,"), (["traffic", "--cycles", "0"], "--cycles must be at least 1, not 0"),
    (["traffic", "--json", "/proc/none/x.json"], "--json /proc/none/x.json cannot be written")])
def test_bad_input_is_refused(arguments, message, capsys):
    assert verify.main(arguments) == 2
    assert message in capsys.readouterr().err
