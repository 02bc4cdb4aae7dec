"""What the row sources of a core of point neurons have in common: an object says what one needs, what is loaded into it, and which cycles it takes.

gateware/core/point_parts.py makes the hardware of each.
"""

from typing import TYPE_CHECKING, ClassVar, Protocol

from spikegate.models.core.address_map import Load, PointOp
from spikegate.models.network.recording import Recording

if TYPE_CHECKING:
    from spikegate.models.core.point_image import PointImage
    from spikegate.models.core.point_size import PointSize

__all__ = ["PointRows"]


class PointRows(Protocol):
    """Where a core finds the synapses of a source.

    Members
    -------
    name : str
    waits : bool
        Whether it begins a source's row in delivery alone, so that the cycles of a step do not depend on where in the sweep a neuron fired.
    ops : tuple of PointOp
        What is loaded into it.
    """

    name: ClassVar[str]
    waits: ClassVar[bool]
    ops: ClassVar[tuple[PointOp, ...]]

    def needs(self, image: "PointImage") -> dict[str, int]:
        """Fields of the size that a network needs; `InputError` if it cannot be its row source."""

    def memory_bits(self, size: "PointSize") -> int:
        """Bits of rows on the chip."""

    def loads(self, image: "PointImage", size: "PointSize") -> list[Load]:
        """What is loaded into it."""

    def cycles(self, image: "PointImage", size: "PointSize", recording: Recording) -> int | None:
        """Cycles of a run in which rows are delivered; None if they are not known beforehand."""
