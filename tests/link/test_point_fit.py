"""How many block RAMs a core of point neurons takes: by hand, and refused where a board has fewer."""

import dataclasses

import pytest

from spikegate.gateware.core.point_core import PointGeometry
from spikegate.models.core.rows_csr import Csr
from spikegate.models.core.rows_generated import Generator
from spikegate.models.core.words import record_bits
from spikegate.models.errors import InputError
from spikegate.models.link.board import board
from spikegate.models.link.point_fit import BEST, block_rams, blocks, check_memory
from tests.point_boards import made

SIZE = dataclasses.replace(PointGeometry.of(made(), 2), n=1000, sources=1000, row_words=30_000)


def test_a_memory_takes_the_shape_that_needs_fewest_blocks():
    assert [blocks("ice40", depth, bits) for depth, bits in ((256, 16), (257, 16), (512, 8), (2048, 2), (2048, 20), (1, 1))] == [1, 2, 1, 1, 10, 1]
    assert [blocks("ecp5", depth, bits) for depth, bits in ((1024, 18), (1025, 18), (512, 36), (16384, 1), (10_000, 1), (128, 32), (128, 33))] == [
        1, 2, 1, 1, 1, 0, 1]


def test_rows_are_counted_in_the_memories_that_they_are_split_into():
    bits = record_bits(SIZE.synapse_fields)
    assert 18 < bits < 27 and block_rams("ecp5", SIZE)["rows"] == 2 * blocks("ecp5", 30_000, bits)
    split = dataclasses.replace(SIZE, rows=Csr(BEST["ecp5"]))
    assert block_rams("ecp5", split)["rows"] == 2 * (30 + blocks("ecp5", 30_000, bits - 18)) < block_rams("ecp5", SIZE)["rows"]
    assert split == SIZE and block_rams("ecp5", dataclasses.replace(SIZE, rows=Generator()))["rows"] == 0


def test_a_core_that_a_board_has_no_room_for_is_refused_with_what_takes_it():
    with pytest.raises(InputError) as caught:
        check_memory(board("icebreaker"), SIZE)
    need = block_rams("ice40", SIZE)
    assert str(caught.value).startswith(f"Core of N=1,000 in 2 lanes takes {sum(need.values()):,} block RAMs (rows {need['rows']:,}, inputs ")
    assert "above the 30 of the iCEBreaker; use fewer synapses or neurons, other --lanes, or another board: hx8k_evn, " in str(caught.value)
    with pytest.raises(InputError, match="above the 208 of the ULX3S-85F; use fewer synapses or neurons, other --lanes$"):
        check_memory(board("ulx3s_85f"), dataclasses.replace(SIZE, row_words=300_000))
    assert check_memory(board("ulx3s_85f"), SIZE) is None
