"""What became of each node of a NIR graph: exact, or quantised and how far."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from spikegate.translator.nir.cells import Cell
from spikegate.translator.nir.formats import CURRENT, Structure
from spikegate.translator.nir.forms import Forms
from spikegate.translator.nir.levels import Edge
from spikegate.translator.nir.reading import LINEAR, Flat, kind_of

__all__ = ["Realised", "Verdict", "verdicts"]

#: Relative difference of numbers that double precision does not tell apart, such as dt / (dt / a) and a.
SAME = 1e-12


@dataclass(frozen=True)
class Realised:
    """Weights of one term, asked for and realised, and the linear nodes that they are made of."""

    asked: np.ndarray
    found: np.ndarray
    through: frozenset[str]

    @property
    def error(self) -> float:
        """The largest difference, as a part of the largest weight."""
        top = float(np.abs(self.asked).max(initial=0))
        error = float(np.abs(self.asked - self.found).max(initial=0)) / top if top else 0.0
        return error if error > SAME else 0.0

    @property
    def lost(self) -> int:
        """Weights that became 0."""
        return int(np.count_nonzero((self.asked != 0) & (self.found == 0)))


@dataclass(frozen=True)
class Verdict:
    """What became of a node.

    Attributes
    ----------
    node, kind : str
    becomes : str
        What it is in hardware.
    exact : bool
        Whether nothing of it was rounded.
    detail : str
        How far it is off, and what else to know.
    error : float
        The largest relative error of its numbers; 0 if it is exact.
    """

    node: str
    kind: str
    becomes: str
    exact: bool
    detail: str
    error: float = 0.0

    @property
    def said(self) -> str:
        """``exact`` or ``quantised``, and what there is to know."""
        return f"{'exact' if self.exact else 'quantised'}{': ' * bool(self.detail)}{self.detail}"


def _relative(asked: np.ndarray, found: np.ndarray) -> float:
    off, size = np.abs(asked - found), np.abs(asked)
    error = float((off / np.maximum(size, SAME * max(1.0, float(size.max(initial=0))))).max(initial=0))
    return error if error > SAME else 0.0


def _neurons(node: str, kind: str, cell: Cell, made: Structure, biases: list[Realised]) -> Verdict:
    neuron, columns = made.neuron, made.columns
    q = neuron.format
    rows = {"leak": (cell.leak, columns["leak"] / (1 << neuron.leak_fraction)), "rest": (cell.rest, columns["rest"] / q.one)}
    if cell.threshold is not None and kind != "Threshold":
        rows["reset"] = (cell.reset, columns["reset"] / q.one)
    if cell.decay is not None and cell.coupling is not None:
        rows["decay of the current"] = (cell.decay, columns[f"decay_{CURRENT}"] / (1 << neuron.decay_fraction))
        coupling = columns[f"coupling_{CURRENT}"] / (1 << neuron.coupling_shift) * neuron.current_format.one / q.one
        rows["coupling"] = (cell.coupling, coupling)
    errors = {name: error for name, (asked, found) in rows.items() if (error := _relative(asked, found)) > 0}
    told = [f"{name} off by {100 * error:.2g} %" for name, error in errors.items()]
    if bias := max((each.error for each in biases), default=0.0):
        told.append(f"bias off by {100 * bias:.2g} % of the largest")
    one = 1 << neuron.leak_fraction
    rounds = bool(np.any((columns["leak"] != 0) & (columns["leak"] != one))) or cell.coupling is not None
    if rounds:
        told.append(f"each product of a step is rounded to 2^-{q.fraction}")
    becomes = f"{neuron.kind} {q}" + (f", current {neuron.current_format}" if neuron.currents else "")
    if cell.threshold is not None and kind != "Threshold":
        becomes += ", reset by subtraction" if cell.subtract else ", reset to a value"
    if cell.threshold is None:
        becomes += ", read as a membrane"
    return Verdict(node, kind, becomes, not told, ", ".join(told), max([*errors.values(), bias], default=0.0))


def verdicts(flat: Flat, forms: Forms, made: Mapping[str, Structure], cells: Mapping[str, Cell], realised: Mapping[Edge, Realised],
             late: Collection[Edge]) -> list[Verdict]:
    """One for each node, in the order of the graph.

    Parameters
    ----------
    flat : Flat
    forms : Forms
    made, cells : Mapping
        Of nodes with neurons.
    realised : Mapping
        By target, source and delay.
    late : Collection of tuple
        Source, target and delay of synapses in a loop, which take a step where the graph says none.
    """
    found = []
    for node in flat.nodes:
        kind = kind_of(flat.nodes[node])
        mine = [each for each in realised.values() if node in each.through]
        if node in made and node not in flat.inner:
            biases = [each for (target, source, _), each in realised.items() if target == node and not source]
            verdict = _neurons(node, kind, cells[node], made[node], biases)
            if around := [source for source, target, _ in late if target == node]:
                more = f"a spike round the loop from {', '.join(map(repr, around))} takes a step, where the graph says no time"
                verdict = Verdict(node, kind, verdict.becomes, verdict.exact, ", ".join(filter(None, (verdict.detail, more))), verdict.error)
            found.append(verdict)
        elif kind == "Delay":
            off = forms.rounded.get(node, 0.0)
            exact = off < 1e-9 * forms.dt + 1e-12
            found.append(Verdict(node, kind, "delays of synapses", exact, "" if exact else f"off by {off:.3g} s at most, to whole steps",
                                 0.0 if exact else off / forms.dt))
        elif kind in LINEAR and kind != "Flatten":
            error, lost = max((each.error for each in mine), default=0.0), sum(each.lost for each in mine)
            detail = f"weights off by {100 * error:.2g} % of the largest" if error else ""
            detail += f", {lost:,} of {sum(np.count_nonzero(each.asked) for each in mine):,} became 0" if lost else ""
            found.append(Verdict(node, kind, "weights of synapses", not error, detail or ("" if mine else "no neuron behind it"), error))
        else:
            becomes = {"Input": "recorded spikes", "Output": "read where the node before it is"}.get(kind, "the order of neurons")
            found.append(Verdict(node, kind, "nothing, as it passes on what it gets" if node in flat.inner else becomes, True, ""))
    return found
