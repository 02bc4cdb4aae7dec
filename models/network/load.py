"""A frozen network of either kind, from its file."""

from functools import partial
from pathlib import Path

from spikegate.models.network import container, file, point_file
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork

__all__ = ["load"]


def load(path: str | Path) -> Network | PointNetwork:
    """The network of a file of version 1 or 2.

    Raises
    ------
    InputError
        If the file is absent, foreign, of another version, truncated, damaged or inconsistent, or says the same in another form.
    """
    network: Network | PointNetwork = container.read(path, {file.VERSION: partial(file.parse, kind=Network), point_file.VERSION: point_file.parse})
    return network
