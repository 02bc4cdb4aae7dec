"""What makes the row source of a core of point neurons, for each kind as models/core describes it, and which ports it has to the outside."""

from collections.abc import Callable
from typing import Any, NamedTuple

from amaranth.lib import wiring

from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.core.rows_csr import CsrRows
from spikegate.gateware.core.rows_external import ExternalRows, outside_members
from spikegate.gateware.core.rows_generated import GeneratedRows
from spikegate.models.core.rows_csr import Csr
from spikegate.models.core.rows_external import External
from spikegate.models.core.rows_generated import Generator

__all__ = ["PointRowParts", "ROWS"]


class PointRowParts(NamedTuple):
    """Of a row source.

    Parameters
    ----------
    make : callable
        With the ports of `spikegate.gateware.core.rows_csr.row_members`, and those to the outside.
    outside : callable
        Its ports that become ports of the core.
    """

    make: Callable[[PointGeometry], wiring.Component]
    outside: Callable[[PointGeometry], dict[str, Any]] = lambda geometry: {}


ROWS = {Csr: PointRowParts(CsrRows), Generator: PointRowParts(GeneratedRows), External: PointRowParts(ExternalRows, outside_members)}
