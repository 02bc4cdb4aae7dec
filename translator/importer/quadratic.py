"""Quadratic membranes, Izhikevich's among them: read from the state updater's code, and as the columns of an ``izhikevich``.

A step is ``v = v + square v^2 + slope v + constant - take (u - base)`` and ``u = base + keep (u - base) + pull v``. Kicks of the membrane are
Brian2's order. What synapses add to the input for one step, and take away again, is the published one, which takes its input in the update.
"""

import math
from typing import Any

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.network.provenance import Quantity
from spikegate.models.neuron.izhikevich import MAX_A_FRACTION, MAX_BITS, MAX_SLOPE_FRACTION, PRODUCT_BITS, IzhikevichNeuron
from spikegate.models.neuron.linear import MAX_SHIFT, Order
from spikegate.models.numeric.fixed import QFormat
from spikegate.models.numeric.normal import middle, normal_table
from spikegate.translator.importer.float_network import FloatProjection, FloatQuadratic, Refusals
from spikegate.translator.importer.formats import Choice, Scaled, bits_for
from spikegate.translator.importer.parameters import raw_of, worst
from spikegate.translator.importer.reading import NOISE, Level, Reading, unit_in
from spikegate.translator.importer.statements import Unclear, affine, constant, degree, symbol

__all__ = ["choose_quadratic", "columns_of", "is_quadratic", "paired", "read_quadratic"]

QUADRATIC = "a membrane such as dv/dt = (0.04*v**2 + 5*v + 140 - u)/ms, with du/dt = a*(b*v - u)/ms and v = c; u += d, would run"
#: Bits of a membrane of its own choice.
WIDTH = 24


def is_quadratic(expression: Any, name: str) -> bool:
    """Whether an expression has a square of the variable, and no higher power."""
    import sympy

    try:
        constant(expression)
    except Unclear:
        return False  # what it is, is said where it is read as a sum
    held = symbol(name)
    return degree(expression, held) == 2 and bool(sympy.expand(sympy.diff(expression, held, 2)) != 0)


def read_quadratic(reader: Reading, level: Level, states: list[str], after: dict[str, Any]) -> FloatQuadratic | None:
    """A group whose membrane is quadratic; what cannot be carried over is refused."""
    import sympy

    before, group, membrane = len(reader.refusals.lines), reader.group, level.membrane
    said, jumps = reader.reset(membrane, states)
    recovery = [name for name in states if name in group.equations.diff_eq_names and name != membrane]
    inputs = [name for name in states if name not in (membrane, *recovery)]
    if said is None or said[1] or level.theta or len(recovery) > 1 or {*jumps} - {*recovery}:
        reader.refuse(group.event_codes.get("spike") or membrane, f"is not a value for {membrane} and a sum for one other variable", QUADRATIC)
    if group._refractory is not False:
        reader.refuse(f"refractory={group._refractory}", "holds a quadratic membrane, which hardware does not", "no refractory period would run")
    kicked = membrane in reader.written
    if set(recovery) & reader.written or kicked and inputs:
        reader.refuse(", ".join(sorted(reader.written)), "are all changed by synapses", f"synapses that add to {membrane} alone would run")
    try:
        square = sympy.diff(after[membrane], symbol(membrane), 2) / 2
        v = affine(sympy.expand(after[membrane] - square * symbol(membrane) ** 2), [*states, NOISE])
        u = affine(after[recovery[0]], [*states, NOISE]) if recovery else None
        fed = u is not None and any(u.factors[name] != 0 for name in (*inputs, NOISE))
        if fed or any(after.get(name, symbol(name)) != symbol(name) for name in inputs):
            raise Unclear("has an input with dynamics of its own, or feeds it to another variable")
        if kicked and v.factors[NOISE] != 0:
            raise Unclear("has noise beside kicks of synapses")
        if len(reader.refusals.lines) > before:
            return None
        return _made(reader, level, (square, v, u), (recovery, inputs), (said[0], jumps), kicked)  # type: ignore[index]
    except Unclear as error:
        reader.refuse(reader.line(membrane), error, QUADRATIC)
        return None


