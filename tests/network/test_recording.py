"""A recording's times, parts and files: what is saved is what is loaded, and what is damaged is refused."""

import sys
import types

import numpy as np
import pytest
from some_point import some_point_network

from spikegate import InputError, Recording, ToolMissing, golden, point_golden, preset, translate

SPIKES = [[0, 1], [2, 0], [2, 3], [9, 1]]


def some(dt_ns=250_000, **changes):
    trace = {"v": np.arange(40, dtype=np.int32).reshape(10, 4)}
    fields = {"final": {"v": np.arange(4), "lfsr": np.array([2**64 - 1, 1, 2, 3], np.uint64)}, "trace": trace, "cycles": 77,
              "provenance": {"network": "ab", "seconds": np.float64(0.5), "lanes": 3}}
    return Recording("some", 4, 10, np.array(SPIKES), **(fields | changes), dt_ns=dt_ns)


def same(a, b):
    assert (a.engine, a.n, a.steps, a.cycles, a.dt_ns) == (b.engine, b.n, b.steps, b.cycles, b.dt_ns)
    assert np.array_equal(a.spikes, b.spikes) and a.spikes.dtype == b.spikes.dtype
    for x, y in ((a.final, b.final), (a.trace, b.trace)):
        assert x.keys() == y.keys()
        for name in x:
            assert np.asarray(x[name]).dtype == y[name].dtype and np.array_equal(x[name], y[name])


def test_times_are_those_of_the_steps():
    assert some().times_ms().tolist() == some(dt_ns=None).times_ms(0.25).tolist() == some().times_ms(0.25).tolist() == [0, 0.5, 0.5, 2.25]
    assert point_golden.run(some_point_network(1)).dt_ns == 100_000


@pytest.mark.parametrize("dt_ns, dt_ms, message", [
    (None, None, "Recording of some does not say how long a step is; give dt_ms, such as 0.1"),
    (None, 0, "dt_ms must be a number above 0, not 0"), (None, "1", "dt_ms must be a number above 0, not '1'"),
    (250_000, 0.1, "dt_ms must be 0.25 ms, or left out, not 0.1")])
def test_a_wrong_step_is_refused(dt_ns, dt_ms, message):
    with pytest.raises(InputError) as error:
        some(dt_ns).times_ms(dt_ms)
    assert str(error.value) == message


@pytest.mark.parametrize("neurons", [[1, 3], np.array([False, True, False, True]), slice(1, 4, 2)], ids=["numbers", "mask", "slice"])
def test_a_part_has_its_spikes_states_and_traces(neurons):
    part = some().of(neurons)
    assert part.n == 2 and part.spikes.tolist() == [[0, 0], [2, 1], [9, 0]] and part.final["v"].tolist() == [1, 3]
    assert part.trace["v"].tolist() == [[4 * t + 1, 4 * t + 3] for t in range(10)]


@pytest.mark.parametrize("neurons", [[3, 1], [1, 1], [4], [-1], [], [[1]], [True], slice(2, 2), slice(None, None, -1), 2])
def test_neurons_that_are_not_there_are_refused(neurons):
    with pytest.raises(InputError, match="Neurons must be ascending numbers in 0..3, a mask of 4 or a slice, not"):
        some().of(neurons)


def test_what_is_saved_is_loaded(tmp_path):
    old = translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.3), ms=5)
    for recording in (some(), some(None, trace={}, final={}), golden.run(old, trace=True), point_golden.run(some_point_network(2), trace=True)):
        recording.save(tmp_path / "kept.npz")
        loaded = Recording.load(tmp_path / "kept.npz")
        same(recording, loaded)
        assert loaded.provenance == recording.provenance
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]
    with np.load(tmp_path / "kept.npz") as file:
        assert np.array_equal(file["spikes"], recording.spikes)


def test_every_damaged_file_is_refused(tmp_path):
    some().save(tmp_path / "good")
    data, path, refused = (tmp_path / "good").read_bytes(), tmp_path / "bad", 0
    for at in range(0, len(data), 7):
        for bad in (data[:at], data[:at] + bytes([data[at] ^ 4]) + data[at + 1:]):
            path.write_bytes(bad)
            try:
                same(some(), Recording.load(path))  # a bit that no reader looks at, such as a date
            except InputError as error:
                assert str(error).startswith(f"Recording {path} ") and "Recording.save" in str(error)
                refused += 1
    assert refused > len(data) / 7 * 1.5


def test_foreign_and_inconsistent_files_are_refused(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, spikes=np.zeros((1, 2), np.int32))
    with pytest.raises(InputError, match="foreign, truncated or damaged"):
        Recording.load(path)
    np.savez(path, spikes=np.array([{}], object))
    with pytest.raises(InputError, match="foreign, truncated or damaged"):
        Recording.load(path)
    for changed, message in (({"steps": 9}, "a spike is outside of 9 steps and 4 neurons"),
                             ({"n": 3}, "a spike is outside of 10 steps and 3 neurons"),
                             ({"trace": {"v": np.zeros((3, 4))}}, r"trace v is \(3, 4\), not \(10, …\)")):
        wrong = some()
        for name, value in changed.items():
            object.__setattr__(wrong, name, value)
        wrong.save(path)
        with pytest.raises(InputError, match=message):
            Recording.load(path)
    for bad in (tmp_path / "absent", tmp_path, None):
        with pytest.raises(InputError, match="cannot be read"):
            Recording.load(bad)
    with pytest.raises(InputError, match="cannot be written"):
        some().save(tmp_path / "absent" / "x")


def test_csv_has_a_line_a_spike(tmp_path):
    some().to_csv(tmp_path / "spikes.csv")
    assert (tmp_path / "spikes.csv").read_text() == "time_ms,neuron\n0,1\n0.5,0\n0.5,3\n2.25,1\n"
    Recording("long", 2, 10_000_000, [(1_234_567, 1), (9_999_999, 0)], dt_ns=100_000).to_csv(tmp_path / "long.csv")
    assert (tmp_path / "long.csv").read_text() == "time_ms,neuron\n123456.7,1\n999999.9,0\n"
    with pytest.raises(InputError, match="cannot be written"):
        some().to_csv(tmp_path / "absent" / "x")


def test_neo_has_a_train_a_neuron():
    trains = some().to_neo()
    assert [train.magnitude.tolist() for train in trains] == [[0.5], [0, 2.25], [], [0.5]]
    assert {str(train.units.dimensionality) for train in trains} == {"ms"} and [float(train.t_stop) for train in trains] == [2.5] * 4
    assert [train.annotations["neuron"] for train in trains] == [0, 1, 2, 3]


def test_pandas_gets_two_columns(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", types.SimpleNamespace(DataFrame=dict))
    table = some().to_pandas()
    assert list(table) == ["time_ms", "neuron"] and table["time_ms"].tolist() == [0, 0.5, 0.5, 2.25] and table["neuron"].tolist() == [1, 0, 3, 1]


@pytest.mark.parametrize("name", ["pandas", "neo"])
def test_what_is_missing_is_named_with_the_command_that_installs_it(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ToolMissing, match=f"{name} cannot be imported .*pip install {name}"):
        getattr(some(), f"to_{name}")()
