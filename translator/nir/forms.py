"""What reaches each neuron of a NIR graph: the linear nodes on the way multiplied out, source by source, delay by delay."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikegate.translator.importer.float_network import Refusals
from spikegate.translator.nir.matrices import Sparse, Unfit, diagonal, matrix, shape_after
from spikegate.translator.nir.reading import ANALOG, LINEAR, MAX_SIZE, SPIKING, Flat, kind_of, numbers, where

__all__ = ["ONE", "Form", "Forms", "Term"]

#: The source of what is constant: one channel that spikes in every step.
ONE = ""


@dataclass(frozen=True, eq=False)
class Term:
    """What one source sends: a matrix, and the linear nodes that it is made of."""

    matrix: Sparse
    through: frozenset[str]


@dataclass(frozen=True, eq=False)
class Form:
    """A sum of terms, by source and delay in steps."""

    size: int
    terms: dict[tuple[str, int], Term] = field(default_factory=dict)

    def plus(self, key: tuple[str, int], more: Term) -> None:
        """Add a term, in place."""
        if key in self.terms:
            mine = self.terms[key]
            more = Term(mine.matrix.plus(more.matrix), mine.through | more.through)
        self.terms[key] = more


class Forms:
    """The forms of a graph, made when they are asked for.

    Parameters
    ----------
    flat : Flat
    dt : float
        Seconds.
    refusals : Refusals
        Takes what cannot be.
    """

    def __init__(self, flat: Flat, dt: float, refusals: Refusals) -> None:
        self.flat, self.dt, self.refusals = flat, dt, refusals
        self.rounded: dict[str, float] = {}  #: seconds by which delays of a node are off at most
        self._shapes: dict[str, tuple[int, ...] | None] = {}
        self._given: dict[str, Form | None] = {}

    def refuse(self, name: str, why: str, fix: str) -> None:
        """Note what is in the way at a node."""
        self.refusals.add(where(name, self.flat.nodes[name]), "", why, fix)

    def passes(self, name: str) -> bool:
        """Whether the node gives what it gets: an end of a subgraph, or the end of the graph."""
        return name in self.flat.inner or kind_of(self.flat.nodes[name]) == "Output"

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The shape of what a node gives; None if nothing says it."""
        if name not in self._shapes:
            self._shapes[name] = None  # of a loop
            found = self._shape(name)
            if found is not None and not 1 <= np.prod(found, dtype=float) <= MAX_SIZE:
                self.refuse(name, f"gives {found} values", f"1 to {MAX_SIZE:,} would run")
                found = None
            self._shapes[name] = found
        return self._shapes[name]

    def _shape(self, name: str) -> tuple[int, ...] | None:
        node, kind = self.flat.nodes[name], kind_of(self.flat.nodes[name])
        if kind == "Input" and name not in self.flat.inner:
            given = node.input_type.get("input") if node.input_type else None
            return None if given is None else tuple(int(each) for each in np.atleast_1d(np.asarray(given)))
        if kind in SPIKING or kind in ANALOG:
            own = numbers(node.threshold if kind == "Threshold" else node.r).shape
            if np.prod(own) > 1:
                return tuple(own)
        if kind in ("Linear", "Affine"):
            return shape_after(node, ())
        before = next((shape for pre in self.flat.before(name) if (shape := self.shape(pre)) is not None), None)
        if before is None:
            return (1,) if kind in SPIKING or kind in ANALOG else None
        try:
            return shape_after(node, before) if kind in LINEAR else before
        except Unfit as error:
            self.refuse(name, str(error), "a node that fits would run")
            return None

    def size(self, name: str) -> int:
        """How many values a node gives, 0 if nothing says it."""
        shape = self.shape(name)
        return 0 if shape is None else int(np.prod(shape))

    def got(self, name: str) -> Form | None:
        """The sum of what reaches a node; None if something is in the way, which is noted."""
        parts = [(pre, self.given(pre)) for pre in self.flat.before(name)]
        form: Form | None = None
        for pre, each in parts:
            if each is None:
                return None
            form = form or Form(each.size)
            if each.size != form.size:
                self.refuse(name, f"gets {form.size} values and {each.size} from {pre!r}", "as many from each would run")
                return None
            for key, term in each.terms.items():
                form.plus(key, term)
        return Form(self.size(name)) if form is None else form

    def given(self, name: str) -> Form | None:
        """What a node gives to those behind it, spikes multiplied with numbers."""
        if name in self._given:
            return self._given[name]
        self._given[name] = None
        kind = kind_of(self.flat.nodes[name])
        if kind in ANALOG:
            self.refuse(name, "sends its membrane to other nodes, and hardware sends spikes alone",
                        "a LIF in its place, or an Output behind it, would run")
        elif kind in SPIKING or (kind == "Input" and name not in self.flat.inner):
            if size := self.size(name):
                self._given[name] = Form(size, {(name, 0): Term(diagonal(np.ones(size)), frozenset())})
            else:
                self.refuse(name, "has no shape", "one with its shape would run")
        elif kind in LINEAR or self.passes(name):
            if not self.flat.before(name):
                self.refuse(name, "gets nothing", "a node behind an Input or a neuron would run")
            elif self._loops(name):
                self.refuse(name, "is in a loop without a neuron", "a loop through a neuron would run")
            elif (got := self.got(name)) is not None:
                self._given[name] = got if self.passes(name) else self._linear(name, got)
        return self._given[name]

    def _loops(self, name: str) -> bool:
        """Whether a linear node gets what it gives itself, with no neuron on the way."""
        seen: set[str] = set()
        ahead = [name]
        while ahead:
            for pre in self.flat.before(ahead.pop()):
                if pre == name:
                    return True
                if pre not in seen and (kind_of(self.flat.nodes[pre]) in LINEAR or self.passes(pre)):
                    seen.add(pre)
                    ahead.append(pre)
        return False

    def _linear(self, name: str, got: Form) -> Form | None:
        node = self.flat.nodes[name]
        if kind_of(node) == "Delay":
            return self._delayed(name, node, got)
        shape = next((found for pre in self.flat.before(name) if (found := self.shape(pre)) is not None), (got.size,))
        try:
            made, bias = matrix(node, shape)
            form = Form(made.shape[0])
            for key, term in got.terms.items():
                form.plus(key, Term(made.after(term.matrix), term.through | {name}))
        except Unfit as error:
            self.refuse(name, str(error), "a node that fits would run")
            return None
        if bias.any():
            at = np.flatnonzero(bias)
            form.plus((ONE, 0), Term(Sparse((len(bias), 1), at, np.zeros(len(at), np.int64), bias[at]), frozenset({name})))
        return form

    def _delayed(self, name: str, node: Any, got: Form) -> Form | None:
        delay = numbers(node.delay).ravel()
        if len(delay) not in (1, got.size) or not np.all(np.isfinite(delay)) or delay.min() < 0:
            self.refuse(name, f"has {len(delay)} delays for {got.size} values, or one below 0", "a delay for all, or one a value, would run")
            return None
        steps = np.broadcast_to(np.rint(delay / self.dt).astype(np.int64), (got.size,))
        self.rounded[name] = float(np.abs(steps * self.dt - delay).max())
        form = Form(got.size)
        for (source, before), term in got.terms.items():
            for each in np.unique(steps):
                rows = term.matrix.of_rows(steps == each)
                if len(rows.row):
                    form.plus((source, before + int(each)), Term(rows, term.through | {name}))
        return form
