"""Which engines `spikegate sim` holds against each other, for the kind of network that it is given."""

import argparse
from typing import TYPE_CHECKING, Any

from spikegate.models.errors import InputError

if TYPE_CHECKING:
    from spikegate.models.network.base import FrozenNetwork
    from spikegate.models.network.engine import Engine, Hardware
    from spikegate.models.network.network import Network

__all__ = ["LANES", "POINT_LANES", "engines_for"]

#: Neurons that the RTL updates side by side, or N if less.
LANES, POINT_LANES = 40, 8
#: Options of `spikegate sim` that a core of point neurons does not have, with what they are for.
OTHERS = {"faults": "streams of bits"}


def engines_for(network: "FrozenNetwork", args: argparse.Namespace) -> "tuple[list[Engine[Any]], dict[str, Any]]":
    """The engines, hardware first and golden model second, and what the report's provenance says of them.

    Raises
    ------
    InputError
        If an option does not suit the network.
    """
    from spikegate.models.core.point_choice import point_lanes
    from spikegate.models.network.network import Network

    most = LANES if isinstance(network, Network) else point_lanes(network, POINT_LANES)
    if args.rows and isinstance(network, Network):
        raise InputError(f"--rows {args.rows} is for networks of point neurons, and this has one weight a source; leave it out")
    lanes = args.lanes if args.lanes is not None else 0 if args.port else min(most, network.n)
    if not args.port and not 1 <= lanes <= network.n:
        raise InputError(f"--lanes must be in 1..{network.n} (N of this network), not {lanes}; give a number of lanes in that range")
    return _plain(network, lanes, args) if isinstance(network, Network) else _point(network, lanes, args)


def _plain(network: "Network", lanes: int, args: argparse.Namespace) -> "tuple[list[Engine[Any]], dict[str, Any]]":
    from spikegate.cosim.engines.hardware import Rtl
    from spikegate.models.core.golden import Golden
    from spikegate.models.streams.params import StreamFaults
    from spikegate.translator.brian_engines import Brian2Float, Brian2Integer, Brian2Ordered, Brian2Realised

    faults = None if args.faults is None else StreamFaults.stuck_at_random(network.require_streams(), args.faults, args.fault_seed)
    rtl, said = Rtl(lanes, faults=faults), {"sabotage": args.sabotage, "faults": None}
    hardware: Hardware[Network] = rtl
    if args.port or args.through_host_link:
        from spikegate.linked import Linked
        hardware = Linked(lanes, args.port, **({"baud": args.baud} if args.baud else {}), faults=faults)
    if faults is not None:
        said["faults"] = {"rate": args.faults, "seed": args.fault_seed, "stuck": rtl.stuck}
    return [hardware, Golden(faults, args.sabotage), Brian2Integer(), Brian2Float(), Brian2Realised(), Brian2Ordered()], said


def _point(network: "FrozenNetwork", lanes: int, args: argparse.Namespace) -> "tuple[list[Engine[Any]], dict[str, Any]]":
    from spikegate.cosim.engines.point_rtl import PointRtl
    from spikegate.models.core.point_choice import row_source
    from spikegate.models.core.point_golden import PointGolden
    from spikegate.translator.point_brian import PointBrianInteger, PointBrianOrdered

    given = [(f"--{name.replace('_', '-')}", what) for name, what in OTHERS.items() if getattr(args, name)]
    if given:
        raise InputError("\n".join(f"{option} is for {what}, and this is a network of point neurons; leave it out" for option, what in given))
    hardware: Hardware[Any] = PointRtl(lanes, rows=row_source(network, lanes, args.rows))
    if args.port or args.through_host_link:
        from spikegate.point_linked import PointLinked
        hardware = PointLinked(lanes, args.port, args.baud, row_source(network, lanes, args.rows))
    return [hardware, PointGolden(args.sabotage), PointBrianInteger(), PointBrianOrdered()], {"sabotage": args.sabotage, "faults": None}
