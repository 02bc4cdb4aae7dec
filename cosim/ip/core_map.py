"""The address map of a core, from its enumerations, its layouts, and the words that load a network into it."""

import inspect
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data

from spikegate.cosim.ip.cores import Booted
from spikegate.cosim.ip.datasheet import bits, columns
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.geometry import TAG_BITS
from spikegate.gateware.core.parts import NEURONS
from spikegate.gateware.neuron.linear import set_layout, state_layout
from spikegate.models.core.address_map import Param
from spikegate.models.errors import SpikegateError

__all__ = ["meanings", "record", "sections"]


def meanings(kind: type) -> dict[str, str]:
    """What the source of an enumeration says of its members, in the comment behind each."""
    return dict(re.findall(r"^    (\w+) = \w+  #: (.*)$", inspect.getsource(kind), re.MULTILINE))


def record(layout: data.StructLayout) -> str:
    """Fields with their bits, in a line."""
    found = []
    for name, field in layout:
        shape = Shape.cast(field.shape)
        if shape.width:
            found.append(f"{name} {bits(field.offset, shape.width)}{' signed' if shape.signed else ''}")
    return ", ".join(found) or "nothing"


def _records(core: Booted) -> dict[str, str]:
    """What the data of an op are, where they are a record."""
    g = core.geometry
    if isinstance(g, CoreGeometry):
        return {"STATE": record(NEURONS[type(g.neurons)].state(g)), "PARAM": "by its address, below", "WEIGHT": f"[{g.format.width - 1}:0] signed",
                "ROW": "rows and weights as spikegate's page of the host link has them" if g.options["store"] else
                       f"bit k of word w of a row is neuron w * {g.lanes} + k",
                "TABLE": "[31:0] a limit of the drive table", "SEED": f"[{g.lfsr.width - 1}:0]", "RUN": "number of steps", "CLEAR": "any"}
    structures = range(1, len(g.structures) + 1)
    state, sets = (" or ".join(f"({k}) {record(layout(each))}" for k, each in zip(structures, g.structures)) for layout in (state_layout, set_layout))
    return {"STATE": f"by the neuron's structure: {state}", "SET": f"by structure: {sets}", "PLACE": record(g.place_layout()), "CLEAR": "any",
            "DRIVE": record(g.drive_layout()), "POINTER": record(g.pointer_layout()), "ROW": record(g.synapse_layout()), "EMPTY": "any",
            "TABLE": "[31:0] a limit", "SEED": f"[{g.lfsr.width - 1}:0]", "RUN": "number of steps"}


def _ops(core: Booted) -> Iterable[tuple[Any, ...]]:
    g, words, records, said = core.geometry, core.words, _records(core), meanings(core.geometry.ops)
    for op in g.ops:
        mine = words[words["op"] == op]
        if not len(mine):
            continue
        if op.name not in records or op.name not in said:
            raise SpikegateError(f"Op {op.name} of {core.name} must have a description of its data, and has none")
        addresses = f"0..{mine['address'].max()}" if mine["address"].max() else "0"
        lanes = f"0..{mine['lane'].max()}" if mine["lane"].max() else "–"
        yield int(op), f"`{op.name}`", addresses, lanes, f"{len(mine):,}", said[op.name], records[op.name]


def _registers(core: Booted) -> str:
    g = core.geometry
    if not isinstance(g, CoreGeometry):
        return ""
    shapes, said = {**NEURONS[type(g.neurons)].params(g), Param.DELAY: Shape(TAG_BITS)}, meanings(Param)
    loaded = {int(word["address"]): int(word["data"][0]) for word in core.words[core.words["op"] == g.ops.PARAM]}
    rows = []
    for param, shape in shapes.items():
        cast = Shape.cast(shape)
        value = loaded[param] & (1 << cast.width) - 1
        value -= (value >> cast.width - 1 << cast.width) if cast.signed else 0
        rows.append((int(param), f"`{param.name}`", cast.width, "signed" if cast.signed else "unsigned", value, said.get(param.name, "")))
    return "\n\nRegisters, by the address of a `PARAM`, with their values in this network:\n\n" + columns(
        ("address", "register", "bits", "number", "here", "note"), rows)


def sections(core: Booted) -> list[str]:
    """Load words, sweep words, registers, and cycles."""
    g, recording = core.geometry, core.recording
    sweep, lane = g.sweep_layout(), g.lane_layout()
    ops = columns(("op", "name", "addresses", "lanes", "words here", "effect", "data"), _ops(core))
    load = (f"## Load words\n\nA payload of stream `i`: {record(g.load_layout())}. What there is to load, with the addresses, lanes and "
            f"number of words of network {core.network.name!r}; an address that does not exist may overwrite another.\n\n{ops}{_registers(core)}")
    out = (f"## Sweep words\n\nA payload of stream `o`, {g.words} a step: the states of lane l in bits [l * {core.lane_bits} +: {core.lane_bits}], "
           f"the spikes in [{sweep['spikes'].offset} +: {g.lanes}], the number w of the word in [{sweep['word'].offset} +: 32]. Lane l is neuron "
           f"w * {g.lanes} + l. In a lane: {record(lane)}.")
    if not isinstance(g, CoreGeometry):
        states = "; ".join(f"({k}) {record(state_layout(each))}" for k, each in enumerate(g.structures, 1))
        out += f"\n\nA state is, by the neuron's structure: {states}."
        out += f"\n\nRecorded events, stream `events`: {record(g.event_layout())}; of a source above the neurons, {core.network.n} + channel."
    spikes, steps = len(recording.spikes), recording.steps
    each = f"A spike that is due takes {g.bursts} cycles." if isinstance(g, CoreGeometry) and not g.options["store"] else \
        "A spike takes a cycle for each word of its row, and at least one."
    bare = _bare(core)
    cycles = (f"## Cycles\n\nA step takes {bare} cycles besides the delivery of spikes. {each} The example's {steps} steps with "
              f"{spikes:,} spikes take {core.cycles:,} cycles: the bench of module `{core.name}` holds the hardware's counter against that. "
              f"Where a stream is held up, it takes longer. A load word takes one cycle: {len(core.words):,} load this network and start it.")
    return [load, out, cycles]


def _bare(core: Booted) -> int:
    """Cycles of a step in which no spike is due and no table is searched for longer."""
    still = {name: np.zeros_like(values) for name, values in core.recording.trace.items()}
    quiet = replace(core.recording, spikes=np.empty((0, 2), np.int32), trace=still)
    return core.cycles_of(quiet) // quiet.steps