def _made(reader: Reading, level: Level, step: Any, names: tuple[list[str], list[str]], reset: tuple[Any, dict[str, Any]],
          kicked: bool) -> FloatQuadratic:
    (square, v, u), (recovery, inputs), membrane, size = step, names, level.membrane, reader.size
    none = np.zeros(size)
    take, keep, pull, base = none, none + 1, none, none
    if u is not None:
        take, keep, pull = -reader.number(v.factors[recovery[0]]), reader.number(u.factors[recovery[0]]), reader.number(u.factors[membrane])
        rest = reader.number(u.constant)
        if np.any((keep == 1) & (rest != 0)):
            raise Unclear(f"has a {recovery[0]} that grows without end")
        base = np.divide(rest, 1 - keep, out=np.zeros(size), where=keep != 1)
    coupling = {name: reader.number(v.factors[name]) for name in inputs}
    if any(np.ptp(each) > 0 or each[0] == 0 for each in coupling.values()):
        raise Unclear("takes its input in another way for each neuron, or not at all")
    constant = reader.number(v.constant) - take * base + sum(each * reader.initial(name) for name, each in coupling.items())
    noise = np.abs(reader.number(v.factors[NOISE])) * reader.dt ** 0.5
    jump = reader.number(reset[1][recovery[0]]) if recovery and recovery[0] in reset[1] else none
    return FloatQuadratic(
        reader.group.name, size, membrane, unit_in(reader.group, membrane), recovery[0] if recovery else None, reader.number(square),
        reader.number(v.factors[membrane]) - 1, constant, take, keep, pull, base, reader.number(level.constant), level.reached,
        reader.number(reset[0]), jump, reader.initial(membrane), reader.initial(recovery[0]) if recovery else none, noise,
        {name: float(each[0]) for name, each in coupling.items()}, kicked, frozenset(inputs) | frozenset(reader.regular))


def paired(projections: list[FloatProjection], group: FloatQuadratic, start: int, refusals: Refusals) -> list[FloatProjection]:
    """Projections without those that take away, a step later, what others have added to an input of the group."""
    for drive in group.drives:
        if drive.variable in group.inputs:
            refusals.add(f"NeuronGroup {group.name!r}", f"PoissonInput at {drive.variable}", "adds to an input that stays",
                         f"one that adds to {group.membrane} would run")
    found, mine = [each for each in projections if each.target != group.name or each.variable not in group.inputs], []
    for each in projections:
        if each.target == group.name and each.variable in group.inputs:
            mine.append(each)
    while mine:
        each = mine.pop()
        for other in mine:
            same = each.source == other.source and each.variable == other.variable and np.array_equal(each.pre, other.pre)
            if same and np.array_equal(each.post, other.post) and np.array_equal(each.weights, -other.weights):
                first, last = sorted((each, other), key=lambda one: int(one.delays[0]) if len(one.delays) else 0)
                if np.array_equal(first.delays + 1, last.delays):
                    mine = [one for one in mine if one is not other]
                    found.append(first)
                    break
        else:
            refusals.add(f"Synapses {each.name!r}", f"{each.variable} += w", "adds to an input that stays",
                         f"a second pathway that takes it away a step later, or {group.membrane}_post += w, would run")
    if start and any(each.target == group.name and each.variable in group.inputs for each in found):
        refusals.add(f"NeuronGroup {group.name!r}", ", ".join(group.inputs), "holds what arrives when a run ends", "one run would run")
    return found


