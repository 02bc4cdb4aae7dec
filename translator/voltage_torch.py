"""The voltage domain's kernel in PyTorch, on a CPU or a GPU: the bits of `spikegate.translator.voltage_kernels`.

Every operation is one of PyTorch's own, rounded once in float64, so that no multiplication is fused with an addition and a GPU gives
the same bits. Spikes due are counted by a sparse product of the connectivity and the spikes: whole numbers, exact in any order.
"""

import warnings
from typing import Any

import numpy as np

from spikegate.models.errors import InputError, ToolMissing
from spikegate.models.hints import extra
from spikegate.models.network.network import Network
from spikegate.translator.voltage_kernels import Chunk, Constants, Wires

__all__ = ["DEVICES", "TorchKernel"]

#: ``auto`` is a GPU if there is one.
DEVICES = ("auto", "cpu", "cuda")


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ToolMissing(f"PyTorch cannot be imported ({error}); install it with: {extra('variants')}") from None
    return torch


class TorchKernel:
    """A kernel for `spikegate.translator.voltage.run`, with the network's connectivity on a device.

    Parameters
    ----------
    network : Network
    device : str
        One of `DEVICES`.

    Attributes
    ----------
    name : str
        The device in use, with the name of a GPU.

    Raises
    ------
    InputError
        For another device, and for a GPU that is not there.
    ToolMissing
        Without PyTorch.
    """

    def __init__(self, network: Network, device: str = "auto") -> None:
        if device not in DEVICES:
            raise InputError(f"Device must be one of {', '.join(DEVICES)}, not {device!r}")
        self.torch = torch = _torch()
        there = torch.cuda.is_available()
        if device == "cuda" and not there:
            raise InputError("Device cuda was asked for and PyTorch finds no GPU; use cpu, or auto")
        self.device = torch.device("cuda" if there and device != "cpu" else "cpu")
        self.name = f"cuda ({torch.cuda.get_device_name()})" if self.device.type == "cuda" else "cpu"
        sources = np.repeat(np.arange(network.n), np.diff(network.indptr.astype(np.int64)))
        order = np.argsort(network.indices, kind="stable")
        rows = np.concatenate([[0], np.cumsum(np.bincount(network.indices, minlength=network.n))])
        columns = torch.from_numpy(sources[order])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
            self.incoming = torch.sparse_csr_tensor(torch.from_numpy(rows), columns, torch.ones(len(columns), dtype=torch.float64),
                                                    (network.n, network.n), check_invariants=True, device=self.device)
        self.kinds = torch.zeros((network.n, 2), dtype=torch.float64, device=self.device)
        self.kinds[:network.n_exc, 0] = self.kinds[network.n_exc:, 1] = 1.0

    def __call__(self, c: Constants, chunk: Chunk, v: np.ndarray, left: np.ndarray, wires: Wires) -> int:
        """As every kernel; of the wires only ``ring`` and ``counts`` are used."""
        threads = self.torch.get_num_threads()
        self.torch.set_num_threads(1)  # a thousand numbers are too few to share
        try:
            return self._advance(c, chunk, v, left, wires)
        finally:
            self.torch.set_num_threads(threads)

    def _advance(self, c: Constants, chunk: Chunk, v: np.ndarray, left: np.ndarray, wires: Wires) -> int:
        first, external, noise, spikes, trace = chunk
        ring, counts = wires.ring, wires.counts
        torch, steps, n, delay = self.torch, len(external), len(v), len(counts)
        before = np.zeros((delay, n), bool)
        for slot, count in enumerate(counts):
            before[slot, ring[slot, :count]] = True
        fired, events, xi, at, held = (torch.from_numpy(np.ascontiguousarray(array)).to(self.device, copy=True)
                                       for array in (before, external.astype(np.float64), noise, v, left.astype(np.int64)))
        spiked_at = torch.zeros((steps, n), dtype=torch.bool, device=self.device)
        traced = torch.empty((steps if len(trace) else 0, n), dtype=torch.float64, device=self.device)

        def kicks(t: int, s: int) -> Any:
            due = self.incoming @ (self.kinds * fired[(t - c.lag) % delay, :, None])
            return c.exc * (due[:, 0] + events[s]) - c.inh * due[:, 1]

        for s in range(steps):
            t = first + s
            if not c.late:
                at = torch.where(held > 0, at, at + kicks(t, s))
            held = torch.clamp(held - 1, min=0)
            free = held == 0
            leaked = c.rest + (at - c.rest) * c.decay if c.exact else at + c.leak * (c.rest - at)
            if c.noise:
                leaked = leaked + c.noise * xi[s]
            at = torch.where(free, leaked, at)
            spiked = free & (at > c.threshold)
            at, held = torch.where(spiked, c.reset, at), torch.where(spiked, c.refractory, held)
            fired[t % delay] = spiked_at[s] = spiked
            if c.late:
                at = torch.where(free & ~spiked, at + kicks(t, s), at)
            if len(trace):
                traced[s] = at
        found = torch.nonzero(spiked_at).cpu().numpy()
        spikes[:len(found), 0], spikes[:len(found), 1] = found[:, 0] + first, found[:, 1]
        v[:], left[:], trace[:] = at.cpu().numpy(), held.cpu().numpy(), traced.cpu().numpy()
        for slot, mask in enumerate(fired.cpu().numpy()):
            emitted = np.flatnonzero(mask)
            ring[slot, :len(emitted)], counts[slot] = emitted, len(emitted)
        return len(found)
