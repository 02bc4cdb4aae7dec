"""Small defects of a Python source, one at a time, as compiled code, and how constants are put in place."""

import ast
import copy
import enum
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

__all__ = ["Mutant", "mutants", "function_code", "put_values"]

#: What an operator becomes; a boundary of a comparison moves by one.
SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult,
         ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd, ast.And: ast.Or,
         ast.Or: ast.And, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn,
         ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is}
#: Comparisons that the negated condition would turn into the same as the swapped operator does.
EQUALITIES = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)
#: What a function returns at once, by the type that it is annotated with; others return None.
DEFAULTS = {"int": "0", "bool": "False", "str": "''", "list": "[]", "tuple": "()", "dict": "{}"}
#: Literals of more numbers are tables, in which one change a number will do.
TABLE = 20
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Mutant:
    """One defect.

    Parameters
    ----------
    path : Path
        Of the file.
    function : str
        Qualified name of the outermost function that has it, or ``""`` for what runs when the module is imported.
    line : int
        First line of that function with its decorators, or of the statement.
    text : str
        Source before and after, ``x < y -> x <= y``; a number follows if the function has several that read the same.
    made : callable
        Calls a function with the tree of the module while it has the defect.
    """

    path: Path
    function: str
    line: int
    text: str
    made: Callable[[Callable[[ast.Module], Any]], Any]

    @property
    def code(self) -> CodeType:
        """Of the module with the defect, compiled each time."""
        return self.made(lambda tree: compile(tree, str(self.path), "exec"))

    @property
    def source(self) -> str:
        """Of the module with the defect."""
        return self.made(ast.unparse)

    @property
    def name(self) -> str:
        """Function and text, which is unique in a module."""
        return f"{self.function or 'module'}: {self.text}"


def function_code(code: CodeType, name: str, line: int) -> CodeType:
    """The code of a function, by its qualified name and first line, inside that of its module."""
    inner = [part for part in code.co_consts if isinstance(part, CodeType)]
    return next((part for part in inner if (part.co_qualname, part.co_firstlineno) == (name, line)), None) or next(
        found for part in inner if name.startswith(part.co_qualname + ".") and (found := function_code(part, name, line)))


@dataclass(frozen=True)
class _Site:
    """A node to be replaced: ``parent.field`` or ``parent.field[position]``; ``shown`` is the node whose source names the mutant."""

    parent: ast.AST
    field: str
    position: int | None
    new: ast.AST
    shown: ast.AST
    function: str
    line: int

    def put(self, node: ast.AST) -> ast.AST:
        """Place ``node``; what was there."""
        held = getattr(self.parent, self.field)
        if self.position is None:
            setattr(self.parent, self.field, node)
            return held
        old, held[self.position] = held[self.position], node
        return old


def _header(node: ast.AST) -> str:
    """Source of a node in one line, of a compound statement without its body."""
    if isinstance(node, ast.stmt) and hasattr(node, "body"):
        node = copy.copy(node)
        node.body = []
        for field in ("orelse", "decorator_list"):
            if hasattr(node, field):
                setattr(node, field, [])
    return " ".join(ast.unparse(node).split())


