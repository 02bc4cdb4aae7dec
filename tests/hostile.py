"""Bad input for everything that spikegate reads, as strategies of hypothesis: files, constructors' arguments, command lines."""

__all__ = ["brunel_fields", "command_lines", "constructor_calls", "damaged_files", "freeze", "hostile_files", "whole_files"]

import copy
import dataclasses
import hashlib
import json
from fractions import Fraction
from functools import cache

import numpy as np
from hypothesis import strategies as st

from spikegate.models.network import file as network_file
from spikegate.models.network.network import Network
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q8_8, Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.params import Generator, StreamParams
from spikegate.translator.params import BrunelParams

MAGIC = b"spikegate network 1\n"
EXTREME = (*(sign * (1 << bits) + off for bits in (8, 16, 31, 32, 53, 63, 64) for sign in (-1, 1) for off in (-1, 0, 1)), 1000, 1024, 10**30)
whole_numbers = st.one_of(st.integers(-3, 70), st.sampled_from(EXTREME), st.integers())
scalars = st.one_of(whole_numbers, st.none(), st.booleans(), st.floats(), st.sampled_from([1.0, 2.5, 1e308, -0.0]), st.text(max_size=6),
                    st.sampled_from(["nearest", "FLOOR", "wrap", "sobol", "\x1b[2J", "\ud800", "a\nb", "<u8", ">u4", "indptr"]))
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=4)


@cache
def networks():
    """Small networks: weights with recorded events, a fine leak, streams of each generator."""
    lfsr, rng = LfsrParams(), np.random.default_rng(1)
    lif = LifParams(Q8_8, 5120, 2560, 0, 3, refractory=2)
    fields = dict(name="small", n_exc=2, n_inh=1, delay=2, steps=6, dt_ns=100_000, lfsr=lfsr, lif=lif, indptr=[0, 2, 3, 4], indices=[0, 1, 2, 0],
                  drive=DriveParams(binomial_limits(4, Fraction(1, 4)), 400), weights=[1500, 1400, -700], v0=[4700, 4600, 0],
                  seeds=lfsr.phases(9, 3, 6))
    fine = LifParams(QFormat(24, 10), 5120, -2560, 5, 300, rounding=Rounding.STOCHASTIC, overflow=Overflow.WRAP, leak_fraction=15)
    register = LfsrParams(61, leap=64)
    streams = StreamParams([6000, 65536, 66], 5120, Generator.LFSR, 64, 2, register, register.phases(5, 32, 100))
    sobol = StreamParams([6000, 65536, 66], 5120, Generator.SOBOL, 64, 2, register, dimensions=(0, 3))
    return (Network(**fields, external=rng.integers(0, 3, (6, 3)), source={"seed": 1, "dt": 0.1}), Network(**{**fields, "lif": fine}),
            Network(**fields, streams=streams), Network(**fields, streams=sobol))


@cache
def whole_files():
    """Their files."""
    return tuple(MAGIC + network.hash.encode() + b"\n" + network_file.content(network) for network in networks())


def freeze(content):
    """A file with a valid hash."""
    return MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def take_apart(data):
    """Header and arrays, as bytes by name."""
    line, body = data.split(b"\n", 3)[2:]
    header, arrays = json.loads(line), {}
    for entry in header["arrays"]:
        size = int(np.prod(entry["shape"])) * np.dtype(entry["dtype"]).itemsize
        arrays[entry["name"]], body = body[:size], body[size:]
    return header, arrays


@st.composite
def damaged_files(draw, rehash=None):
    """Whole files with bytes flipped, cut, put in, or taken from another; with the hash made good, or not."""
    files = whole_files()
    original = draw(st.sampled_from(files))
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 3))):
        at, kind = draw(st.integers(0, max(len(data) - 1, 0))), draw(st.sampled_from(["flip", "cut", "drop", "insert", "splice", "byte"]))
        if kind == "cut":
            del data[at:]
        elif kind == "drop":
            del data[at:at + draw(st.integers(1, 40))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=9))
        elif kind == "splice":
            data[at:] = draw(st.sampled_from(files))[draw(st.integers(0, 900)):]
        elif data:
            data[at] = data[at] ^ 1 << draw(st.integers(0, 7)) if kind == "flip" else draw(st.integers(0, 255))
    if draw(st.booleans()) if rehash is None else rehash:
        return freeze(bytes(data[len(MAGIC) + 65:])), original
    return bytes(data), original


