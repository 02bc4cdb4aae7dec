"""A NIR graph as it is used here: one level of nodes, edges between them, and the shape of what each node gives."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.hints import lacking
from spikegate.translator.importer.float_network import Refusals

__all__ = ["ANALOG", "LINEAR", "SPIKING", "Flat", "flattened", "kind_of", "library", "numbers", "read", "where"]

#: Nodes that spike, those whose membrane is what they give, and those that are a matrix and a constant.
SPIKING = ("LIF", "IF", "CubaLIF", "Threshold")
ANALOG = ("LI", "I", "CubaLI")
LINEAR = ("Linear", "Affine", "Conv1d", "Conv2d", "SumPool2d", "AvgPool2d", "Flatten", "Scale", "Delay")
#: Largest number of neurons or channels of a node.
MAX_SIZE = 1 << 20


@dataclass(frozen=True)
class Flat:
    """Nodes by name, subgraphs unfolded as ``graph.node``, and edges.

    Attributes
    ----------
    nodes : dict of str to nir.NIRNode
    edges : list of tuple of str
    inner : frozenset of str
        Ends of subgraphs, which pass on what they get.
    """

    nodes: dict[str, Any]
    edges: list[tuple[str, str]]
    inner: frozenset[str]

    def before(self, name: str) -> list[str]:
        """Nodes with an edge to this one."""
        return [pre for pre, post in self.edges if post == name]

    def after(self, name: str) -> list[str]:
        """Nodes that this one has an edge to."""
        return [post for pre, post in self.edges if pre == name]

    def named(self, *kinds: str) -> list[str]:
        """Nodes of these kinds, in the order of the graph, without ends of subgraphs."""
        return [name for name, node in self.nodes.items() if kind_of(node) in kinds and name not in self.inner]


def library() -> Any:
    """The package `nir`; `ToolMissing` says how to get it."""
    try:
        import nir
    except ImportError as error:
        raise lacking("nir", "nir") from error
    return nir


def kind_of(node: Any) -> str:
    """The name of a node's primitive."""
    return type(node).__name__


def where(name: str, node: Any) -> str:
    """How a line about a node begins."""
    return f"{kind_of(node)} {name!r}"


def read(path: str | Path) -> Any:
    """The graph in a file.

    Raises
    ------
    InputError
        If it is absent, or holds no NIR graph.
    ToolMissing
        If the package `nir` is not installed.
    """
    nir = library()
    try:
        Path(path).read_bytes()
        found = nir.read(str(path), type_check=False)
    except OSError as error:
        raise InputError(f"NIR file {path} cannot be read ({error.strerror or 'it is no HDF5 file'}); give a file that nir.write wrote") from error
    except Exception as error:  # the package's own, of any kind, for a file that holds something else
        raise InputError(f"NIR file {path} holds no graph ({type(error).__name__}: {next(iter(str(error).splitlines()), '')}); "
                         "give a file that nir.write wrote") from error
    return found


def numbers(values: Any) -> np.ndarray:
    """A parameter as float64, from NumPy or PyTorch."""
    return np.asarray(values.detach() if hasattr(values, "detach") else values, np.float64)


def _unfold(graph: Any, before: str, flat: Flat, inner: set[str], refusals: Refusals) -> None:
    ends: dict[str, tuple[list[str], list[str]]] = {}
    for key, node in graph.nodes.items():
        name = f"{before}{key}"
        if kind_of(node) == "NIRGraph":
            _unfold(node, f"{name}.", flat, inner, refusals)
            ends[name] = tuple([f"{name}.{part}" for part, each in node.nodes.items() if kind_of(each) == end]  # type: ignore[assignment]
                               for end in ("Input", "Output"))
            inner.update(*ends[name])
        else:
            flat.nodes[name] = node
    for pre, post in graph.edges:
        pair = []
        for side, name in ((1, f"{before}{pre}"), (0, f"{before}{post}")):
            if name in ends and len(ends[name][side]) != 1:
                refusals.add(f"NIRGraph {name!r}", "", f"has {len(ends[name][side])} {('inputs', 'outputs')[side]}",
                             "a subgraph with one input and one output would run")
                name = ""
            elif name in ends:
                name = ends[name][side][0]
            elif name not in flat.nodes:
                refusals.add(f"Edge {pre!r} -> {post!r}", "", f"names a node that is not there ({name!r})", "an edge between nodes would run")
                name = ""
            pair.append(name)
        if all(pair) and tuple(pair) in flat.edges:
            refusals.add(f"Edge {pre!r} -> {post!r}", "", "is there twice", "a single one, or twice the weight, would run")
        elif all(pair):
            flat.edges.append((pair[0], pair[1]))


def flattened(graph: Any, refusals: Refusals) -> Flat:
    """The graph without subgraphs; what cannot be is noted."""
    if not hasattr(graph, "nodes") or not hasattr(graph, "edges"):
        raise InputError(f"Graph must be a nir.NIRGraph, not {type(graph).__name__}; nir.read gives one")
    inner: set[str] = set()
    flat = Flat({}, [], frozenset())
    _unfold(graph, "", flat, inner, refusals)
    known = ("Input", "Output", *SPIKING, *ANALOG, *LINEAR)
    for name, node in flat.nodes.items():
        if kind_of(node) not in known:
            refusals.add(where(name, node), "", "is a primitive that hardware does not have", f"one of {', '.join(known)} would run")
    return Flat(flat.nodes, flat.edges, frozenset(inner))