class _Sites:
    """Walks a module and yields every `_Site`, leaving out what is no behaviour: docstrings, annotations, ``__all__``, texts of errors."""

    def __init__(self, tree: ast.Module):
        self.tree, self.scope, self.function, self.line, self.default = tree, [], "", 0, "None"

    def walk(self, node: ast.AST, shown: ast.AST | None = None, table: bool = False) -> Iterator[_Site]:
        """Sites below ``node``, of which ``shown`` is the statement or expression around it."""
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "type_comment", "ctx") or self.text(node, field):
                continue
            for position, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if not isinstance(child, ast.AST):
                    continue
                if isinstance(child, (*FUNCTIONS, ast.ClassDef)):
                    yield from self.definition(child)
                    continue
                if isinstance(child, ast.stmt) and not self.function:
                    self.line = child.lineno
                site = lambda new, what: _Site(node, field, position, new, what, self.function, self.line)  # noqa: B023, E731
                outer = child if isinstance(child, (ast.expr, ast.stmt)) and not isinstance(child, ast.Constant) else shown or child
                yield from (site(new, what) for new, what in self.replacements(node, field, child, outer, table))
                if not isinstance(child, (ast.Raise, ast.JoinedStr)):
                    numbers = isinstance(child, (ast.Dict, ast.Tuple, ast.List)) and sum(isinstance(one, ast.Constant) for one in ast.walk(child))
                    yield from self.walk(child, outer, table or numbers > TABLE)

    def text(self, node: ast.AST, field: str) -> bool:
        """Whether the field is documentation or a text for people, or what only makes things fast."""
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return True
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "__all__" for target in node.targets):
            return True
        return field == "args" and isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "require" and len(node.args) == 1

    def definition(self, node: ast.AST) -> Iterator[_Site]:
        """A function or class: the body of an outermost function is its own, all the rest runs when the module is imported."""
        before = self.scope, self.function, self.line, self.default
        for decorator in node.decorator_list:
            if getattr(getattr(decorator, "func", None), "id", "") == "dataclass":
                self.line = node.lineno
                yield from self.walk(decorator, decorator)
        if not isinstance(node, ast.ClassDef):
            yield from self.walk(node.args, node.args)
        self.scope = [*self.scope, node.name]
        if isinstance(node, FUNCTIONS):
            if not self.function:
                self.function, self.line = ".".join(self.scope), min(part.lineno for part in [node, *node.decorator_list])
            returned = ast.unparse(node.returns).split("[")[0] if node.returns else ""
            self.default = DEFAULTS.get(returned, "None")
        holder = ast.Module(body=node.body, type_ignores=[])  # shares the list of statements
        yield from self.walk(holder)
        self.scope, self.function, self.line, self.default = before

    def replacements(self, parent, field, node, outer, table) -> Iterator[tuple[ast.AST, ast.AST]]:
        """What may stand in place of ``node``, and whose source names it."""
        like = lambda new: ast.copy_location(new, node)  # noqa: E731
        if type(node) in SWAPS:
            yield SWAPS[type(node)](), parent
        elif isinstance(node, ast.UnaryOp):
            yield node.operand, node
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield like(ast.Constant(not node.value)), outer
        elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            yield from ((like(ast.Constant(node.value + by)), outer) for by in ((1,) if table else (1, -1)))
        if field == "test" or isinstance(parent, ast.comprehension) and field == "ifs":
            same = isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], EQUALITIES)
            if not same and not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
                yield like(ast.UnaryOp(ast.Not(), node)), node
        if isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != self.default:
            yield like(ast.Return(like(ast.parse(self.default, mode="eval").body))), node
        parts = [part for target in getattr(node, "targets", ()) for part in ast.walk(target)] if isinstance(node, ast.Assign) else []
        stored = any(isinstance(part, (ast.Attribute, ast.Subscript)) for part in parts)
        called = isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
        if called or stored or isinstance(node, (ast.AugAssign, ast.Raise, ast.Delete, ast.Continue, ast.Break)):
            yield like(ast.Pass()), node


def _with_defect(tree: ast.Module, site: _Site, use: Callable[[ast.Module], Any]) -> Any:
    old = site.put(site.new)
    try:
        return use(ast.fix_missing_locations(tree))
    finally:
        site.put(old)


def mutants(path: Path) -> list[Mutant]:
    """Every mutant of a file, in the order of its source."""
    tree = ast.parse(path.read_text())
    found, seen = [], Counter()
    for site in list(_Sites(tree).walk(tree)):
        before = _header(site.shown)
        old = site.put(site.new)
        after = _header(site.new if site.shown is old else site.shown)
        site.put(old)
        if isinstance(site.shown, (ast.arguments, ast.Dict)):  # of a long list, what differs
            before, after = next((pair for pair in zip(before.split(", "), after.split(", ")) if len(set(pair)) > 1), (before, after))
        text = f"{before} -> {after}"
        seen[site.function, text] += 1
        repeated = f" #{seen[site.function, text]}" if seen[site.function, text] > 1 else ""
        found.append(Mutant(path, site.function, site.line, text + repeated, partial(_with_defect, tree, site)))
    return found


def functions_of(space: dict[str, object], name: str) -> Iterator[FunctionType]:
    """Functions that a module defines, and those of its classes, with what dataclasses make."""
    for one in space.values():
        one = getattr(one, "fget", None) or getattr(one, "func", None) or getattr(one, "__wrapped__", None) or getattr(one, "__func__", one)
        if isinstance(one, FunctionType) and one.__module__ == name:
            yield one
        elif isinstance(one, type) and one.__module__ == name:
            yield from functions_of(vars(one), name)


def is_data(value: object) -> bool:
    """Whether it is a number, or a tuple or table of such."""
    if isinstance(value, (tuple, dict)):
        return all(map(is_data, value.items() if isinstance(value, dict) else value))
    return isinstance(value, (int, float, Fraction)) and not isinstance(value, enum.Enum)


def put_values(code: CodeType, model: ModuleType) -> bool:
    """Whether the code of a mutant, run anew, differs in constants or defaults of arguments, which are then replaced wherever they are."""
    space = {"__name__": model.__name__}
    exec(code, space)
    changed = {name for name, old in vars(model).items() if name[:2] != "__" and is_data(old) and old != space[name]}
    for name in changed:
        for module in [module for key, module in sys.modules.items() if key.startswith(("spikegate.", "test_", "tests."))]:
            if vars(module).get(name) is vars(model)[name] and module is not model:
                setattr(module, name, space[name])
        setattr(model, name, space[name])
    news = {one.__qualname__: one.__defaults__ for one in functions_of(space, model.__name__)}
    for one in functions_of(vars(model), model.__name__):
        values = [new if is_data(old) else old for old, new in zip(one.__defaults__ or (), news.get(one.__qualname__) or ())]
        if values != list(one.__defaults__ or values):
            one.__defaults__ = tuple(values)
            changed.add(one.__qualname__)
    return bool(changed)
