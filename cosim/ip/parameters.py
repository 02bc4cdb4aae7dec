"""Parameters of a component as a user writes them, NAME=VALUE: which there are, what they mean, and their values."""

import difflib
import enum
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spikegate.cosim.ip.ports import documented
from spikegate.models.errors import InputError
from spikegate.models.numeric.fixed import QFormat

__all__ = ["Parameter", "described", "of", "read", "shown"]


#: Of parameters whose docstring says no more than their type.
COMMON = {"format": "Of the membrane: qM.N has M integer bits with the sign and N fraction bits.", "rounding": "Of products.",
          "overflow": "Of what leaves its format.", "order": "What comes first within a step; see above.",
          "reset": "What a spike does to the membrane: it becomes `reset`, or `reset` is subtracted."}


@dataclass(frozen=True)
class Parameter:
    """How a value is written, what it is if none is given, and what it means."""

    kind: Any
    default: Any
    meaning: str


def of(source: Any, defaults: Mapping[str, Any], leave: Sequence[str] = ()) -> dict[str, Parameter]:
    """The parameters of a class's constructor, in its order, with ``defaults`` before its own."""
    words, found = documented(source, "Parameters"), {}
    for name, each in inspect.signature(source).parameters.items():
        if name not in leave:
            usual = defaults.get(name, each.default)
            kind = each.annotation | None if usual is None else each.annotation  # such as a fraction that is the format's
            found[name] = Parameter(kind, usual, words.get(name) or COMMON.get(name, ""))
    return found


def described(source: Any, **ports: str) -> dict[str, str]:
    """What ``source`` says of its parameters and properties, for the ports that hold them: port=parameter."""
    words = documented(source, "Parameters")
    return {port: words.get(name) or inspect.getdoc(getattr(source, name)) or "" for port, name in ports.items()}


def shown(value: Any) -> str:
    """A value as it is written on the command line."""
    if isinstance(value, enum.Enum):
        return value.name.lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)


def _value(kind: Any, text: str) -> Any:
    """``ValueError`` with what it must be, if it is not."""
    if "None" in str(kind) and text == "none":
        return None
    if kind in (QFormat, QFormat | None):
        return QFormat.parse(text)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        names = {member.name.lower(): member for member in kind}
        if text not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return names[text]
    if kind is bool:
        if text not in ("true", "false"):
            raise ValueError("true or false")
        return text == "true"
    if "tuple" in str(kind):
        parts = [] if text == "none" else text.split(",")
        return tuple(_value(int, part) for part in parts) if "int" in str(kind) else tuple(parts)
    try:
        return int(text)
    except ValueError:
        raise ValueError("a whole number" + " or none" * ("None" in str(kind))) from None


def read(module: str, parameters: Mapping[str, Parameter], given: Sequence[str]) -> dict[str, Any]:
    """Values of all parameters, those in ``given`` as NAME=VALUE.

    Raises
    ------
    InputError
        If one has no such name, no value of its kind, or comes twice.
    """
    found = {name: each.default for name, each in parameters.items()}
    seen: set[str] = set()
    for text in given:
        name, sign, value = text.partition("=")
        if not sign:
            raise InputError(f"--parameters must be NAME=VALUE, not {text!r}; those of {module} are {', '.join(parameters) or 'none'}")
        if name not in parameters:
            near = difflib.get_close_matches(name, parameters, 1, 0.5)
            raise InputError(f"--parameters of {module} must be {', '.join(parameters) or 'left out, as it has none'}, not {name!r}"
                             + (f"; did you mean {near[0]}?" if near else "; leave it out"))
        if name in seen:
            raise InputError(f"--parameters {name} is given twice; give one value")
        seen.add(name)
        try:
            found[name] = _value(parameters[name].kind, value)
        except InputError:
            raise
        except ValueError as error:
            raise InputError(f"--parameters {name} must be {error}, not {value!r}; for example {name}={shown(parameters[name].default)}") from None
    return found