def choose_quadratic(group: FloatQuadratic, kicks: np.ndarray, choice: Choice) -> Scaled:
    """The structure of a group; ``kicks`` is what synapses add, SI of the membrane."""
    unit = group.unit
    corners = np.stack([group.peak, group.reset, group.initial])
    largest = float(np.abs(corners + corners ** 2 * group.square + corners * group.slope + group.constant).max()) / unit
    largest = max(largest, float(np.abs(corners).max()) / unit)
    random = 8 * float(group.noise.max(initial=0)) + 4 * float(np.abs(kicks).max(initial=0))
    whole = max(1, math.ceil(math.log2(1.5 * largest + random / unit)))
    q = choice.format or QFormat(WIDTH, max(1, WIDTH - 1 - whole))
    moved = group.take * np.stack([group.initial_u - group.base, group.jump, group.pull * group.peak / np.maximum(1 - group.keep, 1e-12)]) / unit
    deep = max(1, math.ceil(math.log2(max(8 * float(np.abs(moved).max()), 1e-9)))) if group.recovery else 1
    u = QFormat(32, min(31 - deep, 22)) if 32 - deep > q.fraction else q
    if u.fraction < q.fraction:
        u = QFormat(32, q.fraction)
    r = min(choice.decay_fraction or bits_for(float(np.min(1 - group.keep, where=group.keep < 1, initial=1.0)), 16), MAX_A_FRACTION)
    square, b = float(np.abs(group.square).max()) * unit, float(np.abs(_b(group)).max())
    h = min(choice.leak_fraction or MAX_SLOPE_FRACTION, MAX_SLOPE_FRACTION)
    while h > 1 and 2 * q.width + MAX_BITS - _shift(MAX_BITS, square, h - q.fraction) > PRODUCT_BITS:
        h -= 1
    neuron = IzhikevichNeuron(
        q, u, slope_fraction=h, square_bits=MAX_BITS, square_shift=_shift(MAX_BITS, square, h - q.fraction), a_fraction=r, b_bits=MAX_BITS,
        b_shift=_shift(MAX_BITS - 1, b, u.fraction - q.fraction), rounding=choice.rounding, overflow=choice.overflow,
        order=Order.BRIAN2 if group.kicked else Order.PUBLISHED)
    per, states, base = {group.membrane: unit / q.one}, {group.membrane: "v"}, {}
    if group.recovery:
        take = float(np.max(np.abs(group.take)))
        if np.ptp(group.take) > 0 or take == 0:
            raise InputError(f"NeuronGroup {group.name!r}: {group.membrane} takes {group.recovery} in another way for each neuron, or not at all; "
                             "one factor for all neurons would run")
        per[group.recovery], states[group.recovery], base[group.recovery] = unit / u.one / float(group.take[0]), "u", group.base
    per |= {name: unit / q.one / each for name, each in group.inputs.items()}
    return Scaled(neuron, per, states, base, {}, {name: "v" for name in group.inputs})


def _shift(bits: int, value: float, more: int) -> int:
    """The largest shift with which a coefficient of 2^(shift + more) times the value fits so many bits."""
    return MAX_SHIFT if value == 0 else max(0, min(MAX_SHIFT, math.floor(bits - 1e-9 - math.log2(value)) - more))


def _b(group: FloatQuadratic) -> np.ndarray:
    """What u settles at beyond its base for a unit of the membrane, in what it takes from it in a step."""
    found: np.ndarray = np.divide(group.take * group.pull, 1 - group.keep, out=np.zeros(group.size), where=group.keep != 1)
    return found


def columns_of(group: FloatQuadratic, scaled: Scaled) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], list[Quantity]]:
    """Columns of the table and first states of each neuron, raw, and what they realise."""
    neuron, unit, here = scaled.neuron, group.unit, group.name
    assert isinstance(neuron, IzhikevichNeuron)
    v, u, published = neuron.format, neuron.u_format, neuron.order == Order.PUBLISHED
    exact = {"square": (group.square * unit, 2.0 ** (neuron.slope_fraction + neuron.square_shift - v.fraction)),
             "slope": (group.slope, 2.0 ** neuron.slope_fraction), "bias": (group.constant / unit, v.one),
             "a": (1 - group.keep, 2.0 ** neuron.a_fraction),
             "b": (_b(group), 2.0 ** (u.fraction - v.fraction + neuron.b_shift)), "c": (group.reset / unit, v.one),
             "d": (group.take * group.jump / unit, u.one), "peak": (group.peak / unit, v.one)}
    columns, rows = {}, []
    for name, (asked, one) in exact.items():
        columns[name] = raw_of(asked, 1 / one)
        rows += worst(f"{here}: {name}", asked, columns[name] / one)
    columns["peak"] = columns["peak"] + (not group.reached if published else -int(group.reached))
    for level in np.unique(group.noise[group.noise > 0]):  # a drive, whose table begins with 0 events
        table = normal_table(level / scaled.per_raw[group.membrane])
        columns["bias"] = columns["bias"] - (group.noise == level) * middle(table.depth) * table.weight
    initial = {"v": raw_of(group.initial, unit / v.one)}
    initial["u"] = raw_of(group.take * (group.initial_u - group.base), unit / u.one)
    return columns, initial, rows

