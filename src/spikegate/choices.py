"""Which engines `spikegate sim` holds against each other, for the kind of network that it is given."""

import argparse
from typing import TYPE_CHECKING, Any

from spikegate.models.errors import InputError

if TYPE_CHECKING:
    from spikegate.models.network.base import FrozenNetwork
    from spikegate.models.network.engine import Engine, Hardware
    from spikegate.models.network.network import Network

__all__ = ["LANES", "POINT_LANES", "HARDWARE", "RTL", "engines_for"]

#: Neurons that the RTL updates side by side, or N if less.
LANES, POINT_LANES = 40, 8
#: What the hardware may be: its RTL in Verilator or under cocotb, or the netlist that Yosys makes of it for a family.
RTL, COCOTB, NETLIST = "rtl", "cocotb", "netlist-"
HARDWARE = (RTL, COCOTB, f"{NETLIST}ice40", f"{NETLIST}ecp5")
MOST_STALL = 0.9
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

    _require_hardware(args)
    netlist = (args.engine or RTL).startswith(NETLIST)  # a lane more takes minutes more to synthesise
    most = point_lanes(network, 1 if netlist else POINT_LANES) if not isinstance(network, Network) else 1 if netlist else LANES
    if args.rows and isinstance(network, Network):
        raise InputError(f"--rows {args.rows} is for networks of point neurons, and this has one weight a source; leave it out")
    lanes = args.lanes if args.lanes is not None else 0 if args.port else min(most, network.n)
    if not args.port and not 1 <= lanes <= network.n:
        raise InputError(f"--lanes must be in 1..{network.n} (N of this network), not {lanes}; give a number of lanes in that range")
    return _plain(network, lanes, args) if isinstance(network, Network) else _point(network, lanes, args)


def _require_hardware(args: argparse.Namespace) -> None:
    """`InputError` if the options about what the hardware is do not suit each other."""
    if args.engine is not None:
        if args.engine not in HARDWARE:
            raise InputError(f"--engine must be one of {', '.join(HARDWARE)}, not {args.engine!r}")
        for option in ("port", "through_host_link"):
            if getattr(args, option):
                raise InputError(f"--engine {args.engine} and --{option.replace('_', '-')} both say what the hardware is; give one of them")
    if args.stall and args.engine != COCOTB:
        raise InputError(f"--stall {args.stall:g} is for streams under cocotb; give --engine {COCOTB} with it")
    if not 0 <= args.stall <= MOST_STALL:
        raise InputError(f"--stall must be in 0..{MOST_STALL}, not {args.stall:g}")


def _plain(network: "Network", lanes: int, args: argparse.Namespace) -> "tuple[list[Engine[Any]], dict[str, Any]]":
    from spikegate.cosim.engines.hardware import Cocotb, Netlist, Rtl
    from spikegate.models.core.golden import Golden
    from spikegate.models.streams.params import StreamFaults
    from spikegate.translator.brian_engines import Brian2Float, Brian2Integer, Brian2Ordered, Brian2Realised

    seed = 1 if args.fault_seed is None else args.fault_seed
    faults = None if args.faults is None else StreamFaults.stuck_at_random(network.require_streams(), args.faults, seed)
    rtl, said = Rtl(lanes, faults=faults), {"sabotage": args.sabotage, "faults": None}
    hardware: Hardware[Network] = rtl
    if args.engine == COCOTB:
        hardware = Cocotb(lanes, faults=faults, stall=args.stall)
    elif (args.engine or RTL).startswith(NETLIST):
        hardware = Netlist(lanes, faults=faults, family=args.engine.removeprefix(NETLIST))
    if args.port or args.through_host_link:
        from spikegate.linked import Linked
        hardware = Linked(lanes, args.port, **({"baud": args.baud} if args.baud else {}), faults=faults)
    if faults is not None:
        said["faults"] = {"rate": args.faults, "seed": seed, "stuck": rtl.stuck}
    return [hardware, Golden(faults, args.sabotage), Brian2Integer(), Brian2Float(), Brian2Realised(), Brian2Ordered()], said


def _point(network: "FrozenNetwork", lanes: int, args: argparse.Namespace) -> "tuple[list[Engine[Any]], dict[str, Any]]":
    from spikegate.cosim.engines.point_hardware import PointCocotb, PointNetlist
    from spikegate.cosim.engines.point_rtl import PointRtl
    from spikegate.models.core.point_choice import row_source
    from spikegate.models.core.point_golden import PointGolden
    from spikegate.translator.point_brian import PointBrianInteger, PointBrianOrdered

    given = [(f"--{name.replace('_', '-')}", what) for name, what in OTHERS.items() if getattr(args, name)]
    if given:
        raise InputError("\n".join(f"{option} is for {what}, and this is a network of point neurons; leave it out" for option, what in given))
    rows = row_source(network, lanes, args.rows)
    hardware: Hardware[Any] = PointRtl(lanes, rows=rows)
    if args.engine == COCOTB:
        hardware = PointCocotb(lanes, rows=rows, stall=args.stall)
    elif (args.engine or RTL).startswith(NETLIST):
        hardware = PointNetlist(lanes, rows=rows, family=args.engine.removeprefix(NETLIST))
    if args.port or args.through_host_link:
        from spikegate.point_linked import PointLinked
        hardware = PointLinked(lanes, args.port, args.baud, rows)
    return [hardware, PointGolden(args.sabotage), PointBrianInteger(), PointBrianOrdered()], {"sabotage": args.sabotage, "faults": None}
