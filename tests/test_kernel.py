"""What Numba has compiled: its cache is renewed when any source changes, and without Numba's compiler everything runs in plain Python."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from spikegate.models import kernel

ROOT = Path(__file__).parents[1]
GOLDEN = """
from spikegate.models.core import engine
from spikegate.translator.brunel import preset, translate
network = translate(preset("ai", n_exc=80, n_inh=20), ms=30.0)
print(engine.__file__, len(engine.run(network).spikes))
"""
CLASS = """
from spikegate.models.neuron import lif
from spikegate.models.numeric.fixed import Q8_8
constants, v, total = lif.LifParams(Q8_8, 5120, 2560, 0, 20).constants(), 1000, 0
for _ in range(100):
    v = lif.lif_step(v, 0, 10, 0, 0, constants)[1]
    total += v
print(lif.__file__, total)
"""
EVERYTHING = """
import numpy as np
from spikegate.models.core import engine, stream_engine
from spikegate.models.neuron.single import FixedPointLIFNeuron
from spikegate.models.streams.synapse import BitstreamSynapse, bitstream
from spikegate.translator import voltage
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid
network = translate(preset("ai", n_exc=80, n_inh=20), ms=20.0)
network = network.replace(external=engine.external_events(network))
runs = [engine.run(network), stream_engine.run(hybrid(network.replace(steps=60, external=None), "v4", length=64)), voltage.run(network, "numba")]
assert all(len(run.spikes) for run in runs)
neuron = FixedPointLIFNeuron()
print([run.spikes.tolist() for run in runs], [neuron.step(20, 256, 3000) for _ in range(20)], BitstreamSynapse().apply(bitstream(0.5)))
"""


def run(code, *path, **environment):
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("code", "file", "old", "new"), [
    (CLASS, "numeric/fixed.py", "return value >> shift", "return (value >> shift) + 5"),
    pytest.param(GOLDEN, "neuron/lif.py", "(after >= threshold)", "(after >= threshold - 256)", marks=pytest.mark.long)], ids=["a step", "a run"])
def test_a_change_of_what_a_kernel_inlines_changes_its_results_though_the_cache_is_warm(tmp_path, code, file, old, new):
    here = tmp_path / "site" / "spikegate"
    shutil.copytree(ROOT / "src" / "spikegate", here)
    for package in ("models", "translator"):
        shutil.copytree(ROOT / package, here / package, ignore=shutil.ignore_patterns("__pycache__"))
    settings = {"SPIKEGATE_CACHE": str(tmp_path / "cache"), "NUMBA_OPT": "0"}
    place, before = run(code, tmp_path / "site", **settings).split()
    assert Path(place).is_relative_to(here) and int(before) > 0
    start = time.time()
    assert run(code, tmp_path / "site", **settings).split()[1] == before
    kept = list((tmp_path / "cache").rglob("*.nbc"))
    assert kept and all(one.stat().st_mtime < start for one in kept)  # it was warm
    changed = here / "models" / file
    assert changed.read_text().count(old) == 1
    changed.write_text(changed.read_text().replace(old, new))
    assert int(run(code, tmp_path / "site", **settings).split()[1]) > int(before)


def test_without_the_compiler_everything_gives_the_same():
    assert run(EVERYTHING, NUMBA_DISABLE_JIT="1") == run(EVERYTHING)


def test_only_what_nobody_has_used_for_long_is_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKEGATE_CACHE", str(tmp_path))
    for name, days in (("old", 31), ("used", 29)):
        (tmp_path / "kernels" / name).mkdir(parents=True)
        os.utime(tmp_path / "kernels" / name, (time.time() - days * 86400,) * 2)
    folder = kernel._folder.__wrapped__()
    assert {file.name for file in (tmp_path / "kernels").iterdir()} == {"used", folder.name}


def test_the_cache_is_where_ours_is_whatever_numba_is_told(tmp_path):
    code = "from spikegate.models.numeric import lfsr; import numba; print(lfsr.leap_once._cache.cache_path, numba.config.CACHE_DIR)"
    ours, theirs = run(code, SPIKEGATE_CACHE=str(tmp_path), NUMBA_CACHE_DIR="/proc/no", NUMBA_CACHE_LOCATOR_CLASSES="no.such").split()
    assert Path(ours).is_relative_to(tmp_path / "kernels") and theirs == "/proc/no"


def test_copies_begin_at_a_cache_line():
    for array in [np.arange(k, dtype=dtype).reshape(-1, 1) for k in (1, 7, 64, 1000) for dtype in (np.uint8, np.int16, np.int64)]:
        copies = [kernel.aligned(array) for _ in range(3)]
        assert all(copy.ctypes.data % 64 == 0 for copy in copies)
        assert all(np.array_equal(copy, array) and copy.dtype == array.dtype and copy.shape == array.shape for copy in copies)
        copies[0][0] = 9
        assert array[0] == 0
