"""Claims about every leaf, each written from its documentation."""

from collections.abc import Callable

from verification.contracts.catalogue import LEAVES
from verification.formal import arithmetic, counts, encoders, frames, lines, sources, tables
from verification.formal.bench import Bench, Claim

__all__ = ["PROPERTIES", "Bench", "Claim", "bench"]

#: Leaf -> what makes its claims.
PROPERTIES: dict[str, Callable[[Bench], None]] = {
    "requantise": arithmetic.requantise, "lif": arithmetic.lif, "lfsr": sources.lfsr, "sobol": sources.sobol,
    "encoder": encoders.encoder, "window_encoder": encoders.window_encoder, "synapse": encoders.synapse,
    "uart_receiver": lines.uart_receiver, "uart_transmitter": lines.uart_transmitter,
    "drive": tables.drive, "rows": tables.rows, "spikes": tables.spikes,
    "frame_receiver": frames.frame_receiver,
    "dot_product": counts.dot_product, "correlation": counts.correlation,
}


def bench(name: str) -> Bench:
    """The bench of a leaf with all its claims."""
    made = Bench(name, LEAVES[name]())
    PROPERTIES[name](made)
    return made
