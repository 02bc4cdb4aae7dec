"""Linear nodes of NIR written out: sparse matrices from what a node gets to what it gives, both flat in C order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikegate.translator.nir.reading import kind_of, numbers

__all__ = ["Sparse", "Unfit", "diagonal", "matrix", "shape_after"]

#: Synapses of one product of nodes.
MAX_ENTRIES = 50_000_000


class Unfit(Exception):  # noqa: N818
    """What stands in the way at a node, for a line of its own."""


@dataclass(frozen=True, eq=False)
class Sparse:
    """Entries of a matrix (rows, columns); none twice, and none of them 0."""

    shape: tuple[int, int]
    row: np.ndarray
    column: np.ndarray
    value: np.ndarray

    @classmethod
    def of(cls, shape: tuple[int, int], row: np.ndarray, column: np.ndarray, value: np.ndarray) -> "Sparse":
        """Of entries in any order; those of one place are added."""
        place, index = np.unique(np.asarray(row, np.int64) * shape[1] + column, return_inverse=True)
        total = np.bincount(index.ravel(), np.asarray(value, np.float64), len(place))
        kept = total != 0
        return cls(shape, place[kept] // shape[1], place[kept] % shape[1], total[kept])

    def after(self, first: "Sparse") -> "Sparse":
        """The matrix of ``first``, then this one."""
        order = np.argsort(first.row, kind="stable")
        bounds = np.searchsorted(first.row[order], np.arange(first.shape[0] + 1))
        times = bounds[self.column + 1] - bounds[self.column]
        if times.sum() > MAX_ENTRIES:
            raise Unfit(f"makes {times.sum():,} synapses, above {MAX_ENTRIES:,}")
        mine = np.repeat(np.arange(len(self.row)), times)
        theirs = order[np.repeat(bounds[self.column] - np.cumsum(times) + times, times) + np.arange(len(mine))]
        return Sparse.of((self.shape[0], first.shape[1]), self.row[mine], first.column[theirs], self.value[mine] * first.value[theirs])

    def plus(self, other: "Sparse") -> "Sparse":
        """The sum of two."""
        return Sparse.of(self.shape, *(np.concatenate([getattr(self, part), getattr(other, part)]) for part in ("row", "column", "value")))

    def of_rows(self, chosen: np.ndarray) -> "Sparse":
        """The entries of some rows, a mask; the others are 0."""
        kept = chosen[self.row]
        return Sparse(self.shape, self.row[kept], self.column[kept], self.value[kept])


def diagonal(values: np.ndarray) -> Sparse:
    """The matrix that multiplies each by its own."""
    kept = np.flatnonzero(values)
    return Sparse((len(values), len(values)), kept, kept, np.asarray(values, np.float64)[kept])


def _pair(value: Any, dims: int) -> list[int]:
    found = [int(each) for each in np.atleast_1d(numbers(value))]
    found = found * dims if len(found) == 1 else found
    if len(found) != dims:
        raise Unfit(f"has {len(found)} numbers for {dims} dimensions")
    return found


@dataclass(frozen=True)
class _Window:
    """How a kernel moves over an image of any dimensions."""

    image: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: list[int]
    before: list[int]
    behind: list[int]
    dilation: list[int]

    @property
    def places(self) -> tuple[int, ...]:
        """Places of the kernel in each dimension."""
        found = tuple((size + a + b - d * (k - 1) - 1) // s + 1
                      for size, k, s, a, b, d in zip(self.image, self.kernel, self.stride, self.before, self.behind, self.dilation))
        if min(found) < 1:
            raise Unfit(f"has a kernel of {self.kernel} that is larger than what it gets, {self.image}")
        return found

    def entries(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Place, element of the kernel and pixel of the image that meet, each flat."""
        at, element = np.indices(self.places), np.indices(self.kernel)
        shape = (*self.places, *self.kernel)
        dims, inside = len(self.image), np.ones(shape, bool)
        pixel: Any = np.zeros(shape, np.int64)
        for k in range(dims):
            where = (at[k] * self.stride[k] - self.before[k]).reshape(self.places + (1,) * dims) + element[k] * self.dilation[k]
            inside &= (where >= 0) & (where < self.image[k])
            pixel = pixel * self.image[k] + where
        place = np.arange(np.prod(self.places)).reshape(self.places + (1,) * dims)
        return tuple(np.broadcast_to(each, shape)[inside] for each in (place, np.arange(np.prod(self.kernel)).reshape(self.kernel), pixel))


