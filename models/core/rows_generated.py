"""Rows that are generated: what is loaded for each projection, and the cycles of a run."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spikegate.models.core.address_map import Load, PointOp
from spikegate.models.core.words import Field, pack
from spikegate.models.errors import InputError
from spikegate.models.kernel import kernel
from spikegate.models.network.generated import MAX_BLOCK, TABLES, Generated
from spikegate.models.network.recording import Recording

if TYPE_CHECKING:
    from spikegate.models.core.point_image import PointImage
    from spikegate.models.core.point_size import PointSize

__all__ = ["CIPHER_CYCLES", "Generator", "PLACE_BITS", "permute_fields", "reciprocal", "rule_fields"]

#: Cycles of the cipher; from the match of a rule until its row may begin there are two more.
CIPHER_CYCLES = 5
#: Bits of a source's place in its group.
PLACE_BITS = (MAX_BLOCK - 1).bit_length()


def _bits(most: int) -> int:
    return max(1, most.bit_length())


def reciprocal(divisor: int, bits: int) -> int:
    """r with x // divisor = x r // 2^(bits + 6) for every x of so many bits and a divisor of 1..64."""
    return -(-(1 << (bits + PLACE_BITS)) // divisor)


def rule_fields(size: "PointSize") -> dict[str, Field]:
    """A projection: its sources, from first to last; their group and what divides by it; seed; first word, blocks, and a mask of as many bits;
    the last row of a lane; the lanes of the first and the last target; whether sources are their own targets; and what each synapse is."""
    source, lane, fields = _bits(size.sources - 1), _bits(size.lanes - 1), size.synapse_fields
    return {"first": Field(source), "last": Field(source), "block": Field(PLACE_BITS + 1), "reciprocal": Field(source + PLACE_BITS),
            "seed": Field(64), "word": fields["word"], "blocks": Field(_bits(size.blocks)), "mask": Field(_bits(size.blocks)),
            "last_row": fields["word"], "first_lane": Field(lane), "last_lane": Field(lane), "recurrent": Field(1), "delay": fields["delay"],
            "port": fields["port"], "weight": fields["weight"]}


def permute_fields() -> dict[str, Field]:
    """Where a source of a group goes, in each table."""
    return {f"table_{k}": Field(PLACE_BITS) for k in range(TABLES)}


def _rules(image: "PointImage") -> list[Generated]:
    network = image.network
    if listed := [each.title for each in network.projections if not isinstance(each, Generated)]:
        raise InputError(f"Projection {listed[0]} of network {network.name!r} is a list, and generated rows have no memory for it; use csr rows")
    rules = [each for each in network.projections if isinstance(each, Generated)]
    for each in rules:
        if each.lanes != image.lanes:
            raise InputError(f"Projection {each.title} is generated for {each.lanes} lanes, not for {image.lanes}; use {each.lanes} lanes, or "
                             "csr rows")
    return rules


@dataclass(frozen=True)
class Generator:
    """Rows made anew for each spike."""

    name: ClassVar[str] = "generated"
    waits: ClassVar[bool] = True
    ops: ClassVar[tuple[PointOp, ...]] = (PointOp.RULE, PointOp.PERMUTE)

    def needs(self, image: "PointImage") -> dict[str, int]:
        """Projections, the largest group, most blocks of a lane, and more cycles than a source takes."""
        shapes = [each.shape(image.network.place(each)) for each in _rules(image)]
        return {"rules": max(1, len(shapes)), "block": max((block for block, _, _ in shapes), default=2),
                "blocks": max((blocks for _, _, blocks in shapes), default=1), "row_longest": sum(blocks + 16 for _, _, blocks in shapes) + 4}

    def memory_bits(self, size: "PointSize") -> int:
        """None."""
        return 0

    def loads(self, image: "PointImage", size: "PointSize") -> list[Load]:
        """Rules, those that no source matches above them, and permutations."""
        network, fields = image.network, rule_fields(size)
        starts = dict(zip((each.name for each in network.populations), network.firsts))
        channel = network.n
        for given in network.inputs:
            starts[given.name], channel = channel, channel + given.size
        found = []
        for number in range(size.rules):
            values = {"first": 1, "last": 0}
            if number < len(network.projections):
                each = _rules(image)[number]
                place, target, first = network.place(each), each.target, starts[each.source]
                (block, word, blocks), last = each.shape(place), place.first + place.targets - 1
                port = next(pop.neuron.ports for pop in network.populations if pop.name == target).index(each.port)
                values = {"first": first, "last": first + place.sources - 1, "block": block, "seed": each.seed, "word": word, "blocks": blocks,
                          "reciprocal": reciprocal(block, fields["first"].width), "mask": (1 << (blocks - 1).bit_length()) - 1,
                          "last_row": last // size.lanes - word, "first_lane": place.first % size.lanes, "last_lane": last % size.lanes,
                          "recurrent": int(place.recurrent), "delay": each.delay, "port": port, "weight": each.weight}
                tables = {f"table_{k}": table for k, table in enumerate(each.tables(block))}
                found.append(Load(PointOp.PERMUTE, pack(permute_fields(), tables, block), np.arange(block) + (number << PLACE_BITS)))
            record = {name: np.array([value], np.int64 if value < 1 << 63 else np.uint64) for name, value in values.items()}
            found.append(Load(PointOp.RULE, pack(fields, record, 1), number))
        return found

    def cycles(self, image: "PointImage", size: "PointSize", recording: Recording) -> int | None:
        """One to take a source, one for each rule, and each row its blocks, which hide what comes before the next row."""
        network, rules = image.network, _rules(image)
        matches, first = np.zeros((network.n + network.channels, size.rules), np.int64), 0
        for group in (network.populations, network.inputs):
            for each in group:
                for number, rule in enumerate(rules):
                    if rule.source == each.name:
                        matches[first:first + each.size, number] = rule.shape(network.place(rule))[2]
                first += each.size
        events = network.input_events
        steps = np.concatenate([recording.spikes[:, 0], events[:, 0]])
        order = np.argsort(steps, kind="stable")
        sources = np.concatenate([recording.spikes[:, 1], events[:, 1]])[order]
        return int(_delivery(steps[order].astype(np.int64), sources.astype(np.int64), network.n, matches))


@kernel
def _delivery(steps: np.ndarray, sources: np.ndarray, n: int, matches: np.ndarray) -> int:
    """Cycles of delivery of sources, step by step: when the next one is taken, when the row under way begins its last block, when all is at rest."""
    total, at = 0, 0
    while at < len(steps):
        step, ready, last, rest = steps[at], 0, -9, 0
        if sources[at] >= n:
            ready = 1  # an event comes a cycle after the sweep has ended
        while at < len(steps) and steps[at] == step:
            cycle = ready + 1
            for blocks in matches[sources[at]]:
                if blocks:
                    begin = max(cycle + 2 + CIPHER_CYCLES, last)
                    last, rest = begin + blocks, begin + blocks + 2
                    cycle = begin
                cycle += 1
            ready = cycle
            at += 1
        total += max(ready, rest)
    return total
