"""The file of a network: one form for each network, and nothing else is read; failures leave nothing behind."""

import json
import os
from fractions import Fraction

import hostile
import numpy as np
import pytest

from spikegate.models.core import engine
from spikegate.models.errors import InputError
from spikegate.models.network import file
from spikegate.models.network.network import MAX_STEPS, Network
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.numeric.lfsr import LfsrParams


def one_neuron(**changes):
    fields = dict(name="one", n_exc=1, n_inh=0, delay=1, steps=4, dt_ns=1, lif=LifParams(Q8_8, 512, 0), lfsr=LfsrParams(), indptr=[0, 1], indices=[0],
                  weights=[100], v0=[0], seeds=[1], drive=DriveParams(binomial_limits(1, Fraction(1, 2)), 256))
    return Network(**{**fields, **changes})


def changed(**changes):
    """A file of the network with some of the header changed, in the one form and with a valid hash."""
    line, body = file.content(one_neuron()).split(b"\n", 1)
    header = json.loads(line)
    for key, value in changes.items():
        *way, last = key.split("__")
        node = header
        for part in way:
            node = node[part]
        node[last] = value
    return hostile.freeze(json.dumps(header, sort_keys=True, separators=(",", ":")).encode() + b"\n" + body)


def load(data, path):
    path.write_bytes(data)
    return Network.load(path)


def test_the_helper_makes_the_file_itself(tmp_path):
    one_neuron().save(tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == changed()
    assert load(changed(steps=7), tmp_path / "net").steps == 7


@pytest.mark.parametrize("kept", hostile.networks(), ids=["events", "fine leak", "lfsr", "sobol"])
def test_a_network_is_read_as_it_was_written(kept, tmp_path):
    digest = kept.save(tmp_path / "net")
    network = Network.load(tmp_path / "net")
    assert digest == kept.hash == network.hash and file.content(network) == file.content(kept)
    assert network.lif == kept.lif and network.source == kept.source
    assert np.array_equal(engine.run(network).spikes, engine.run(kept).spikes)


@pytest.mark.parametrize(("changes", "words"), [
    (dict(delay=True), "delay must be a whole number, not True"), (dict(steps=4.0), "steps must be a whole number, not 4.0"),
    (dict(steps=MAX_STEPS + 1), f"Steps must be in 1..{MAX_STEPS}"), (dict(dt_ns=10**9 + 1), "dt must be in 1..1000000000 ns"),
    (dict(name=7), "name must be of type str"), (dict(name="a\x1b[2J"), "Name must be printable"), (dict(name="\ud800"), "Name must be printable"),
    (dict(source=[["a", 1]]), "source must be of type Mapping"), (dict(source={"a": [1]}), "printable names to numbers"),
    (dict(source={"a": float("nan")}), "printable names to numbers"), (dict(source={"a": "\n"}), "printable names to numbers"),
    (dict(lif__rounding="NEAREST"), "the same in another form"), (dict(lif__leak_fraction=8), "the same in another form"),
    (dict(streams={}), "the same in another form"), (dict(streams=None), "the same in another form"), (dict(comment="x"), "the same in another form"),
    (dict(lif__gain=None), "the same in another form"), (dict(drive__limit=3), "TypeError"), (dict(lfsr__taps=[]), "the same in another form"),
    (dict(lfsr__width=2**64), "LFSR width must be in 3..64"), (dict(lif__leak=10**30), "leak must be in"), (dict(arrays=[]), "bytes after the last"),
    (dict(arrays={"name": 1}), "TypeError"), (dict(format=None), "TypeError")])
def test_a_header_of_another_form_is_refused(changes, words, tmp_path):
    with pytest.raises(InputError, match=words):
        load(changed(**changes), tmp_path / "net")


@pytest.mark.parametrize("shape", [[2**64], [2**63 - 1, 4], [-1], [2.0], ["2"], 2, None, [2, 1], [[2]]])
def test_a_shape_that_the_array_has_not_is_refused(shape, tmp_path):
    line, body = file.content(one_neuron()).split(b"\n", 1)
    header = json.loads(line)
    header["arrays"][0]["shape"] = shape
    with pytest.raises(InputError, match="Network file"):
        load(hostile.freeze(json.dumps(header, sort_keys=True, separators=(",", ":")).encode() + b"\n" + body), tmp_path / "net")


@pytest.mark.parametrize(("old", "new"), [
    (b'"delay":1', b'"delay": 1'), (b'"delay":1', b'"delay":1,"delay":1'), (b'"source":{}', b'"source":{"a":1e2}'),
    (b'"name":"one"', b'"name":"\xc3\xa9"'), (b'"source":{}', b'"source":' + b"[" * 10**5 + b"]" * 10**5)])
def test_json_of_another_form_is_refused(old, new, tmp_path):
    content = file.content(one_neuron())
    assert old in content
    with pytest.raises(InputError, match="does not follow the layout"):
        load(hostile.freeze(content.replace(old, new, 1)), tmp_path / "net")


@pytest.mark.parametrize("path", ["", ".", "/", "..", "a\0b", "absent/net", "n" * 300])
def test_a_path_that_is_no_file_is_refused_and_nothing_is_left(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(os.listdir(".")), sorted(os.listdir("/")), sorted(os.listdir(".."))
    with pytest.raises(InputError, match="cannot be written"):
        one_neuron().save(path)
    with pytest.raises(InputError, match="cannot be read"):
        Network.load(path)
    assert before == (sorted(os.listdir(".")), sorted(os.listdir("/")), sorted(os.listdir("..")))


@pytest.mark.parametrize(("begin", "problem"), [
    (b"spikegate network 2\n", "is of another version"), (b"spikegate network 1 ", "is of another version"),
    (b"spikegate networks 1", "is no spikegate network"), (b"spikegate netwerk 1\n", "is no spikegate network")])
def test_the_first_line_tells_another_version_from_another_file(begin, problem, tmp_path):
    with pytest.raises(InputError) as said:
        load(begin + changed()[20:], tmp_path / "net")
    assert problem in str(said.value) and f"(it begins with {begin!r}, not " in str(said.value)


@pytest.mark.parametrize("digest", [b"0" * 64 + b"\n", None])
def test_a_file_with_another_hash_is_refused(digest, tmp_path):
    data = changed()
    digest = digest or data[20:84] + b" "
    with pytest.raises(InputError, match="is truncated or damaged"):
        load(data[:20] + digest + data[85:], tmp_path / "net")


def test_the_reason_is_the_systems_own_words(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read \(No such file or directory\);"):
        Network.load(tmp_path / "absent")
    with pytest.raises(InputError, match=r"cannot be read \(.*null byte.*\);"):
        Network.load("a\0b")


def test_a_device_without_end_is_no_network():
    with pytest.raises(InputError, match="is no spikegate network"):
        Network.load("/dev/zero")


@pytest.mark.parametrize("changes", [dict(indptr=[0.5, 1]), dict(weights=[2**31]), dict(v0=np.array([2**40])), dict(indices=[[0]]), dict(seeds=[-1]),
                                     dict(external=[[300]] * 4), dict(lif=None), dict(drive="x"), dict(streams=3), dict(source={1: 2})])
def test_fields_of_another_type_are_refused(changes):
    with pytest.raises(InputError, match="must "):
        one_neuron(**changes)
