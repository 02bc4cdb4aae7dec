"""Parameters have exactly the type that is asked for: nothing is cut, wrapped around or guessed."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from spikegate.models.checks import exact_array, require_member, require_type, require_whole, whole
from spikegate.models.errors import InputError, Mismatch, Problems, SpikegateError, ToolMissing
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.fixed import Q8_8, Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.params import Generator, StreamParams


@pytest.mark.parametrize(("value", "number"), [(3, 3), (-2**70, -2**70), (np.int8(-3), -3), (np.uint64(2**63), 2**63), (Rounding.FLOOR, 0),
                                               (True, None), (3.0, None), ("3", None), (None, None), ([3], None), (np.float64(3), None)])
def test_a_whole_number_is_one(value, number):
    assert whole(value) == number and type(whole(value)) is type(number)


@pytest.mark.parametrize(("values", "dtype"), [
    ([0, 2**32 - 1], np.uint32), ([9, 2**64 - 1], np.uint64), (range(3), np.int32), ((), np.uint32), (np.zeros(3), np.uint32), ([2.0], np.int32),
    (np.array([-2**31]), np.int32)])
def test_an_array_that_the_type_holds_is_copied(values, dtype):
    array = exact_array("x", values, dtype)
    assert array.dtype == dtype and array.tolist() == list(values) and not array.flags.writeable
    assert not np.shares_memory(array, values) if isinstance(values, np.ndarray) else True


@pytest.mark.parametrize(("values", "dtype"), [
    ([-1], np.uint32), (np.array([-1]), np.uint64), ([2**32], np.uint32), ([2**64], np.uint64), (np.array([2.0**64]), np.uint64), ([1.5], np.uint32),
    (np.array([1.5]), np.uint32), ([np.nan], np.int32), (np.array([np.inf]), np.int32), ([True], np.uint32), (np.array([True]), np.uint32),
    ([1j], np.int32), ("12", np.uint32), (["1"], np.uint32), ([None], np.uint32), (None, np.uint32), ({}, np.uint32), (7, np.uint32),
    ([[1], [2]], np.uint32),
    ([[1], [2, 3]], np.uint32)])
def test_an_array_that_the_type_does_not_hold_is_refused(values, dtype):
    with pytest.raises(InputError, match="Array x must hold whole numbers of the type u?int[0-9]+ in 1 dimension, not "):
        exact_array("x", values, dtype)


@dataclass(frozen=True)
class Owner:
    count: object = 1
    kind: object = 1


def test_fields_become_what_they_must_be_or_are_named():
    owner = Owner(np.int64(5), 1)
    require_whole(owner, "count")
    require_member(owner, "kind", Rounding)
    assert type(owner.count) is int and owner.count == 5 and owner.kind is Rounding.NEAREST
    with pytest.raises(InputError, match="Owner.count must be a whole number, not 2.5\nOwner.kind must be a whole number, not 'x'"):
        require_whole(Owner(2.5, "x"), "count", "kind")
    with pytest.raises(InputError, match="Owner.kind must be one of Rounding.FLOOR, Rounding.NEAREST, Rounding.STOCHASTIC, not 'nearest'"):
        require_member(Owner(kind="nearest"), "kind", Rounding)
    with pytest.raises(InputError, match="Owner.kind must be of type QFormat, not 'q8.8'"):
        require_type(Owner(kind="q8.8"), "kind", QFormat)


LIF = LifParams(Q8_8, 512, 0)
STREAMS = StreamParams([1, 2], 512, Generator.SOBOL, 64, dimensions=(0,))


@pytest.mark.parametrize(("make", "words"), [
    (lambda: QFormat(16.0, 8), "width must be a whole number, not 16.0"), (lambda: QFormat(16, True), "fraction must be a whole number, not True"),
    (lambda: LfsrParams("64"), "width must be a whole number, not '64'"), (lambda: LfsrParams(64, 60), "taps must be whole numbers, not 60"),
    (lambda: LfsrParams(64, (64, 60.5)), "taps must be whole numbers"), (lambda: LfsrParams(leap=10**12), "leap must be in 1..65536"),
    (lambda: replace(LIF, format="q8.8"), "format must be of type QFormat"), (lambda: replace(LIF, threshold=512.5), "threshold must be a whole"),
    (lambda: replace(LIF, rounding="nearest"), "rounding must be one of Rounding.FLOOR"), (lambda: replace(LIF, overflow=2), "must be one of"),
    (lambda: DriveParams([1.7], 5), "limits must hold whole numbers"), (lambda: DriveParams(np.array([-1]), 5), "limits must hold whole numbers"),
    (lambda: DriveParams([1], 5.5), "weight must be a whole number"), (lambda: DriveParams([[1]], 5), "limits must hold whole numbers"),
    (lambda: replace(STREAMS, generator="lfsr"), "generator must be one of Generator.LFSR"),
    (lambda: replace(STREAMS, length=64.0), "length must be a whole number"),
    (lambda: replace(STREAMS, dimensions=(0.5,)), "dimensions must hold whole numbers"), (lambda: replace(STREAMS, lfsr=61), "lfsr must be of type"),
    (lambda: replace(STREAMS, probabilities=[0.3]), "probabilities must hold whole numbers")])
def test_parameters_of_another_type_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_enumerations_are_kept_as_members():
    assert replace(LIF, rounding=0, overflow=1).rounding is Rounding.FLOOR and replace(LIF, overflow=1).overflow is Overflow.WRAP


def test_errors_carry_the_exit_codes_of_the_command_line():
    assert [error.exit_code for error in (SpikegateError, InputError, ToolMissing, Mismatch)] == [1, 2, 3, 1]


def test_all_problems_are_reported_together():
    problems = Problems()
    problems.require(True, "nothing")
    problems.raise_any()
    problems.require(False, "one")
    problems.require(False, "another")
    with pytest.raises(InputError, match="^one\nanother$"):
        problems.raise_any()


def test_a_recording_has_its_spikes_in_order_whatever_the_engine_gives():
    given = [[2, 9], [1, 0], [0, 5], [1, 3], [0, 2**16 - 1], [2, 0]]
    ordered = [[0, 5], [0, 2**16 - 1], [1, 0], [1, 3], [2, 0], [2, 9]]
    found = [Recording("hand", 2**16, 2**20, spikes) for spikes in (given, ordered, np.array(given, np.int64).ravel())]
    assert [one.spikes.tolist() for one in found] == [ordered] * 3 and {one.spikes.dtype for one in found} == {np.dtype(np.int32)}
    assert Recording("hand", 9, 9, [[0, 0], [2, 0], [1, 0]]).spikes.tolist() == [[0, 0], [1, 0], [2, 0]]
    late = Recording("hand", 2**16, 2**20, [[2**17, 0], [2**16, 1]])  # step * n is beyond 32 bits
    assert late.spikes.tolist() == [[2**16, 1], [2**17, 0]]
    empty = Recording("hand", 3, 3, [])
    assert empty.spikes.shape == (0, 2) and (empty.final, empty.trace, empty.cycles, empty.provenance) == ({}, {}, None, {})


def test_numbers_beyond_what_a_float_holds_exactly_are_no_whole_numbers():
    assert exact_array("x", [2.0**53 - 1, -(2.0**53) + 1], np.int64).tolist() == [2**53 - 1, 1 - 2**53]
    for value in (2.0**53, -(2.0**53)):
        with pytest.raises(InputError):
            exact_array("x", [value], np.int64)


@pytest.mark.parametrize(("values", "ndim", "message"), [([[1]], 1, "in 1 dimension, not [[1]]"), ([1], 2, "in 2 dimensions, not [1]"),
                                                         (np.zeros((1, 1), np.uint8), 1, "in 1 dimension, not array([[0]], dtype=uint8)")])
def test_the_dimensions_of_an_array_are_part_of_its_type(values, ndim, message):
    with pytest.raises(InputError) as caught:
        exact_array("x", values, np.int32, ndim)
    assert str(caught.value) == f"Array x must hold whole numbers of the type int32 {message}"
    assert exact_array("x", [[1, 2]], np.int32, 2).tolist() == [[1, 2]]
    assert exact_array("x", np.array([[1, 2], [3, 4]]).T, np.int32, 2).flags.c_contiguous
