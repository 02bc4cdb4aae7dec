"""A compiled simulator in a shared library: its functions in C, and one instance that is freed at the end."""

import ctypes
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np

__all__ = ["POINTER", "SIZE", "Foreign", "pointer"]

POINTER, SIZE = ctypes.c_void_p, ctypes.c_uint64


def pointer(array: np.ndarray | None) -> ctypes.c_void_p | None:
    """Where an array lies, to be given to a function in C; null for None."""
    return None if array is None else array.ctypes.data_as(ctypes.c_void_p)


class Foreign:
    """An instance of a simulator; a context that frees it.

    Parameters
    ----------
    library : Path
        Shared library.
    prefix : str
        Of its functions: ``<prefix>_new``, which is given ``number``, ``_delete`` and ``_cycles``, and those besides.
    number : int
        What the instance is made with.
    functions : iterable of tuple
        Name without the prefix, type of the result, types of the arguments.
    """

    def __init__(self, library: Path, prefix: str, number: int, functions: Iterable[tuple[str, Any, list[Any]]]) -> None:
        self._library, self._prefix = ctypes.CDLL(str(library)), prefix
        for name, result, arguments in (("new", POINTER, [ctypes.c_int]), ("delete", None, [POINTER]), ("cycles", SIZE, [POINTER]), *functions):
            function = self._function(name)
            function.restype, function.argtypes = result, arguments
        self._handle = self._function("new")(number)

    def _function(self, name: str) -> Any:
        return getattr(self._library, f"{self._prefix}_{name}")

    def close(self) -> None:
        """Free the simulator; further calls are errors."""
        if self._handle:
            self._function("delete")(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def cycles(self) -> int:
        """Clock cycles so far: of all runs, as the core counts them, or of the whole simulation."""
        return int(self._function("cycles")(self._handle))
