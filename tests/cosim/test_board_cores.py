"""Which core a board gets: size, lanes, banks, overlap, and what of it is block RAM."""

import dataclasses

import pytest

from spikegate import boards as face
from spikegate.cosim.toolchain import board as flow
from spikegate.models.errors import InputError
from spikegate.models.link.board import board
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator.brunel import preset, translate


def test_a_larger_network_is_refused_and_a_smaller_one_has_the_boards_core():
    spec = board("icebreaker")
    with pytest.raises(InputError, match=r"N=1200 is larger than the core of 1000 neurons for the iCEBreaker(?s:.*)a larger core \(--n 1200\)"):
        flow.geometry(spec, face.network_for(dataclasses.replace(spec, n=1200)))
    g = flow.geometry(spec, face.network_for(dataclasses.replace(spec, n=900)))
    assert (g.n, g.lanes, g.options["store"], g.options["walk"]) == (1000, 2, 64, True)


@pytest.mark.parametrize("n, lanes, banks", [(None, 32, 8), (1000, 63, 8), (1000, 40, 1), (100, 32, 2), (64, 16, 2), (10, 10, 1), (17, 1, 1),
                                             (512, 32, 8)])
def test_a_core_of_another_size_has_as_many_banks_as_divide_its_words(n, lanes, banks):
    spec = board("ulx3s_85f").of(QFormat(16, 8), n, lanes)
    g = flow.geometry(spec, face.network_for(spec))
    assert (g.n, g.lanes, g.banks) == (n or 1000, lanes, banks)


@pytest.mark.parametrize("name, n, lanes, overlap, expected", [
    ("icebreaker", None, None, None, True), ("icebreaker", None, None, False, False), ("icebreaker", 60, None, None, False),
    ("hx8k_evn", None, None, None, False), ("hx8k_evn", None, None, True, True), ("ulx3s_85f", 1000, 40, None, False),
    ("ulx3s_85f", None, None, None, True)])
def test_a_core_overlaps_where_the_board_does_and_its_size_can_unless_it_is_said(name, n, lanes, overlap, expected):
    spec = board(name).of(QFormat(16, 8), n, lanes, overlap)
    g = flow.geometry(spec, face.network_for(spec))
    assert (spec.overlap, g.options["overlap"]) == (expected, expected)
    assert not board(name).of_points(40).overlap


@pytest.mark.parametrize("spec, clock_hz", [
    (board("ulx3s_85f").of(QFormat(16, 8)), 43_750_000), (board("ulx3s_85f").of(QFormat(16, 8), overlap=False), 37_500_000),
    (board("ulx3s_85f").of(QFormat(16, 8), 1000, 40), 37_500_000), (board("ulx3s_85f").of(QFormat(28, 12)), 30_000_000),
    (board("ulx3s_85f").of_points(40), 30_000_000), (board("icebreaker").of(QFormat(16, 8), overlap=False), 21_750_000)])
def test_a_core_that_delivers_apart_has_the_clock_that_it_meets(spec, clock_hz):
    assert spec.clock_hz == clock_hz and spec.line.divisor >= 3 and spec.pll


def test_an_overlap_that_there_cannot_be_is_refused():
    with pytest.raises(InputError, match="Overlap of sweep and delivery needs 2 banks or more, not 1"):
        board("ulx3s_85f").of(QFormat(16, 8), 1000, 40, True)
    spec = board("icebreaker")
    with pytest.raises(InputError, match="Delay must be at least 2 steps where sweep and delivery overlap, not 1"):
        flow.geometry(spec, translate(preset("ai", delay=0.1), ms=1.0))


@pytest.mark.parametrize("name, overlap, expected", [("ulx3s_85f", True, ["seeds", "states"]), ("ulx3s_85f", False, []), ("icebreaker", True, [])])
def test_seeds_and_states_of_a_core_that_keeps_its_inputs_twice_are_block_ram(name, overlap, expected):
    spec = board(name).of(QFormat(16, 8), 160, 4, overlap)
    said = flow.after_read(spec, flow.geometry(spec, face.network_for(spec)))
    assert [memory for memory in ("seeds", "states") if f"m:{memory}" in said] == expected and said.count("COLLISION_X_MASK") == (said != "")
