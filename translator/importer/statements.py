"""Brian2's code understood: what statements make of the variables that a step changes, as sums of them with constant factors.

Nothing is matched as text. Statements are read by Brian2's own parser into expressions of SymPy, followed through, and asked for their derivatives: a
factor that still holds a variable, a random number or a function that is not known is refused by its name.
"""

import ast
import math
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

__all__ = ["CHANGING", "Affine", "Named", "Unclear", "affine", "constant", "degree", "evaluate", "followed", "symbol"]

#: Functions of SymPy that NumPy has, too.
KNOWN = {"exp", "log", "sqrt", "sin", "cos", "tan", "Abs", "floor", "ceiling", "Min", "Max", "tanh", "sinh", "cosh", "sign", "Mod"}
#: Parts of an expression of one step; linear ones have hundreds at most, and what SymPy does with 70,000 takes hours.
LARGEST = 20_000
#: Names of Brian2 that change from step to step.
CHANGING = {"t": "the time", "t_in_timesteps": "the time", "lastspike": "the time of the last spike", "xi": "noise",
            "not_refractory": "refractoriness", **dict.fromkeys(("rand", "randn", "poisson", "binomial"), "random numbers")}


class Named(Protocol):
    """Values by name."""

    def __getitem__(self, name: str, /) -> np.ndarray:
        """Of one name, one value or (size,)."""
        ...


class Unclear(Exception):  # noqa: N818
    """What stands in the way, for a line of its own."""


class Affine(NamedTuple):
    """``constant`` plus each variable times its factor, all expressions of SymPy."""

    factors: dict[str, Any]
    constant: Any


def symbol(name: str) -> Any:
    """The symbol that Brian2's parser makes of a name."""
    from brian2.parsing.sympytools import str_to_sympy
    return str_to_sympy(name)


def _named(node: ast.stmt) -> tuple[str, str]:
    """What a statement writes, and the expression that it writes."""
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}.get(type(node.op))
        if sign:
            return node.target.id, f"{node.target.id} {sign} ({ast.unparse(node.value)})"
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, ast.unparse(node.value)
    raise Unclear("is no assignment")


def followed(code: str, known: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What every variable is after the statements, in terms of what it was before.

    Parameters
    ----------
    code : str
        One statement a line.
    known : Mapping of str to str, optional
        Expressions of the model, by the names that stand for them.
    """
    import sympy
    from brian2.parsing.sympytools import str_to_sympy

    try:
        tree = ast.parse("\n".join(line.strip() for line in code.splitlines()))
    except SyntaxError as error:
        raise Unclear(f"cannot be read ({error.msg})") from error
    after: dict[Any, Any] = {}
    sizes: dict[Any, int] = {}
    for node in tree.body:
        name, text = _named(node)
        expression = sympy.sympify(str_to_sympy(text))
        for _ in range(len(known or ()) + 1):  # an expression may name others
            inside = {each: str_to_sympy(known[str(each)]) for each in expression.free_symbols if known and str(each) in known}
            expression = expression.xreplace(inside)
        if (made := _size(expression, sizes)) > LARGEST:
            raise Unclear(f"makes of a step an expression of {made:,} parts, above the limit of {LARGEST:,}")
        after[symbol(name)], sizes[symbol(name)] = expression.xreplace(after), made
    return {str(name): expression for name, expression in after.items()}


def _size(expression: Any, sizes: Mapping[Any, int]) -> int:
    """How many parts an expression will have when symbols have been replaced by what has ``sizes`` parts."""
    known: dict[Any, int] = dict(sizes)

    def of(each: Any) -> int:
        if each not in known:
            known[each] = 1 + sum(map(of, each.args))
        return known[each]

    return of(expression)


def affine(expression: Any, variables: Collection[str], timed: Collection[str] = ()) -> Affine:
    """The expression as a sum of the variables times constant factors.

    Parameters
    ----------
    expression : sympy.Expr
    variables : Collection of str
    timed : Collection of str
        Names that change with the time alone, and may stand in what no variable is multiplied with.

    Raises
    ------
    Unclear
        If it is none.
    """
    import sympy

    constant(expression, timed)
    held, factors, rest = {name: symbol(name) for name in variables}, {}, expression
    for name, each in held.items():
        if degree(expression, each) > 2:  # what is bounded by squares may yet cancel, and is soon differentiated
            raise Unclear(f"is not linear in {name.rstrip('_')}")
        factor = sympy.diff(expression, each)
        others = sorted(other for other in held if other != name and held[other] in factor.free_symbols)
        if others or each in factor.free_symbols or factor.has(sympy.Derivative, sympy.Subs):
            raise Unclear(f"is not linear in {' and '.join(each.rstrip('_') for each in [name, *others])}")
        constant(factor)
        factors[name], rest = factor, rest.xreplace({each: sympy.Integer(0)})
    return Affine(factors, rest)


def degree(expression: Any, held: Any) -> float:
    """A bound of the highest power of a symbol, found without multiplying out, which may take hours; infinite if it is in anything but powers."""
    known: dict[Any, float] = {held: 1}

    def of(each: Any) -> float:
        if each not in known:
            parts = [of(part) for part in each.args]
            if each.is_Add or each.is_Mul:
                known[each] = max(parts) if each.is_Add else sum(parts)
            elif each.is_Pow and each.exp.is_Number and float(each.exp).is_integer() and each.exp > 0:
                known[each] = parts[0] * int(each.exp)
            else:
                known[each] = math.inf if any(parts) else 0
        return known[each]

    return of(expression)


def constant(expression: Any, timed: Collection[str] = ()) -> None:
    """Refuse an expression that changes while a network runs, or that calls a function nobody knows here; names in ``timed`` may change."""
    import sympy

    if not isinstance(expression, sympy.Expr):
        raise Unclear("is no number")
    for each in sorted(str(name) for name in expression.free_symbols):
        if each in CHANGING and each not in timed:
            raise Unclear(f"depends on {CHANGING[each]} ({each})")
    for call in expression.atoms(sympy.Function):
        name = type(call).__name__
        if name not in KNOWN and name not in timed:
            raise Unclear(f"uses {CHANGING.get(name, 'a function')} ({name})")
    if expression.has(sympy.Piecewise, sympy.core.relational.Relational):
        raise Unclear("has a condition")


def evaluate(expression: Any, values: Named, size: int) -> np.ndarray:
    """The expression for values of its names, each one or (size,): float64 (size,)."""
    import sympy

    names = sorted(expression.free_symbols, key=str)
    with np.errstate(all="ignore"):
        found = sympy.lambdify(names, expression, "numpy")(*(np.asarray(values[str(name)], np.float64) for name in names))
    result = np.broadcast_to(np.asarray(found, np.float64), (size,)).copy()
    if not np.all(np.isfinite(result)):
        raise Unclear(f"has no value ({result[~np.isfinite(result)][0]:g})")
    return result
