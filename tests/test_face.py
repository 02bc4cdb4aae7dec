"""What a user imports: one face, made when it is asked for, whose calls take what they say, and refuse everything else by name."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import spikegate
from spikegate import (
    BrunelParams,
    FixedPointLIFNeuron,
    Overflow,
    Rounding,
    bitstream,
    golden,
    hybrid,
    preset,
    translate,
    unpack,
)

SOURCE = Path(spikegate.__file__)
SMALL = preset("ai", n_exc=16, n_inh=4, conn_prob=0.3)


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_import_takes_no_time_and_no_engine():
    took, loaded = run("import sys, time; began = time.process_time(); import spikegate; print(time.process_time() - began)\n"
                       "print({'numpy', 'numba', 'amaranth', 'brian2', 'cocotb'} & set(sys.modules))").split("\n", 1)
    assert float(took) < 0.05 and loaded == "set()\n"


def test_every_name_is_there_without_amaranth_and_brian2():
    found = run("import sys, spikegate\nfor name in spikegate.__all__: getattr(spikegate, name)\n"
                "print({'amaranth', 'brian2', 'cocotb', 'jax', 'torch', 'numba'} & set(sys.modules))\n"
                "assert set(spikegate.__all__) <= set(dir(spikegate))")
    assert found == "{'numba'}\n"


def test_what_type_checkers_see_is_what_there_is():
    block = next(node for node in ast.parse(SOURCE.read_text()).body if isinstance(node, ast.If))
    seen = {alias.asname: f"{node.module}.{alias.name}" for node in block.body for alias in node.names}
    assert seen == {**spikegate._GOLDEN, **{name: f"{module}.{name}" for name, module in spikegate._FACE.items()}}
    assert sorted(spikegate.__all__) == sorted(["__version__", *seen]) and len(seen) > 60


def test_no_module_takes_the_place_of_a_name():
    modules = {module.name for module in pkgutil.iter_modules([str(SOURCE.parent)])}
    assert modules >= {"cli", "boards", "simulate"} and not modules & set(spikegate.__all__)
    for name in modules - {"host_line"}:
        importlib.import_module(f"spikegate.{name}")
    assert spikegate.bitstream is bitstream and callable(bitstream) and spikegate.hybrid is hybrid


def test_a_name_that_is_not_there_is_said_to_be_absent():
    with pytest.raises(AttributeError, match="module 'spikegate' has no attribute 'StochasticLifNeuron'"):
        spikegate.StochasticLifNeuron  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'simulation'"):
        from spikegate import simulation  # noqa: F401


def test_the_lines_of_the_published_tutorial_run():
    space = {}
    exec("from spikegate import *", space)
    assert {"StochasticLIFNeuron", "FixedPointLIFNeuron", "BrunelParams", "translate_v1_stochastic_lif", "translate_v2_rate_matched",
            "translate_v3_fixed_point", "translate_v21_custom"} <= set(space)
    network = space["translate"](SMALL, ms=5)
    assert space["golden"].run(network).n == 20 and space["compare"]("a", "bit-true", golden.run(network), golden.run(network)).ok


def network():
    return translate(SMALL, ms=2)


def test_enumerations_are_in_the_face():
    assert FixedPointLIFNeuron(rounding=Rounding.NEAREST, overflow=Overflow.WRAP).params.overflow is Overflow.WRAP
    assert isinstance(BrunelParams(), BrunelParams) and unpack(bitstream(0.5)).shape == (256,)