def _window(node: Any, shape: Sequence[int]) -> _Window:
    kind, dims = kind_of(node), 1 if kind_of(node) == "Conv1d" else 2
    if len(shape) != dims + 1:
        raise Unfit(f"gets {len(shape)} dimensions {tuple(shape)} where it needs channels and {dims} more")
    pooled = kind.endswith("Pool2d")
    kernel = tuple(_pair(node.kernel_size, dims)) if pooled else tuple(numbers(node.weight).shape[2:])
    stride, dilation = _pair(node.stride, dims), [1] * dims if pooled else _pair(node.dilation, dims)
    if isinstance(node.padding, (str, bytes)):
        name = node.padding.decode() if isinstance(node.padding, bytes) else node.padding
        if name == "same" and stride != [1] * dims:
            raise Unfit("pads to the same size with a stride, which has no one meaning")
        total = [d * (k - 1) if name == "same" else 0 for d, k in zip(dilation, kernel)]
        before = [each // 2 for each in total]
        return _Window(tuple(shape[1:]), kernel, stride, before, [a - b for a, b in zip(total, before)], dilation)
    padding = _pair(node.padding, dims)
    return _Window(tuple(shape[1:]), kernel, stride, padding, padding, dilation)


def shape_after(node: Any, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of what a linear node gives for what it gets.

    Raises
    ------
    Unfit
        If the two do not fit.
    """
    kind = kind_of(node)
    if kind in ("Linear", "Affine"):
        return (numbers(node.weight).shape[0],)
    if kind == "Flatten":
        start, end = int(node.start_dim), int(node.end_dim) % len(shape)
        return (*shape[:start], int(np.prod(shape[start:end + 1])), *shape[end + 1:])
    if kind in ("Conv1d", "Conv2d"):
        return (numbers(node.weight).shape[0], *_window(node, shape).places)
    if kind.endswith("Pool2d"):
        return (shape[0], *_window(node, shape).places)
    return tuple(shape)


def _moved(node: Any, shape: Sequence[int]) -> Sparse:
    """The matrix of a convolution or of pooling."""
    window, kind = _window(node, shape), kind_of(node)
    place, element, pixel = window.entries()
    places, pixels = int(np.prod(window.places)), int(np.prod(window.image))
    if kind.endswith("Pool2d"):
        scale = 1 / np.prod(window.kernel) if kind == "AvgPool2d" else 1.0
        channel = np.repeat(np.arange(shape[0]), len(place))
        row, column = (np.tile(each, shape[0]) + channel * size for each, size in ((place, places), (pixel, pixels)))
        return Sparse.of((shape[0] * places, shape[0] * pixels), row, column, np.full(len(row), scale))
    weight, groups = numbers(node.weight), int(node.groups)
    outs, ins = weight.shape[:2]
    if ins * groups != shape[0] or outs % groups:
        raise Unfit(f"has weights for {ins * groups} channels in {groups} groups and gets {shape[0]}")
    weight = weight.reshape(outs, ins, -1)
    out, local = np.indices((outs, ins)).reshape(2, -1)
    channel = out // (outs // groups) * ins + local
    row, column = (out[:, None] * places + place).ravel(), (channel[:, None] * pixels + pixel).ravel()
    return Sparse.of((outs * places, shape[0] * pixels), row, column, weight[out, local][:, element].ravel())


def matrix(node: Any, shape: Sequence[int]) -> tuple[Sparse, np.ndarray]:
    """What a linear node but a delay multiplies with and adds, for what it gets.

    Returns
    -------
    tuple of Sparse and numpy.ndarray
        (given, got) and (given,).
    """
    kind, size = kind_of(node), int(np.prod(shape))
    if kind in ("Linear", "Affine"):
        weight = numbers(node.weight)
        if weight.ndim != 2 or weight.shape[1] != size:
            raise Unfit(f"has weights {weight.shape} and gets {size} values")
        row, column = np.nonzero(weight)
        bias = numbers(node.bias).ravel() if kind == "Affine" else np.zeros(len(weight))
        if bias.shape != (len(weight),):
            raise Unfit(f"has {len(bias)} biases for {len(weight)} rows")
        return Sparse(weight.shape, row, column, weight[row, column]), bias
    if kind == "Scale":
        scale = numbers(node.scale).ravel()
        if len(scale) not in (1, size):
            raise Unfit(f"has {len(scale)} factors and gets {size} values")
        return diagonal(np.broadcast_to(scale, (size,))), np.zeros(size)
    if kind == "Flatten":
        return diagonal(np.ones(size)), np.zeros(size)
    moved = _moved(node, shape)
    if kind.startswith("Conv") and getattr(node, "bias", None) is not None:
        bias = np.broadcast_to(numbers(node.bias).ravel(), (shape_after(node, shape)[0],))
        return moved, np.repeat(bias, moved.shape[0] // len(bias))
    return moved, np.zeros(moved.shape[0])
