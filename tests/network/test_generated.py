"""Synapses from a seed: numbers by hand and of the page, degrees, what pairs of neurons share, and what is refused."""

import re
from pathlib import Path

import numpy as np
import pytest
from independent.generated import pairs

from spikegate.models.errors import InputError
from spikegate.models.network import generated
from spikegate.models.network.builder import Builder
from spikegate.models.network.generated import Generated, lane_wires, mix
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.projection import Place
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8

PAGE = (Path(__file__).parents[2] / "docs" / "point_networks.md").read_text()
SEED = 0x123456789ABCDEF0
#: Sources, targets, first target, lanes, in-degree, and whether both are the same.
SHAPES = [(20, 20, 3, 8, 4, True), (12, 30, 0, 5, 6, False), (40, 40, 7, 9, 5, True), (64, 64, 2, 64, 1, True), (10, 7, 100, 1, 2, False),
          (6, 6, 1, 3, 2, True), (128, 9, 5, 3, 2, False), (30, 30, 11, 40, 10, True)]
#: Of the statistics: one population of 640 neurons in 8 lanes, groups of 8 sources, 10 blocks a lane.
N, LANES, BLOCK = 640, 8, 8
DEGREE, BLOCKS = N // BLOCK, N // LANES // BLOCK


def expand(seed, sources, targets, first, lanes, degree, recurrent):
    ends = ("a", "a") if recurrent else ("a", "b")
    return Generated(*ends, "v", degree, 3, 2, seed, lanes).expand(Place(sources, targets, first, recurrent))


def listed(projection):
    return list(zip(np.repeat(np.arange(len(projection.indptr) - 1), np.diff(projection.indptr.astype(int))).tolist(), projection.indices.tolist()))


def test_three_rounds_of_the_cipher_by_hand(monkeypatch):
    """(0, 0), then (0 ^ t, 0) = (0, 0), (1, 0), and with 1 turned by 2 and t = 2, (4 ^ 2, 1); the halves of the seed are keys of even and odd rounds.

    From 0x81 to 0x102 & 0x8100 ^ 0x204 = 0x304 to 0x81 ^ 0x608 & 0x30400 ^ 0xC10 ^ 1.
    """
    monkeypatch.setattr(generated, "ROUNDS", (2, 3))
    assert mix(0, 0) == (1 << 32, 6 << 32 | 1)
    assert mix(7 << 32, 0)[0] == 6 << 32 and mix(7, 0)[0] == 29 << 32 | 7
    assert mix(0, 0x81)[0] == 0x890 << 32 | 0x304


def test_wires_by_hand():
    assert lane_wires(0) == [*range(32)] and lane_wires(1)[:4] == [5, 8, 11, 14] and lane_wires(33)[:2] == [37, 40]
    assert all(len({*lane_wires(lane)}) == 32 for lane in range(64)) and len({tuple(lane_wires(lane)) for lane in range(64)}) == 64


