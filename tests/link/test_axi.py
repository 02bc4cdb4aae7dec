"""A core behind AXI: its registers by hand, and with a bus master and a stream sink of cocotbext-axi against the golden model."""

import dataclasses

import numpy as np
import pytest

from spikegate.cosim.benches import axi
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.link.axi import DATA, END_OF_STEP, OKAY, SLVERR, AxiDevice, Register, packets
from spikegate.models.numeric.fixed import Q8_8
from spikegate.translator.brunel import preset, translate


def network(n: int = 10):
    return translate(preset("ai", n_exc=n - 2, n_inh=2, conn_prob=0.3, v_reset=5, v_threshold=8), Q8_8, ms=3, name="axi")


def test_registers_by_hand():
    device = AxiDevice(10, 4, 2)
    assert [device.read(at) for at in (Register.NEURONS, Register.LANES, Register.OP, 0x1C)] == [(10, OKAY), (4, OKAY), (0, SLVERR), (0, SLVERR)]
    assert device.write(Register.LANE, 0x12345, 15) == OKAY and device.read(Register.LANE) == (0x2345, OKAY)
    assert device.write(Register.ADDRESS, 0xAABBCCDD, 0b0100) == OKAY and device.read(Register.ADDRESS) == (0xBB0000, OKAY)
    assert [device.write(DATA + 4 * k, k + 1) for k in range(3)] == [OKAY, OKAY, SLVERR]
    assert device.write(Register.OP, 4, 0b0010) == SLVERR and device.words == []
    assert device.write(Register.OP, 0x104) == OKAY and device.words == [(4, 0x2345, 0xBB0000, 2 << 32 | 1)]
    assert device.write(Register.NEURONS, 3) == SLVERR


def test_packets_by_hand():
    assert list(packets(np.array([[0, 3], [2, 1], [2, 7]]), 3)) == [[3, END_OF_STEP], [END_OF_STEP], [1, 7, END_OF_STEP]]


def test_data_without_registers_are_refused():
    with pytest.raises(InputError, match="1..1008 registers, not 1010; use fewer lanes"):
        AxiDevice(10, 4, 1010)


@pytest.mark.parametrize("lanes", [3, pytest.param(1, marks=pytest.mark.long), pytest.param(10, marks=pytest.mark.long)])
def test_a_foreign_master_loads_and_runs_a_network(lanes):
    assert axi.check(network(), lanes, count=60, seed=1) > 60 + 30


def test_a_wrong_model_is_rejected():
    """Negative control: a threshold one higher on the golden side."""
    right = network()
    wrong = right.replace(lif=dataclasses.replace(right.lif, threshold=right.lif.threshold + 64))
    with pytest.raises(Mismatch, match="signal (packet|events)"):
        axi.check(right, 3, count=2, seed=1, model=wrong)
