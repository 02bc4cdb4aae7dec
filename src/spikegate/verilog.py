"""`spikegate verilog`: a component as Verilog for other people's designs."""

import argparse
import difflib
import warnings
from collections.abc import Iterable
from pathlib import Path

from spikegate import networks
from spikegate.models.errors import InputError

__all__ = ["add_options", "verilog"]

#: Options of a network, by their names in the arguments; all are None or empty unless given.
OF_NETWORK = {"network": "--network", "preset": "--preset", "format": "--format", "leak_fraction": "--leak-fraction", "rounding": "--rounding",
              "overflow": "--overflow", "variant": "--variant", "length": "--length", "ms": "--ms", "seed": "--seed", "changes": "--set"}


def _modules() -> Iterable[str]:
    from spikegate.cosim.ip.catalogue import LEAVES, WITH_NETWORK
    return [*LEAVES, *WITH_NETWORK]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The component, its parameters, the network of a core, and where all goes."""
    parser.add_argument("module", metavar="MODULE", help=networks.Names("{}", _modules))
    parser.add_argument("--parameters", nargs="+", action="extend", default=[], metavar="NAME=VALUE",
                        help="of the component, such as format=q4.12, or lanes=4 of a core; an unknown name is answered with those that there are")
    parser.add_argument("--out", metavar="DIR", help="a new or an empty folder (default build/verilog/MODULE)")
    parser.add_argument("--fit", action="store_true", help="synthesise, place and route it for iCE40 and ECP5, and put size and frequency into the "
                        "datasheet")
    parser.add_argument("--network", metavar="FILE", help="of a core: the frozen network that it is made for; the other options make one instead")
    networks.add_options(parser)


def verilog(args: argparse.Namespace) -> int:
    """Write the folder."""
    from spikegate import doctor

    doctor.require("verilog")
    if args.fit:
        doctor.require("bitstream")
    from amaranth.hdl import UnusedElaboratable

    from spikegate.cosim.ip import catalogue
    from spikegate.cosim.ip.package import usable, write
    from spikegate.simulate import say

    warnings.simplefilter("ignore", UnusedElaboratable)  # of components whose ports alone are looked at
    name, names = args.module, list(_modules())
    if name not in names:
        near = difflib.get_close_matches(name.lower(), names, 1, 0.5)
        raise InputError(f"Module must be one of {', '.join(names)}, not {name!r}; " + (f"did you mean {near[0]}?" if near else "choose one of them"))
    out = Path(args.out or Path("build") / "verilog" / name)
    usable(out)
    if name in catalogue.WITH_NETWORK:
        files = catalogue.with_network(name, networks.given(args), args.parameters, fit=args.fit)
    else:
        given = [option for key, option in OF_NETWORK.items() if getattr(args, key)]
        if given:
            raise InputError(f"{', '.join(given)} must be left out for {name}, as a network is for {', '.join(catalogue.WITH_NETWORK)} alone; "
                             "give --parameters NAME=VALUE")
        files = catalogue.leaf(name, args.parameters, fit=args.fit)
    write(files, out)
    say(f"{name}: {len(files)} files in {out}; start with {out / 'datasheet.md'}")
    return 0
