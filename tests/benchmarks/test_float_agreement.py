"""benchmarks/float_agreement.py: wide integers in Brian2's order spike as its floats do, narrow ones and those of the other order do not."""

import float_agreement
import pytest

from spikegate.models.network.point import PointNetwork
from spikegate.models.numeric.fixed import Q8_8, QFormat


def test_wide_integers_in_brian2s_order_spike_as_its_floats_do(monkeypatch):
    row = float_agreement.compare_with_floats(QFormat(24, 16), 24, 40)
    assert row.first is None and row.ours == row.floats == row.same > 1000
    monkeypatch.setattr(float_agreement, "in_brian2s_order", PointNetwork.of)
    assert float_agreement.compare_with_floats(QFormat(24, 16), 24, 40).first < 20


@pytest.mark.parametrize("leak_fraction, until", [(8, 1), (16, 100)])
def test_narrow_ones_part_from_them(leak_fraction, until):
    row = float_agreement.compare_with_floats(Q8_8, leak_fraction, 40)
    assert row.first < until and row.same < row.floats
