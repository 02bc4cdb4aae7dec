"""What holds for the parameters of every golden model: they are values that nobody changes, compared by their fields unless those are arrays."""

import dataclasses
import importlib
from pathlib import Path

import pytest

import spikegate.models

ROOT = Path(spikegate.models.__file__).parent
MODELS = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.rglob("*.py") if path.stem != "__init__")
#: Of arrays, and therefore compared by identity.
ARRAYS = {"DriveParams", "Network", "PointNetwork", "PointPopulation", "PortDrive", "Projection", "Recording", "SpikeInput", "StreamParams", "Drawn",
          "StoredSynapses", "Stored"}


def dataclasses_of(name):
    module = importlib.import_module(f"spikegate.models.{name}")
    return [one for one in vars(module).values() if isinstance(one, type) and dataclasses.is_dataclass(one) and one.__module__ == module.__name__]


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_frozen_and_compared_by_their_fields_unless_those_are_arrays(name):
    for one in dataclasses_of(name):
        assert one.__dataclass_params__.frozen and one.__dataclass_params__.eq == (one.__name__ not in ARRAYS), one


def test_that_claim_is_about_all_models():
    found = {one.__name__ for name in MODELS for one in dataclasses_of(name)}
    assert found > ARRAYS and len(found) >= 20
