"""The registry: variants are found by name, complete, and joined by one decorator."""

from dataclasses import FrozenInstanceError

import pytest

from spikegate.models.errors import InputError
from spikegate.translator import registry
from spikegate.translator.brunel import preset, translate
from spikegate.translator.variants import VARIANTS, find, variant
from spikegate.translator.voltage import run
from spikegate.translator.voltage_neuron import Rule

DETAILS = dict(backend="b", domain="d", target="t", agrees_with="a")


@pytest.fixture
def own(monkeypatch):
    """A registry that may be changed."""
    monkeypatch.setattr(registry, "VARIANTS", dict(VARIANTS))
    return registry.VARIANTS


def test_a_variant_is_found_by_name_or_number_and_the_nearest_is_named():
    assert find("V9") is find("v9_post_kick") is VARIANTS["v9_post_kick"]
    with pytest.raises(InputError, match=r"not 'v18_nunba'; did you mean v18_numba\?"):
        find("v18_nunba")
    with pytest.raises(InputError, match="must be one of v1_stochastic_lif, .*, not 'brian'$"):
        find("brian")


def test_specs_are_frozen_and_complete():
    assert len({v.number for v in VARIANTS.values()}) == len(VARIANTS) == 21
    for name, v in VARIANTS.items():
        assert v.name == name and all((v.backend, v.domain, v.target, v.agrees_with)) and v.run.__doc__
        with pytest.raises(FrozenInstanceError):
            v.number = 0


def test_a_custom_variant_is_registered_with_one_decorator(own):
    @variant(22, "v22_sluggish", backend="V1", domain="voltage", target="example", agrees_with="nothing", needs=("numba",))
    def custom(network, **options):
        return run(network, rule=Rule(refractory=7), **options)

    assert find("v22").run is custom and len(find("v22_sluggish").run(translate(preset("ai"), ms=5.0)).spikes) > 100
    assert registry.Variant(22, "v22_sluggish", "V1", "voltage", "example", "nothing", ("numba",), custom) == own["v22_sluggish"]
    with pytest.raises(InputError, match="Variant 22 must be new, and is v22_sluggish; choose another number"):
        variant(22, "v22_other", **DETAILS)
    with pytest.raises(InputError, match="begin with v23_ and its number be at least 1, not 'custom' and 23"):
        variant(23, "custom", **DETAILS)
    with pytest.raises(InputError, match="its number be at least 1"):
        variant(0, "v0_none", **DETAILS)


def test_variants_are_in_the_order_of_their_numbers_and_need_nothing_unless_they_say_so(own):
    own.pop("v1_stochastic_lif")
    variant(1, "v1_again", **DETAILS)(run)
    assert next(iter(own)) == "v1_again" and [v.number for v in own.values()] == list(range(1, 22)) and find("V1_Again").needs == ()


@pytest.mark.parametrize("name, near", [
    ("v18_numbax", "v18_numba"), ("v1_stochastic", "v1_stochastic_lif"), ("v99", "v9"), ("izhikevich", "v5_izhikevich")])
def test_only_the_nearest_name_is_offered(name, near):
    with pytest.raises(InputError, match=rf"not '{name}'; did you mean {near}\?$"):
        find(name)


def test_a_name_that_is_no_text_is_refused_with_what_to_give():
    with pytest.raises(InputError, match="^Variant must be of type str, not 4; give a name or a number, such as v9$"):
        find(4)
