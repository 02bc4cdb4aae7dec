"""Calls of the classes that users import: none takes anything like the time that it once took, and the benchmark that measures them runs."""

import importlib.util
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).parent.parent / "benchmarks" / "class_calls.py"
spec = importlib.util.spec_from_file_location("class_calls", PATH)
class_calls = importlib.util.module_from_spec(spec)
spec.loader.exec_module(class_calls)

#: Processor time of the published package's calls on a quiet machine, microseconds, and room for a machine that is not. The registers of a stream
#: took a thousand times this.
ROOM = 5
PUBLISHED = {"FixedPointLIFNeuron.step": 0.83, "LFSR step, 16 bits": 0.31, "StochasticLIFNeuron.step": 1.6, "BitstreamSynapse()": 35,
             "BitstreamSynapse(seed), another each time": 35, "BitstreamSynapse.apply, bits": 5.8, "stream of 256 bits": 35,
             "stream of 4096 bits": 35, "Sobol stream of 256 bits": 200, "BitstreamDotProduct.apply, 50 x 4096 bits": 654,
             "VectorizedSCLayer.forward, 200 x 200, 4096 bits, unipolar": 61_000}


def test_every_call_of_ours_takes_about_as_long_as_the_published_one_at_most():
    package = class_calls.Package(sys.executable)
    for case in class_calls.CASES:
        seconds = min(package.ask(case.ours, 0.01) for _ in range(3))
        assert 0 < 1e6 * seconds < ROOM * PUBLISHED.get(case.name, 1e9), case.name
    package.close()
    assert set(PUBLISHED) < {case.name for case in class_calls.CASES} and len(class_calls.CASES) == 16


def test_steps_that_differ_are_counted():
    package = class_calls.Package(sys.executable)
    fields = class_calls.FIELDS.format(2)
    ours, others = (package.ask((f"{class_calls.STEPS}\nfrom spikegate import FixedPointLIFNeuron, Overflow\nmake = lambda: FixedPointLIFNeuron("
                                 f'{fields}, clamp={clamp!r}, overflow=Overflow.WRAP)', "states(make(), 2000)"), None) for clamp in ("rest", "reset"))
    package.close()
    assert len(ours) == 2000 and sum(spike for spike, _ in ours) > 100
    assert sum(a != b for a, b in zip(ours, others)) > 300


def test_an_interpreter_that_does_not_run_or_lacks_the_package_is_named(capfd):
    assert class_calls.main(["--published", "/no/such/python"]) == 2
    assert "class_calls: Python /no/such/python does not run (No such file or directory); give the interpreter of a venv" in capfd.readouterr().err
    assert class_calls.main(["--published", sys.executable, "--rounds", "1", "--seconds", "0.001"]) == 1
    assert "No module named 'sc_neurocore'" in (err := capfd.readouterr().err) and "did not answer to neuron.step(1, 256, 100)" in err
    with pytest.raises(SystemExit):
        class_calls.main([])
