"""Rows in a memory outside of the chip: what lies there, and what is loaded on the chip to find it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from spikegate.models.core.address_map import Load, PointOp
from spikegate.models.core.rows_csr import CSR, pointers
from spikegate.models.network.recording import Recording

if TYPE_CHECKING:
    from spikegate.models.core.point_image import PointImage
    from spikegate.models.core.point_size import PointSize

__all__ = ["External"]


@dataclass(frozen=True)
class External:
    """The words of `spikegate.models.core.rows_csr.Packing`, each asked for by its address; the memory answers in order, whenever it can."""

    name: ClassVar[str] = "external"
    waits: ClassVar[bool] = False
    ops: ClassVar[tuple[PointOp, ...]] = (PointOp.POINTER,)

    def needs(self, image: "PointImage") -> dict[str, int]:
        """As for rows on the chip."""
        return CSR.needs(image)

    def memory_bits(self, size: "PointSize") -> int:
        """None on the chip."""
        return 0

    def loads(self, image: "PointImage", size: "PointSize") -> list[Load]:
        """Where each source's row lies; the rows are given to the memory."""
        return [pointers(image.packing, size)]

    def cycles(self, image: "PointImage", size: "PointSize", recording: Recording) -> int | None:
        """Not known: the memory takes its time."""
        return None
