"""The registry: what a variant of the taxonomy is, what it must agree with, and its engine; new ones join by one decorator.

An engine is ``run(network, *, trace=False, progress=None) -> Recording`` and runs the whole network.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from spikegate.models.checks import require
from spikegate.models.errors import InputError
from spikegate.models.network.recording import Recording

__all__ = ["Variant", "VARIANTS", "variant", "find"]

Engine = Callable[..., Recording]


@dataclass(frozen=True)
class Variant:
    """One variant.

    Parameters
    ----------
    number : int
        That of the taxonomy, from 1 on.
    name : str
        ``v<number>_<what>``.
    backend, domain, target : str
        As in the taxonomy.
    agrees_with : str
        What its runs are tested against, and how closely.
    needs : tuple of str
        Optional packages without which it does not run.
    run : callable
        The engine.
    """

    number: int
    name: str
    backend: str
    domain: str
    target: str
    agrees_with: str
    needs: tuple[str, ...]
    run: Engine


#: Every variant, by name, in the order of their numbers.
VARIANTS: dict[str, Variant] = {}


def variant(number: int, name: str, *, backend: str, domain: str, target: str, agrees_with: str,
            needs: tuple[str, ...] = ()) -> Callable[[Engine], Engine]:
    """Register the decorated engine; parameters are those of `Variant`.

    Raises
    ------
    InputError
        If the number or the name is taken, or the name does not begin with ``v<number>_``.
    """
    if number < 1 or not name.startswith(f"v{number}_"):
        raise InputError(f"Variant's name must begin with v{number}_ and its number be at least 1, not {name!r} and {number}")
    if taken := [v.name for v in VARIANTS.values() if v.number == number]:
        raise InputError(f"Variant {number} must be new, and is {taken[0]}; choose another number")

    def register(run: Engine) -> Engine:
        VARIANTS[name] = Variant(number, name, backend, domain, target, agrees_with, needs, run)
        ordered = sorted(VARIANTS.items(), key=lambda item: item[1].number)
        VARIANTS.clear()
        VARIANTS.update(ordered)
        return run

    return register


def find(name: str) -> Variant:
    """The variant of that name, ``v9_post_kick``, or number, ``v9``, in any case.

    Raises
    ------
    InputError
        If there is none, with the nearest name.
    """
    require("Variant", name, str, "give a name or a number, such as v9")
    names = {key: v for v in VARIANTS.values() for key in (v.name, f"v{v.number}")}
    if (key := name.lower()) not in names:
        near = difflib.get_close_matches(key, names, 1, 0.5)
        raise InputError(f"Variant must be one of {', '.join(VARIANTS)}, not {name!r}" + (f"; did you mean {near[0]}?" if near else ""))
    return names[key]
