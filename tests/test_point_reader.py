"""The lists of docs/point_networks.md, files that a reader has to refuse and files that it has not, held against two readers."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from point_files import (
    File,
    all_of,
    becomes,
    current,
    emptied,
    has,
    holds,
    independent_read,
    lacks,
    made,
    moved,
    neuron,
    noisy,
    places,
    register,
    renamed,
    sets,
    shaped,
    silent,
    swapped,
    with_a_list,
    written,
)

from spikegate.models.errors import InputError
from spikegate.models.network.point import PointNetwork

PAGE = Path(__file__).parents[1] / "docs" / "point_networks.md"


TAPS = [64, 63, 61, 60]
LOW = -(1 << 31)
#: Phrase of the page -> what the independent reader says, and files.
REFUSED = {
    "the first line of version 1 or 3": ("first line", [
        written(whole=lambda d, to=to: d.replace(b"network 2", b"network " + to, 1)) for to in (b"1", b"3")]),
    "a hash of another content": ("hash", [written(whole=lambda d: d[:-1] + bytes([d[-1] ^ 1]))]),
    "a byte more at the end, or one less": ("follows|ends within", [written(body=lambda d: d + b"\0"), written(body=lambda d: d[:-1])]),
    "a header whose keys are not sorted, or that has spaces": ("one form", [
        written(text=lambda d: json.dumps(dict(reversed(json.loads(d).items())), separators=(",", ":")).encode()),
        written(text=lambda d: json.dumps(json.loads(d), sort_keys=True).encode()), written(text=lambda d: d + b" ")]),
    "a key twice": ("one form", [written(text=lambda d: d.replace(b'"steps":9', b'"steps":9,"steps":9'))]),
    "a key more or a key less, in any object": ("has the keys|as many arrays", [
        *(has(*path, to=1) for path in places(dict, "more")), *(lacks(*path, key) for path, inner in places(dict) for key in inner)]),
    "a number written as `1.0` or `true`": ("is an integer|names of currents", [
        *(has(*path, to=to) for path, value in places(int) for to in (float(value), True))]),
    "`steps` of 0": ("^steps is", [has("steps", to=0)]),
    "a `dt_ns` of 0": ("dt_ns", [has("dt_ns", to=0)]),
    "a title that is not printable": ("name is printable", [has("name", to="a\n"), has("name", to="\ud800"), has("name", to=5)]),
    "a list or an object in `source`": ("source is plain", [has("source", "rate", to=to) for to in ([], {}, None)]),
    "no population": ("there is a population", [has("populations", to=[])]),
    "a `size` of 0": ("^size", [has("populations", 0, "size", to=0), has("inputs", 0, "size", to=0)]),
    "a name that two populations or inputs share": ("names differ", [renamed("b"), renamed("in"), renamed("noise", 3)]),
    "a name with a letter that is not ASCII, with a space or with a digit first": ("name is of letters|names of currents", [
        *(renamed(name) for name in ("\u00e9", "a b", "0a", "")), *(has("inputs", 0, "name", to=name) for name in ("\u00e9", "a b", "0a", "")),
        *(current(name) for name in ("\u00e9", "a b", "0a", ""))]),
    "a `kind` that is not its currents'": ("cuba_lif has", [neuron(0, kind="cuba_lif"), neuron(0, kind="kicked_cuba_lif"), neuron(1, kind="lif")]),
    "kicks at `v` where the kind has no such port": ("port of a projection", [has("projections", 1, "port", to="v"), neuron(4, kind="cuba_lif")]),
    "three currents": ("cuba_lif has", [neuron(1, currents=["exc", "inh", "more"])]),
    "a current that is named as another one or as a state": ("names of currents|name of no other", [
        current("exc"), *(current(name) for name in ("v", "hold", "overflow", "fired"))]),
    "stochastic rounding with currents, theta or w": ("rounding is one of floor, nearest,", [neuron(k, rounding="stochastic") for k in (1, 5)]),
    "an `adaptive_lif` without theta and w, or with a current of such a name": ("has theta or w|name of no other", [
        all_of(neuron(5, theta_format=None, w_format=None, slope=False)), *(neuron(5, currents=[name]) for name in ("theta", "w"))]),
    "a theta of fewer fraction bits than the membrane": ("theta has", [neuron(5, theta_format={"width": 16, "fraction": 7})]),
    "a slope without w": ("a slope has", [neuron(5, w_format=None)]),
    "`kicks` without currents": ("kicks stand", [neuron(5, currents=[])]),
    "a rounding, overflow, order, reset, kind or `held` of another name, `membrane` and, without currents, `all` too": ("is one of", [
        neuron(0, **{key: to}) for key in "rounding overflow order reset kind held".split() for to in ("other", 0, None, "membrane", "all")]),
    "a format of 33 bits, or with W + f = 55": ("(width|fraction) of (current_)?format", [
        neuron(k, **{key: {"width": width, "fraction": fraction}}) for k in (0, 1) for key in ("format", "current_format")
        for width, fraction in ((33, 8), (32, 23), (16, 16), (16, 0), (1, 1))]),
    "a fraction of 0 bits or 29 bits": ("(leak|decay|theta|w)_fraction", [
        *(neuron(k, **{key: bits}) for k in (0, 1) for key in ("leak_fraction", "decay_fraction") for bits in (0, 29)),
        *(neuron(5, **{key: bits}) for key in ("theta_fraction", "w_fraction") for bits in (0, 29))]),
    "a coupling of 0 or 25 bits": ("coupling_bits", [neuron(k, coupling_bits=bits) for k in (0, 1) for bits in (0, 25)]),
    "a shift of 41": ("coupling_shift", [neuron(k, coupling_shift=shift) for k in (0, 1) for shift in (-1, 41)]),
    "a `u` with fewer fraction bits than the membrane": ("^u has", [neuron(6, u_format={"width": 20, "fraction": 7})]),
    "an `izhikevich` with stochastic rounding": ("rounding is one of floor, nearest,", [neuron(6, rounding="stochastic")]),
    "a `slope` of 0 or 25 fraction bits, or an `a` of 0 or 29": ("(slope|a)_fraction", [
        neuron(6, **{name: bits}) for name, most in (("slope_fraction", 25), ("a_fraction", 29)) for bits in (0, most)]),
    "a `square` of 0 or 25 bits, or a `b` of 1 or 25": ("(square|b)_bits", [
        neuron(6, **{name: bits}) for name, least in (("square_bits", 0), ("b_bits", 1)) for bits in (least, 25)]),
    "a product of `square` or `b` shifted by 41 bits": ("(square|b)_shift", [
        neuron(6, **{name: bits}) for name in ("square_shift", "b_shift") for bits in (-1, 41)]),
    "a product of 62 bits": ("product with (square|b)", [
        all_of(neuron(6, format={"width": 24, "fraction": 8}, square_bits=15, square_shift=1)),
        all_of(neuron(6, format={"width": 24, "fraction": 8}, b_bits=24, a_fraction=24, b_shift=10, square_shift=16))]),
    "a `c` that is not below the peak": ("^c is below", [*sets(6, 5, 12, 13)]),
    "a parameter below or above its range": (r"^(square|slope|a|b|c|d|peak|leak|rest|threshold|reset|refractory|"
                                             r"bias|chance|(jump|decay|slope|coupling) of \w+) lies in", [
        *sets(0, 0, -1, 1025), *sets(0, 1, -32769, 32768), *sets(0, 2, 32768), *sets(0, 3, -32769), *sets(0, 4, -1, 256), *sets(0, 5, -32769, 32768),
        *sets(1, 2, LOW - 1), *sets(1, 6, -1, 65537), *sets(1, 9, -1, 65536), *sets(2, 0, -1, (1 << 32) + 1),
        *sets(6, 0, -1, 65536), *sets(6, 1, -(1 << 19) - 1, 1 << 19), *sets(6, 2, -32769, 32768), *sets(6, 3, -1, 65537), *sets(6, 4, -32769, 32768),
        *sets(6, 5, -32769), *sets(6, 6, -(1 << 19) - 1, 1 << 19), *sets(6, 7, 32768),
        *(each for column, least, most in (
            (8, -32768, 32767), (9, 0, 65536), (10, -32768, 32767), (11, 0, 65536), (12, 0, 65535), (13, -65535, 65535))
            for each in sets(5, column, least - 1, most + 1))]),
    "a `reset` that is not below the threshold, or of 0 to be subtracted": ("^reset", [*sets(0, 3, 5120, 5121), *sets(1, 3, 0)]),
    "no parameter sets": ("number of sets", [becomes("population0.sets", lambda a: a[:0])]),
    "an `index` that is no set": ("^index", [holds("population1.index", 0, 2)]),
    "a state outside its range": ("^(v|u|hold|overflow|fired|exc|theta|w) lies in", [
        *(holds("population6.state.u", 0, value) for value in (-(1 << 19) - 1, 1 << 19)),
        *(holds(f"population{k}.state.{name}", 1, value) for k, name, least, most in (
            (0, "v", -32768, 32767), (5, "theta", -32768, 32767), (5, "w", -32768, 32767),
            (1, "exc", -8192, 8191), (1, "hold", 0, 255), (1, "overflow", 0, 1), (1, "fired", 0, 1))
        for value in (least - 1, most + 1))]),
    "a drive of a `bernoulli`, or at another port": ("port of a drive", [
        has("populations", 2, "drive", to={"weight": 1, "port": "v", "offset": 0}),
        has("populations", 0, "drive", "port", to="exc")]),
    "a drive's weight outside the port's format": ("weight of a drive", [has("populations", 0, "drive", "weight", to=to) for to in (-32769, 32768)]),
    "an offset of 65536": ("^offset", [has("populations", 0, "drive", "offset", to=to) for to in (-1, 65536)]),
    "a drive table whose length is not 2^depth - 1, or that does not ascend": ("a table has", [
        *(becomes("population0.limits", lambda a, many=many: np.arange(many, dtype="<u4")) for many in (0, 2, 4, 511)),
        swapped(("population0.limits", 0, 1))]),
    "noise of a `bernoulli` or an `izhikevich`, or with stochastic rounding": ("noise is of a membrane", [noisy(0), noisy(2), noisy(6)]),
    "a weight of noise outside the membrane's format": ("weight of noise", [
        has("populations", 5, "noise", "weight", to=to) for to in (-32769, 32768)]),
    "a table of noise whose length is not 2^depth - 1, or that does not ascend": ("a table has", [
        *(becomes("population5.noise", lambda a, many=many: np.arange(many, dtype="<u4")) for many in (0, 2, 511)),
        swapped(("population5.noise", 0, 1))]),
    "noise with a register of 63 bits": ("width of lfsr", [register(63, [63, 62])]),
    "events of an input that do not ascend": ("events of an input", [
        swapped(("input0.steps", 0, 1), ("input0.channels", 0, 1)), swapped(("input0.channels", 1, 2))]),
    "an event twice": ("events of an input", [holds("input0.channels", 1, 1)]),
    "an event in step `steps`": ("^steps of an input", [holds("input0.steps", 2, 9)]),
    "an event of a channel not below the size": ("^channels of an input", [holds("input0.channels", 2, 2)]),
    "more steps than channels": ("events of an input", [becomes("input0.channels", lambda a: a[:2])]),
    "a projection from nowhere or to an input": ("^(source|target) is one of", [
        has("projections", 0, "source", to="c"), has("projections", 0, "target", to="in"), has("projections", 0, "target", to="c")]),
    "a port that the target does not have, also without synapses": ("port of a projection", [
        has("projections", 0, "port", to="exc"), all_of(has("projections", 0, "port", to="exc"), emptied), has("projections", 1, "port", to="v"),
        has("projections", 2, "target", to="noise"), all_of(has("projections", 0, "target", to="noise"), emptied)]),
    "`indptr` that does not begin with 0, that falls, or that does not end with the number of synapses": ("^indptr ascends", [
        holds("projection0.indptr", 0, 1), holds("projection0.indptr", 1, 5), holds("projection0.indptr", 2, 3), holds("projection0.indptr", 2, 5)]),
    "an `in_degree` of 0, one that does not divide the sources, or one that they are not 2 to 64 times as large as": ("in_degree", [
        made(in_degree=degree) for degree in (0, -1, 2, 3)]),
    "fewer `lanes` than that ratio from a population to itself, 0 lanes or 65": ("lanes lies|lanes is|^lanes", [
        made(lanes=lanes) for lanes in (1, 0, 65)]),
    "a `seed` of 2^64": ("generated seed", [made(seed=seed) for seed in (-1, 1 << 64)]),
    "a generated delay of 0, or a generated weight outside the port's format": ("generated (delay|weight)", [
        *(made(delay=delay) for delay in (0, 256)), *(made(weight=weight) for weight in (-32769, 32768))]),
    "arrays of a projection that is generated": ("as many arrays", [with_a_list]),
    "a target not below the size": ("^a target lies", [holds("projection0.indices", 3, 2)]),
    "a row that does not ascend by delay, by target or by weight": ("a row ascends", [
        holds("projection0.delays", 0, 3), holds("projection0.indices", 2, 0), holds("projection0.weights", 2, 4)]),
    "a weight outside the port's format": ("^a weight lies", [
        holds("projection0.weights", 3, -32769), holds("projection0.weights", 3, 32768), holds("projection1.weights", 0, 8192)]),
    "a delay of 0": ("^a delay lies", [holds("projection0.delays", 0, 0)]),
    "a register of fewer than 32 + h bits": ("width of lfsr", [register(41, [41, 38])]),
    "taps that do not descend from the width": ("tap|lfsr", [
        register(64, taps) for taps in ([63, 61, 60], [64, 60, 61], [64, 64, 60], [], [65, 64, 60])]),
    "a leap of 31, or above the lowest tap": ("^leap", [register(64, TAPS, 31), register(64, TAPS, 61)]),
    "a seed of 0 where a number is drawn": ("seeds", [holds("seeds", k, 0) for k in (0, 4, 7)]),
    "a seed where none is drawn": ("seeds", [holds("seeds", 2, 1)]),
    "a seed of more than w bits": ("seeds", [all_of(silent, register(42, [42, 39, 38, 35]), holds("seeds", 0, 1 << 42))]),
    "an array of another type, shape or place": ("here stands|dimensions|extent", [
        becomes("seeds", lambda a: a.astype("<i8")), becomes("population0.index", lambda a: a.astype("<u4")), written(text=shaped), moved,
        becomes("seeds", lambda a: np.append(a, a[-1:])), becomes("projection0.indptr", lambda a: np.append(a, a[-1:])),
        becomes("population2.sets", lambda a: a[0])]),
    "an array more or an array less": ("as many arrays", [
        lambda file: file.arrays.update({"more.seeds": file.arrays["seeds"]}), lambda file: file.arrays.pop("population0.limits"),
        lambda file: file.arrays.pop("population1.state.fired"),
        lambda file: file.arrays.pop("population5.noise"), lambda file: file.arrays.pop("seeds")]),
    "a port whose sum could be 2^31": ("no sum", [holds("projection2.weights", slice(None), [1 << 30, 1 << 30])]),
}
ACCEPTED = {
    "a set that no neuron has, or two sets alike": [holds("population1.index", 1, 0)],
    "two synapses alike": [holds("projection0.weights", 2, 5)],
    "two projections with the same source, target and port": [lambda file: (
        file.header["projections"].append(file.header["projections"][0]), moved_seeds(file))],
    "a projection without synapses": [emptied],
    "an input without events": [all_of(*(becomes(f"input0.{name}", lambda a: a[:0]) for name in ("steps", "channels")))],
    "a weight of 0": [holds("projection0.weights", 0, 0), has("populations", 0, "drive", "weight", to=0)],
    "a delay of 255": [holds("projection0.delays", 3, 255)],
    "a `leak` of 0 or of 2^h": sets(0, 0, 0, 1024),
    "a `chance` of 0 or of 2^32": sets(2, 0, 0, 1 << 32),
    "a port whose sum could be 2^31 - 1": [holds("projection2.weights", slice(None), [1 << 30, -(1 << 30) + 1])],
    "`v` above the threshold": [holds("population0.state.v", 0, 32767)],
    "`hold` above R": [holds("population0.state.hold", 0, 255)],
    "limits that are equal": [holds("population0.limits", slice(None), 7)],
    "taps of another number than four": [register(64, [64]), register(64, [64, 63]), register(64, [64, 60, 50, 49, 40, 35])],
}


def moved_seeds(file):
    """The arrays of projection 0 again, as those of projection 5, before the last array."""
    seeds = file.arrays.pop("seeds")
    file.arrays |= {f"projection6.{name}": file.arrays[f"projection0.{name}"] for name in ("indptr", "indices", "weights", "delays")}
    file.arrays["seeds"] = seeds


def refused_by(path):
    """What the two readers say, '' where a file is read."""
    said = []
    for read, error in ((independent_read, ValueError), (PointNetwork.load, InputError)):
        try:
            read(path)
            said.append("")
        except error as problem:
            said.append(str(problem) or "?")
    return said


def listed(beginning):
    """The phrases of the page's list that such a paragraph begins."""
    text = PAGE.read_text().partition(beginning)[2].partition("\n\n")[2].partition("\n\n")[0]
    items = re.split(r"^- ", text, flags=re.MULTILINE)[1:]
    return [re.sub(r"\s+", " ", phrase) for item in items for phrase in item.strip().rstrip(".;").split("; ")]


def test_the_lists_are_those_of_the_page():
    assert listed("For a test of a reader") == [*REFUSED] and listed("These are no reason") == [*ACCEPTED]


def test_the_good_file_is_read(tmp_path):
    (tmp_path / "net").write_bytes(File().data())
    assert refused_by(tmp_path / "net") == ["", ""]


@pytest.mark.parametrize("phrase", REFUSED)
def test_every_file_that_must_be_refused_is(phrase, tmp_path):
    reason, changes = REFUSED[phrase]
    for k, change in enumerate(changes):
        file = File()
        change(file)
        (tmp_path / "net").write_bytes(file.data())
        independent, golden = refused_by(tmp_path / "net")
        assert re.search(reason, independent) and golden, (k, independent, golden)


@pytest.mark.parametrize("phrase", ACCEPTED)
def test_no_other_file_is(phrase, tmp_path):
    for k, change in enumerate(ACCEPTED[phrase]):
        file = File()
        change(file)
        (tmp_path / "net").write_bytes(file.data())
        assert refused_by(tmp_path / "net") == ["", ""], k
