"""The inside of an engine's process, within this one: what is measured, told and left, word for word."""

import os
import pickle
import resource
import signal
from types import SimpleNamespace

import numpy as np
import pytest

from spikegate.cosim.isolation import worker
from spikegate.models.errors import InputError, SpikegateError, ToolMissing
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import preset, translate

#: Made once, however many processes are forked from this one.
NETWORK = translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), name="small", ms=1.0)
HASH = NETWORK.hash


@pytest.fixture
def network():
    return NETWORK


def hand(network, progress=None, *, mib=0, fail=None):
    """An engine: it tells fractions, and its result says which options it was given."""
    for fraction in (0.0, 0.001, 0.0019, 0.002, 0.0039, 0.5, 1.0):
        progress(fraction)
    if fail:
        raise fail
    return Recording("hand", 20, 10, [(3, 4)], {"v": np.arange(20)}, {"v": np.full((10, 20), mib, np.int16)}, 77, {"mib": mib, "n": network.n},
                     network.dt_ns)


def nothing(network, progress=None):
    """Work whose result is a file."""


@pytest.fixture
def inside(monkeypatch, tmp_path, network):
    """The worker's `main` on a job, with its system calls written down and a clock that goes 2.5 s from one look to the next."""
    calls, told = [], []
    system = SimpleNamespace(open=lambda path, how: calls.append(("open", path, how)) or 55,
                             write=lambda pipe, text: told.append((pipe, text)), O_WRONLY=os.O_WRONLY)
    thread = lambda target, args, daemon: SimpleNamespace(start=lambda: calls.append((target, args, daemon)))  # noqa: E731
    clock = iter(np.arange(1, 10) * 2.5)
    monkeypatch.setattr(worker, "os", system)
    monkeypatch.setattr(worker, "threading", SimpleNamespace(Thread=thread))
    monkeypatch.setattr(worker, "time", SimpleNamespace(perf_counter=lambda: float(next(clock))))
    monkeypatch.setattr(worker, "_peak_mib", lambda: 12.25)
    monkeypatch.setattr(worker.tempfile, "tempdir", "of another process")

    def ran(work, **options):
        network.save(tmp_path / "network")
        (tmp_path / "job").write_bytes(pickle.dumps((tmp_path / "network", pickle.dumps((work, options)))))
        worker.main(tmp_path, 91)
        return worker.restore(tmp_path / "result", network)
    return SimpleNamespace(run=ran, folder=tmp_path, calls=calls, told=told)


def test_what_comes_back_of_a_process_is_all_that_the_engine_gave_with_its_own_time_and_memory(inside, network):
    result = inside.run(hand, mib=7)
    recording, made = result.recording, hand(network, lambda fraction: None, mib=7)
    assert (result.wall_s, result.peak_mib) == (2.5, 12.25)
    for name in ("engine", "n", "steps", "cycles", "dt_ns"):
        assert getattr(recording, name) == getattr(made, name), name
    assert recording.spikes.tolist() == [[3, 4]] and recording.provenance == {"network": network.hash, "mib": 7, "n": 20}
    for kind in ("final", "trace"):
        assert list(getattr(recording, kind)) == ["v"] and getattr(recording, kind)["v"].dtype == getattr(made, kind)["v"].dtype
        assert getattr(recording, kind)["v"].tolist() == getattr(made, kind)["v"].tolist()
    assert sorted(path.name for path in inside.folder.iterdir() if path.suffix != ".npy") == ["job", "network", "result"]


def test_progress_is_told_in_steps_of_two_thousandths(inside):
    inside.run(hand)
    assert inside.told == [(55, text) for text in (b"0.0000\n", b"0.0020\n", b"0.5000\n", b"1.0000\n")]


def test_a_process_dies_with_its_parent_and_looks_for_temporary_files_anew(inside):
    inside.run(nothing)
    assert inside.calls == [(worker._die_with_parent, (91,), True), ("open", inside.folder / "progress", os.O_WRONLY)]
    assert worker.tempfile.tempdir is None
    seen = []
    worker.os.read, worker.os.killpg = lambda pipe, count: seen.append((pipe, count)), lambda group, number: seen.append((group, number))
    worker._die_with_parent(91)
    assert seen == [(91, 1), (0, signal.SIGKILL)]


def test_work_without_a_recording_has_its_time_and_memory(inside):
    assert inside.run(nothing) == (None, 2.5, 12.25)


@pytest.mark.parametrize("error, code", [(InputError("Lanes: 9"), 2), (ToolMissing("no g++"), 3), (SpikegateError("other"), 1)])
def test_an_error_of_ours_is_left_with_its_class_words_and_code(inside, error, code, capsys):
    with pytest.raises(SystemExit) as left:
        inside.run(hand, fail=error)
    kind = type(error)
    assert left.value.code == code and not (inside.folder / "result").exists() and not (inside.folder / "part").exists()
    assert "Traceback" in capsys.readouterr().err  # which is the log
    assert pickle.loads((inside.folder / "error").read_bytes()) == (kind.__module__, kind.__name__, str(error), code)


@pytest.mark.parametrize("name, ours", [("brian2", False), (None, True), ("spikegate.nothing", True), ("spikegates", True)])
def test_a_package_that_is_missing_is_said_and_a_module_of_ours_is_a_fault(inside, name, ours):
    with pytest.raises(ModuleNotFoundError if ours else SystemExit):
        inside.run(hand, fail=ModuleNotFoundError("no module", name=name))
    assert (inside.folder / "error").exists() is not ours
    if not ours:
        assert pickle.loads((inside.folder / "error").read_bytes())[1:] == (
            "ToolMissing", "Python package brian2 is missing; `spikegate doctor` tells how to install it", 3)


def test_the_peak_is_in_mib(monkeypatch):
    class Status:
        text = "Name: x\nVmPeak: 9999 kB\nVmHWM:\t   3072 kB\nVmRSS: 1 kB\n"

        def __init__(self, path):
            assert path == "/proc/self/status"

        def read_text(self):
            return self.text

    monkeypatch.setattr(worker, "Path", Status)
    assert worker._peak_mib() == 3.0
    Status.text = "Name: x\n"
    monkeypatch.setattr(resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss={resource.RUSAGE_SELF: 5120}[who]))
    assert worker._peak_mib() == 5.0


@pytest.mark.parametrize("rows, mode", [(1 << 17, None), ((1 << 17) + 1, "r")])
def test_an_array_of_more_than_a_mib_is_mapped_and_one_of_less_is_read(tmp_path, network, monkeypatch, rows, mode):
    n, load, seen = rows - 16, np.load, []  # of 8 bytes, after a head of 128
    worker._store(tmp_path, Recording("hand", n, 1, [], {"v": np.zeros(n, np.int64)}), 1.0, 2.0)
    assert (tmp_path / "1.npy").stat().st_size == 8 * rows
    monkeypatch.setattr(np, "load", lambda file, mmap_mode: seen.append((file.name, mmap_mode)) or load(file, mmap_mode=mmap_mode))
    assert len(worker.restore(tmp_path / "result", network).recording.final["v"]) == n and seen == [("0.npy", None), ("1.npy", mode)]
