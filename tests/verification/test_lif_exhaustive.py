"""Every step of the Q8.8 neuron: RTL = golden model, in a part of the space, and in the marked test in all of it."""

from dataclasses import replace

import pytest

from spikegate.models.errors import InputError, Mismatch
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.fixed import Q16_12, Overflow, Rounding
from spikegate.translator.brunel import preset, translate
from verification.equivalence.lif_exhaustive import MEMBRANES, step_space

#: What the presets use, and the published neuron: floor and wrap.
USED = {name: translate(preset(name)).lif for name in ("ai", "tutorial")}
FLOOR = replace(USED["tutorial"], rounding=Rounding.FLOOR, overflow=Overflow.WRAP)
STEP = 1021


@pytest.mark.parametrize("params", [*USED.values(), FLOOR], ids=[*USED, "floor-wrap"])
def test_a_part_of_all_steps_is_that_of_the_model(params):
    membranes, holds = MEMBRANES[::STEP], range(1, 256, 50)
    assert step_space(params, membranes=membranes, holds=holds) == len(membranes) * 65536 + 2 * 65536 * len(holds)


@pytest.mark.parametrize("wrong", [{"leak": 2}, {"threshold": 5121}, {"rounding": Rounding.FLOOR}, {"overflow": Overflow.WRAP}, {"refractory": 7}])
def test_a_wrong_model_is_rejected(wrong):
    with pytest.raises(Mismatch, match="LIF step: first divergence at v"):
        step_space(USED["ai"], membranes=MEMBRANES[::STEP], holds=(), model=replace(USED["ai"], **wrong))


def test_another_format_is_refused():
    with pytest.raises(InputError, match="only that of 16 bits"):
        step_space(LifParams(Q16_12, 20 << 12, 0))


@pytest.mark.long
@pytest.mark.parametrize("name", USED)
def test_every_step_is_that_of_the_model(name):
    assert step_space(USED[name]) == (1 << 32) + (255 << 17)
