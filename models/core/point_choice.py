"""Which row source and how many lanes a network of point neurons asks for, where nobody says."""

from typing import Any

from spikegate.models.core.point_rows import PointRows
from spikegate.models.core.rows_csr import CSR
from spikegate.models.core.rows_external import External
from spikegate.models.core.rows_generated import Generator
from spikegate.models.errors import InputError
from spikegate.models.network.generated import Generated

__all__ = ["ROW_SOURCES", "point_lanes", "row_source"]

#: By name.
ROW_SOURCES: dict[str, PointRows] = {each.name: each for each in (CSR, Generator(), External())}


def _generated_for(network: Any) -> int | None:
    """The lanes for which all projections are generated, if they are, and for the same."""
    lanes = {each.lanes if isinstance(each, Generated) else None for each in network.projections}
    return lanes.pop() if len(lanes) == 1 else None


def point_lanes(network: Any, most: int) -> int:
    """Lanes: those that a network's projections are generated for, else ``most``."""
    return _generated_for(network) or most


def row_source(network: Any, lanes: int, name: str | None) -> PointRows:
    """The one of that name, or without one the one that generates, if it can, else the one of lists.

    Raises
    ------
    InputError
        For another name.
    """
    if name is None:
        return ROW_SOURCES["generated" if _generated_for(network) == lanes else "csr"]
    if name not in ROW_SOURCES:
        raise InputError(f"Row source must be one of {', '.join(ROW_SOURCES)}, not {name!r}")
    return ROW_SOURCES[name]