def test_the_numbers_of_the_page():
    said = re.search(r"mix\(0\) is (\w+) and (\w+), mix\(1\) is (\w+) and (\w+), "
                     r"and with b = 5 the first two tables are ([\d ]+) and ([\d ]+)\.", PAGE)
    assert [int(word, 16) for word in said.groups()[:4]] == [*mix(SEED, 0), *mix(SEED, 1)]
    tables = Generated("a", "a", "v", 4, 1, 1, SEED, 8).tables(5)
    assert [[int(x) for x in each.split()] for each in said.groups()[4:]] == tables[:2].tolist()
    rows = re.search(r"source 0 has the targets ([\d, ]+), and source 19 has ([\d, ]+)\.", PAGE)
    made = listed(expand(SEED, *SHAPES[0]))
    assert [[int(x) for x in each.split(",")] for each in rows.groups()] == [[j for i, j in made if i == source] for source in (0, 19)]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_target_has_the_in_degree_no_source_twice_and_never_itself(shape):
    sources, targets, _, _, degree, recurrent = shape
    for seed in range(6):
        made = listed(expand(seed, *shape))
        assert len({*made}) == len(made) == degree * targets
        assert np.bincount([j for _, j in made]).tolist() == [degree] * targets
        groups = {(i // (sources // degree), j) for i, j in made}
        assert len(groups) == len(made) and not (recurrent and any(i == j for i, j in made))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_independent_expansion_is_the_same(shape):
    sources, targets, first, lanes, degree, recurrent = shape
    for seed in (0, SEED, (1 << 64) - 1):
        theirs = pairs({"seed": seed, "lanes": lanes, "in_degree": degree}, (sources, targets), first, recurrent)
        assert listed(expand(seed, *shape)) == sorted(theirs) and len(theirs) == degree * targets


def shared(matrix, a, b):
    return (matrix[a] & matrix[b]).sum(axis=1)


def matrices():
    """Of several seeds: whether target i has source j."""
    for seed in range(12):
        found = np.zeros((N, N), bool)
        found[tuple(np.array(listed(expand(seed, N, N, 0, LANES, DEGREE, True))).T[::-1])] = True
        yield found


def drawn():
    """The same in-degree, sources drawn one by one."""
    rng = np.random.default_rng(1)
    for _ in range(12):
        found = np.zeros((N, N), bool)
        for target in range(N):
            found[target, rng.permutation(np.delete(np.arange(N), target))[:DEGREE]] = True
        yield found


def outside(found):
    """What of the statistics of pairs lies outside its bound.

    Two targets share K / b sources in the mean, in one lane K (1 - 1 / G) / b, as they share a block of a group with chance 1 / G if they are in
    different stripes, and then no source. Two sources of different groups share N / b² targets. The variance is that of a binomial number,
    K p (1 - p) with p = 1 / b, if the groups are independent, and less by 1 - p if degrees of both sides are drawn without repetition. Bounds are
    five deviations of mean and variance of so many pairs, whose distribution is close to normal.
    """
    rng, p, wrong, compared = np.random.default_rng(2), 1 / BLOCK, [], 0
    at = np.arange(N)
    lane, stripe, group = at % LANES, at // LANES // BLOCKS, at // BLOCK
    kinds = {"lanes": (lambda a, b: lane[a] != lane[b], DEGREE * p), "sources": (lambda a, b: group[a] != group[b], N * p * p),
             "lane": (lambda a, b: (lane[a] == lane[b]) & (stripe[a] != stripe[b]), DEGREE * p * (1 - 1 / BLOCKS))}
    counts = {name: [] for name in kinds}
    for matrix in found:
        for name, (which, _) in kinds.items():
            a, b = rng.integers(0, N, (2, 4000))
            mine = np.flatnonzero(which(a, b) & (a != b))[:300]
            counts[name].append(shared(matrix.T if name == "sources" else matrix, a[mine], b[mine]))
    for name, (_, mean) in kinds.items():
        values = np.concatenate(counts[name])
        many, low, high = len(values), DEGREE * p * (1 - p) ** 2, DEGREE * p * (1 - p)
        slack = DEGREE * p / BLOCKS if name == "lane" else 0  # sources drawn one by one know no blocks
        compared += many
        if not mean - 5 * (high / many) ** 0.5 <= values.mean() <= mean + slack + 5 * (high / many) ** 0.5:
            wrong.append(f"{name} mean {values.mean():.2f} {mean:.2f}")
        if not low * (1 - 5 * (2 / many) ** 0.5) <= values.var() <= high * (1 + 5 * (2 / many) ** 0.5):
            wrong.append(f"{name} variance {values.var():.2f} {low:.2f}..{high:.2f}")
    assert compared > 7000
    return wrong


def test_pairs_of_neurons_share_as_many_as_independent_draws_do():
    """No group of targets shares or excludes sources, and no two sources of different groups do targets."""
    assert outside(matrices()) == [] and outside(drawn()) == []


def no_skew(monkeypatch):
    monkeypatch.setattr(generated, "mix", lambda seed, v: (mix(seed, v)[0], 0))


def one_word(monkeypatch):
    monkeypatch.setattr(generated, "mix", lambda seed, v: (mix(seed, 0 if v < 1 << 31 else v)[0], mix(seed, v)[1]))


def no_cipher(monkeypatch):
    monkeypatch.setattr(generated, "mix", lambda seed, v: (v, mix(seed, v)[1]) if v < 1 << 31 else mix(seed, v))


def one_wiring(monkeypatch):
    monkeypatch.setattr(generated, "lane_wires", lambda lane: lane_wires(0))


@pytest.mark.parametrize("change, found", [
    (no_skew, "lane variance"), (one_word, "lanes variance"), (no_cipher, "variance"), (one_wiring, "lanes variance")])
def test_wrong_generators_are_found(monkeypatch, change, found):
    """Negative controls: blocks that are not skewed, one word for all groups, the number of the group as its word, lanes that begin alike."""
    change(monkeypatch)
    wrong = outside(matrices())
    assert any(found in each for each in wrong)


def build(**changes):
    net, lif = Builder("g", steps=5), LinearNeuron(Q8_8)
    net.generate(*[net.population("a", 80, lif, leak=1, threshold=5 << 8)] * 2, **{"in_degree": 20, "weight": 3, "seed": 1, "lanes": 8} | changes)
    return net.freeze()


@pytest.mark.parametrize("changes, message", [
    ({"in_degree": 30}, "In-degree of projection a → a.v must divide its 80 sources into groups of 2..64, and 30 does not; use 20"),
    ({"in_degree": 80}, "and 80 does not; use 40"), ({"in_degree": 1}, "and 1 does not; use 2"), ({"in_degree": 0}, "at least 1, not 0"),
    ({"lanes": 3}, "Lanes of projection a → a.v must be at least 4, .* not 3; use more lanes"), ({"lanes": 65}, "in 1..64, not 65"),
    ({"delay": 0}, "in 1..255 steps, not 0"), ({"seed": 1 << 64}, "in 0..2.64-1, not 18446744073709551616"), ({"seed": 1.5}, "seed .*1.5"),
    ({"weight": 40000}, "40000, outside q8.8 .*17 bits or more"), ({"port": "exc"}, "must be one that 'a' has"), ({"lanes": True}, "lanes .*True")])
def test_what_cannot_be_is_refused_in_a_line(changes, message):
    with pytest.raises(InputError, match=message) as error:
        build(**changes)
    assert "\n" not in str(error.value)


def test_a_network_comes_back_from_its_file_and_counts_its_synapses(tmp_path):
    network = build()
    network.save(tmp_path / "net")
    assert PointNetwork.load(tmp_path / "net").hash == network.hash != build(seed=2).hash
    assert network.described()["synapses"] == len(network.listed[0].indices) == 1600 and (tmp_path / "net").stat().st_size < 6000
    assert network.largest_input == network.replace(projections=network.listed).largest_input == 60