def paths(node, path=()):
    """Ways to every value of a header."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path] * bool(path) + [way for key, value in inner for way in paths(value, (*path, key))]


@st.composite
def hostile_files(draw):
    """Files with a valid hash whose header or arrays were changed with intent."""
    original = draw(st.sampled_from(whole_files()))
    header, arrays = take_apart(original)
    header = copy.deepcopy(header)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        kind = draw(st.sampled_from(["set", "near", "near", "delete", "add", "element", "element", "length", "reshape", "order"]))
        if kind in ("element", "length", "reshape"):
            name = draw(st.sampled_from(sorted(arrays)))
            entry = next((entry for entry in header["arrays"] if isinstance(entry, dict) and entry.get("name") == name), None)
            raw = bytearray(arrays[name])
            size = {"<u8": 8, "|u1": 1}.get(entry and str(entry.get("dtype")), 4)
            if kind == "element" and raw:
                at = draw(st.integers(0, len(raw) // size - 1)) * size
                value = draw(st.one_of(st.integers(0, 5), st.sampled_from([v for v in EXTREME if v >= 0]))) % 256**size
                raw[at:at + size] = value.to_bytes(size, "little")
            elif kind == "length":
                raw = raw[:-size] if draw(st.booleans()) else raw + bytes(size)
                if entry and draw(st.booleans()):
                    entry["shape"] = [len(raw) // size]
            elif entry:
                entry["shape"] = draw(st.lists(whole_numbers, max_size=3))
            arrays[name] = bytes(raw)
        elif kind == "order":
            names = draw(st.permutations(sorted(arrays)))
            arrays = {name: arrays[name] for name in names}
            if isinstance(header.get("arrays"), list) and all(isinstance(entry, dict) for entry in header["arrays"]):
                header["arrays"].sort(key=lambda entry: names.index(entry["name"]) if entry.get("name") in names else 99)
        else:
            *way, last = draw(st.sampled_from(paths(header)))
            node = header
            for key in way:
                node = node[key]
            if kind == "delete":
                del node[last]
            elif kind == "add":
                target = node[last] if isinstance(node[last], dict) else header
                target[draw(st.text(max_size=4) | st.sampled_from(["streams", "leak_fraction", "external", "gain"]))] = draw(values)
            elif kind == "near" and isinstance(node[last], int):
                node[last] += draw(st.sampled_from([-1, 1, -node[last], node[last]]))
            else:
                node[last] = draw(values)
        if not isinstance(header.get("arrays"), list) or not paths(header) or not arrays:
            break
    return freeze(write_header(draw, header) + b"\n" + b"".join(arrays.values())), original


def write_header(draw, header):
    """The header, mostly in its one form; else with spaces, not sorted, twice the same key, or nested too deeply."""
    form = draw(st.sampled_from(["form"] * 8 + ["spaces", "order", "twice", "deep", "utf-8"]))
    text = json.dumps(header, sort_keys=form != "order", separators=(", ", ":") if form == "spaces" else (",", ":"), ensure_ascii=form != "utf-8")
    if form == "twice":
        text = text[:-1] + ',"steps":7}'
    elif form == "deep":
        depth = draw(st.sampled_from([3, 200, 980, 5000, 100_000]))
        text = text.replace('"source":{', '"source":{"a":' + "[" * depth + "]" * depth + ",", 1).replace(",}", "}", 1)
    return text.encode(errors="surrogatepass")


def calls(kind, **good):
    """A class and the arguments for it: good ones, of which up to three are replaced by hostile ones."""
    bad = st.dictionaries(st.sampled_from(sorted(good)), values | st.lists(whole_numbers, max_size=34), max_size=3)
    return st.builds(lambda fields, odd: (kind, {**fields, **odd}), st.fixed_dictionaries(good), bad)


formats = st.sampled_from([Q8_8, QFormat(32, 12), QFormat(6, 1), QFormat(2, 1)])
constructor_calls = st.one_of(
    calls(QFormat, width=st.integers(0, 40), fraction=st.integers(-1, 40)),
    calls(LfsrParams, width=st.integers(2, 66), taps=st.lists(st.integers(-1, 66), max_size=4).map(tuple), leap=st.integers(-1, 70)),
    calls(LifParams, format=formats, threshold=st.integers(-2, 9), reset=st.integers(-20, 3), rest=st.integers(-3, 3), leak=st.integers(0, 9),
          gain=st.none() | st.integers(-40, 40), refractory=st.integers(-1, 256), rounding=st.sampled_from(Rounding),
          overflow=st.sampled_from(Overflow), leak_fraction=st.none() | st.integers(0, 30)),
    calls(DriveParams, weight=whole_numbers, limits=st.sampled_from([1, 3, 7, 8]).flatmap(
        lambda n: st.lists(st.integers(0, 2**32 - 1), min_size=n, max_size=n).map(sorted))),
    calls(StreamParams, probabilities=st.lists(st.integers(-1, 2**16 + 1), min_size=2, max_size=3), scale=st.integers(-1, 6000),
          generator=st.sampled_from(Generator), length=st.sampled_from([32, 64, 64, 64, 96, 128, 1024, 2048]), channels=st.integers(0, 3),
          lfsr=st.just(LfsrParams(61, leap=64)), seeds=st.integers(0, 4).map(lambda c: list(range(1, 16 * c + 1))),
          dimensions=st.lists(st.integers(-1, 32), max_size=3)))

decimals = st.one_of(st.floats(0.1, 30).map(lambda x: round(x, 1)), st.floats(), st.sampled_from(
    [0.0, 0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 20.0, -1.0, 0.001, 1e-9, 5e-324, 1e308, float("nan"), float("inf")]))
counts = st.one_of(st.integers(0, 40), st.sampled_from([-1, 10**5, 10**6, 10**9, 2**31, 2**63, 10**30]))
KINDS = {int: counts, float: decimals, bool: st.booleans()}
BRUNEL = {field.name: KINDS[field.type] for field in dataclasses.fields(BrunelParams)}
names = st.sampled_from(sorted(BRUNEL))
#: Fields of a small network, up to three of them of any value of their type, and at times one of any type.
brunel_fields = st.builds(
    lambda few, odd: {"n_exc": 16, "n_inh": 4, "conn_prob": 0.3, "weight_exc": 1.0, **few, **odd},
    st.lists(names, max_size=3, unique=True).flatmap(lambda chosen: st.fixed_dictionaries({name: BRUNEL[name] for name in chosen})),
    st.one_of(st.just({}), st.just({}), st.dictionaries(names, scalars, max_size=1)))

words = st.one_of(st.text(max_size=8), scalars.map(str), st.sampled_from(
    ["-1", "--", "q8.8", "q16.12", "q0.0", "q32.1", "q99.9", "v4", "v14", "64", "128", "1e400", "nan", "0x10", "\u0663", "1_0", "", "/", ".", "..",
     "2", "v_spread=TRUE", "dt=1e-9", "/dev/zero", "a\0b", "\udcff", "n" * 300, "/proc/self/mem", "x/y", "net", "ai", "tutorial", "n_exc=1", "eta",
     "="]))
changes = st.builds("{}={}".format, names, words | st.one_of(counts, decimals).map(str))
OPTIONS = ("--format", "--variant", "--length", "--ms", "--seed", "--preset", "--lanes", "--network", "--faults", "--fault-seed", "--sabotage",
           "--out", "--leak-fraction", "--rounding", "--overflow", "--seeds")
#: Words of one option: one that will do, or any.
good_option = st.sampled_from([("--events",), ("--ms", "2.5"), ("--ms", "0.1"), ("--variant", "v4"), ("--variant", "v13"), ("--variant", "v14"),
                               ("--format", "q16.12"), ("--seed", "7"), ("--set", "eta=0"), ("--set", "v_spread=true"), ("--set", "delay=0.3"),
                               ("--leak-fraction", "fine"), ("--rounding", "stochastic"),
                               ("--overflow", "wrap"), ("--format", "q9.11")])
any_option = st.one_of(st.tuples(st.just("--set"), changes | words), st.tuples(st.sampled_from(OPTIONS), words), st.tuples(words), good_option,
                       st.sampled_from([("--json",), ("--markdown",), ("--help",), ("--lanes", "5"), ("--length", "64")]))
SMALL = ("--set", "n_exc=20", "--set", "n_inh=5", "--set", "weight_exc=1", "--set", "conn_prob=0.3", "--ms", "1")
runs = st.sampled_from([("network", "make", "net"), ("network", "make", "net"), ("sim",), ("network", "make"), ("network", "make", "dir"),
                        ("sim", "net")])
command_lines = st.one_of(
    *(st.builds(lambda command, options: [*command, *SMALL, *sum(options, ())], runs, st.lists(option, max_size=2))
      for option in (good_option, any_option)),
    st.builds(lambda action, file, more: ["network", action, file, *more], st.sampled_from(["show", "verify"]),
              st.one_of(words, st.sampled_from(["good", "bad", "dir"])), st.lists(words, max_size=1)),
    st.lists(words | st.sampled_from(["sim", "network", "make", "show"]), max_size=4))
