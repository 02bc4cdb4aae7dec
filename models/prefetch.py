"""A hint to the processor, for kernels: an entry of an array will be read soon."""

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

__all__ = ["prefetch"]


tools: Any = cgutils


@intrinsic
def _prefetch(context: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        view = context.make_array(kind)(context, builder, arguments[0])
        pointer = tools.get_item_pointer(context, builder, kind, view, [arguments[1]])
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        function = tools.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [byte, word, word, word]), "llvm.prefetch.p0i8")
        # To read, wanted again soon, data.
        builder.call(function, [builder.bitcast(pointer, byte), word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


def prefetch(array: np.ndarray, index: int) -> None:
    """Fetch the cache line of ``array[index]``, one-dimensional; nothing in plain Python."""


@overload(prefetch, inline="always")
def _compiled(array, index):  # type: ignore[no-untyped-def]  # Numba wants the same signature as of what it returns
    return lambda array, index: _prefetch(array, index)  # type: ignore[call-arg]  # Numba gives the first
