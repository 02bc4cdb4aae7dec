"""Ports of a component as they stand in its Verilog, with the fields of each and what its docstring says of it."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Const, Shape, Value
from amaranth.lib import data
from amaranth.lib.wiring import Component, In

__all__ = ["Field", "Port", "documented", "plain", "ports", "range_of", "summary"]

#: What the parts of a stream are, whatever it carries.
STREAM = {"valid": "a payload is offered", "ready": "the receiver takes it; it passes at the rising edge at which valid and ready are both 1"}


@dataclass(frozen=True)
class Field:
    """Bits of a port that mean one thing; ``name`` is that of the port where it has no fields."""

    name: str
    width: int
    signed: bool
    offset: int


@dataclass(frozen=True)
class Port:
    """A port: its name, its direction, its bits, and its meaning in words."""

    name: str
    input: bool
    width: int
    signed: bool
    fields: tuple[Field, ...]
    meaning: str


def range_of(width: int) -> str:
    """Bits of a declaration, with a blank behind."""
    return f"[{width - 1}:0] " if width > 1 else ""


def _fields(name: str, shape: Any, offset: int) -> Iterable[Field]:
    if isinstance(shape, data.Layout):
        for key, field in shape:
            yield from _fields(f"{name}_{key}", field.shape, offset + field.offset)
    else:
        cast = Shape.cast(shape)
        if cast.width:
            yield Field(name, cast.width, cast.signed, offset)


def plain(text: str) -> str:
    """A docstring's words without its marks: no backquotes, no paths of modules."""
    text = re.sub(r"`+([^`]*)`+", lambda found: found[1].rpartition(".")[2] if found[1].startswith("spikegate.") else found[1], text)
    return " ".join(text.split())


def summary(kind: type) -> str:
    """The first sentence of a docstring, with all that stands before its next paragraph."""
    return plain(inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0])


def documented(kind: type, section: str) -> dict[str, str]:
    """Names in a section of the docstrings in numpy's style of a class and those that it varies, each with what is said of it."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        found |= _section(inspect.cleandoc(each.__dict__.get("__doc__") or ""), section)
    return found


def _section(text: str, section: str) -> dict[str, str]:
    found = re.search(rf"^{section}\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", text, re.MULTILINE | re.DOTALL)
    names: dict[str, str] = {}
    for head, body in re.findall(r"^(\S[^\n]*)\n((?:[ \t]+[^\n]*\n?|\n)*)", (found[1] if found else "") + "\n", re.MULTILINE):
        for name in re.findall(r"(\w+)(?=[^:()]*(?: :|$))", re.sub(r" : \w+(?:\([^)]*\))*[^,]*", " :", head)):
            names[name] = plain(body)
    return names


def _meaning(path: tuple[Any, ...], notes: Mapping[str, str], members: Mapping[str, str]) -> str:
    name = "__".join(map(str, path))
    own = notes.get(name) or notes.get(str(path[0])) or members.get(str(path[0]), "")
    if path[-1] in STREAM:
        return f"stream {path[0]}: {STREAM[path[-1]]}"
    return f"stream {path[0]}: {own}" if path[-1] == "payload" else own


def ports(component: Component, notes: Mapping[str, str] | None = None) -> list[Port]:
    """All but clock and reset, in the order in which the component has them; ``notes`` go before its docstring."""
    members, found = documented(type(component), "Members"), []
    for path, member, value in component.signature.flatten(component):
        if isinstance(value, Const):
            continue
        name, shape = "__".join(map(str, path)), Value.cast(value).shape()
        fields = tuple(_fields(name.replace("__payload", ""), member.shape, 0)) if isinstance(member.shape, data.Layout) \
            else (Field(name, shape.width, shape.signed, 0),)
        if shape.width:
            found.append(Port(name, member.flow == In, shape.width, shape.signed, fields, _meaning(path, notes or {}, members)))
    return found
