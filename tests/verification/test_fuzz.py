"""Whatever is read, bad input is refused by name: never a traceback, never a hang, and what is accepted can be saved, read and run."""

import contextlib
import io
import signal
from collections import Counter
from unittest import mock

import hostile
import pytest
from hypothesis import HealthCheck, given, settings
from independent import engine, netfile, streams

from spikegate import cli, simulate
from spikegate.models.core import engine as core
from spikegate.models.core import stream_engine
from spikegate.models.errors import InputError
from spikegate.models.network import file as network_file
from spikegate.models.network.network import Network
from spikegate.models.neuron.lif import LifParams, lif_step
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.fixed import QFormat
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.translator.brunel import BrunelParams, asked_for, translate

SECONDS = 10  # that a case may take
STEPS = 12  # that an accepted network is run


class Hang(BaseException):
    """A case took too long; no handler of errors catches this."""


@contextlib.contextmanager
def deadline():
    def ring(*_):
        raise Hang(f"more than {SECONDS} s")
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def refused(action, words=""):
    """What ``action`` returns, or None if it raised an `InputError` that says something."""
    try:
        with deadline():
            return action()
    except InputError as error:
        assert words in str(error) and str(error).strip()
        return None


def require_valid(network, folder):
    """The network keeps its form in a file, and the golden model and the independent engine agree on its first steps."""
    network.save(folder / "kept")
    kept = (folder / "kept").read_bytes()
    again = Network.load(folder / "kept")
    assert again.save(folder / "kept") == network.hash and (folder / "kept").read_bytes() == kept
    network.replace(steps=min(network.steps, STEPS)).save(folder / "short")
    file, short = netfile.read(folder / "short"), Network.load(folder / "short")
    golden, synapses = (core.run(short, trace=True), engine.Weights(file)) if short.streams is None else (
        stream_engine.run(short, trace=True), streams.Streams(file))
    for step, (fired, found) in enumerate(engine.simulate(file, synapses)):
        assert golden.spikes[golden.spikes[:, 0] == step, 1].tolist() == fired
        assert all(golden.trace[name][step].tolist() == found[name] for name in found)


def check_file(case, folder):
    data, original = case
    (folder / "file").write_bytes(data)
    network = refused(lambda: Network.load(folder / "file"), f"Network file {folder / 'file'} ")
    if network is None:
        return "rejected"
    if data == original:
        return "not changed"
    require_valid(network, folder)
    assert (folder / "kept").read_bytes() == data
    return "accepted"


def check_constructor(case, folder):
    kind, fields = case
    made = refused(lambda: kind(**fields))
    if made is None:
        return "rejected"
    with deadline():
        if kind is QFormat:
            assert made.min < 0 < made.max and made.holds(made.one) == (made.one <= made.max) and QFormat(**vars(made)) == made
        elif kind is LfsrParams:
            states = made.run(1, 3)
            assert all(type(state) is int and 0 <= state <= made.mask for state in states) and made.phases(1, 1, 0) == [1]
        elif kind is LifParams:
            constants = made.constants()
            spike, v, hold, _ = lif_step(0, 0, 5, 0, 0, constants)
            assert made.format.holds(v) and hold == spike * made.refractory and all(type(x) is int for x in constants)
        elif kind is DriveParams:
            assert made.step(0) == 0 and made.step(2**32 - 1) <= len(made.limits) and type(made.weight) is int
        elif made.probabilities.shape == (3,) and (base := hostile.networks()[0]).lif.format.holds(made.scale):
            require_valid(base.replace(streams=made), folder)
    return "accepted"


def check_brunel(fields, folder):
    network = refused(lambda: translate(BrunelParams(**fields), ms=fields.get("dt", 0.1)))
    if network is None:
        return "rejected"
    assert asked_for(network) == BrunelParams(**fields)
    require_valid(network, folder)
    return "accepted"


def check_command(words, folder):
    """The code is 0, or 2 with nothing but lines of spikegate's on standard error. No engine is started."""
    (folder / "dir").mkdir(exist_ok=True)
    (folder / "good").write_bytes(hostile.whole_files()[2])
    (folder / "bad").write_bytes(hostile.whole_files()[0][:-1])
    (folder / "net").unlink(missing_ok=True)
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with deadline(), contextlib.chdir(folder), mock.patch.object(simulate, "simulate") as simulated, \
            contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main(words)
        except SystemExit as stop:
            assert stop.code == 0 and ("--help" in words or "-h" in words)
            return "help"
    out, err = ((stream.flush(), stream.buffer.getvalue().decode())[1] for stream in (out, err))
    assert code in (0, 2)
    if code == 0:
        assert err == "" and bool(out) != simulated.called
        for call in simulated.call_args_list:
            require_valid(call.args[0], folder)
        if (folder / "net").exists():
            require_valid(Network.load(folder / "net"), folder)
        return "accepted"
    assert out == "" and err and all(line.startswith("spikegate: ") for line in err.removesuffix("\n").split("\n"))
    return "rejected"


#: What is made, how it is checked, how many cases in each run of the tests and in the long one, and the least shares, per cent.
PARTS = {
    "damaged files": (hostile.damaged_files(), check_file, 600, 50_000, (90, 0)),
    "hostile files": (hostile.hostile_files(), check_file, 800, 30_000, (80, 2)),
    "constructors": (hostile.constructor_calls, check_constructor, 700, 30_000, (60, 5)),
    "parameters": (hostile.brunel_fields, check_brunel, 200, 5000, (50, 10)),
    "command lines": (hostile.command_lines, check_command, 200, 5000, (60, 5)),
}


def count(part, cases, folder):
    """How many cases came to what."""
    strategy, check, *_ = PARTS[part]
    found = Counter()

    @settings(max_examples=cases, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def run(case):
        found[check(case, folder)] += 1
    run()
    return found


@pytest.mark.parametrize("part", PARTS)
def test_bad_input_is_refused(part, tmp_path):
    cases, (rejected, accepted) = PARTS[part][2], PARTS[part][4]
    found = count(part, cases, tmp_path)
    print(f"{part}: {dict(found)}")
    assert found["rejected"] * 100 >= rejected * cases and found["accepted"] * 100 >= accepted * cases


@pytest.mark.long
def test_a_hundred_thousand_bad_inputs_are_refused(tmp_path):
    total = Counter()
    for part, (_, _, _, cases, _) in PARTS.items():
        found = count(part, cases, tmp_path)
        total += found
        print(f"{part}: {dict(found)}")
    print(f"{total['rejected']:,} rejected, {total['accepted']:,} accepted and valid, 0 tracebacks, 0 hangs")
    assert total["rejected"] >= 100_000 and total["accepted"] > 1000


def endless(path):
    while True:
        pass


def lenient(path, load=Network.load):
    data = path.read_bytes().split(b"\n", 2)[2]
    with mock.patch.object(network_file, "content", lambda network: data):
        return load(path)


def silent(path):
    raise InputError("")


def broken(path):
    return {}["absent"]


@pytest.mark.parametrize(("reader", "seen"), [(broken, KeyError), (endless, Hang), (lenient, AssertionError), (silent, AssertionError)])
def test_a_defect_of_a_reader_is_seen(reader, seen, tmp_path, monkeypatch):
    original = hostile.whole_files()[0]
    case = hostile.freeze(original.split(b"\n", 2)[2].replace(b'"source":{', b'"source": {')), original
    assert check_file(case, tmp_path) == "rejected"
    monkeypatch.setattr(Network, "load", reader)
    monkeypatch.setitem(globals(), "SECONDS", 0.2)
    with pytest.raises(seen):
        check_file(case, tmp_path)
