"""The folder of a host link that is given away."""

from collections.abc import Mapping
from typing import Any

from spikegate.cosim.ip import core_map, datasheet, link_bench, timing
from spikegate.cosim.ip.bench import hexadecimal
from spikegate.cosim.ip.link import HOST_LINK, Linked
from spikegate.cosim.ip.package import description, fitted, headed, lint_file
from spikegate.cosim.ip.ports import ports, summary
from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.models.link.frames import Answer, Request, encode
from spikegate.models.link.payloads import Identity

__all__ = ["link_files"]

TITLE = "Link between a computer and a core, over a UART"
SHOWN = 14


def _wave(link: Linked) -> timing.Wave:
    """The request IDENTIFY, and the begin of its answer."""
    bits = [1] * link.divisor
    for byte in encode(link.conversation[0][1]):
        bits += [level for level in (0, *(byte >> k & 1 for k in range(8)), 1) for _ in range(link.divisor)]
    component = link.make()
    places = ports(component)
    idle = {port.name: 0 for port in places if port.input}
    return timing.simulated(component, places, [idle | {"rx": level, "o__ready": 1} for level in [*bits, *[1] * 8 * link.divisor]])


def _protocol(link: Linked) -> str:
    requests = datasheet.columns(("TYPE", "request"), [(f"`{kind:02X}`", kind.name) for kind in Request])
    said = core_map.meanings(Answer)
    answers = datasheet.columns(("TYPE", "answer", "meaning"), [(f"`{kind:02X}`", kind.name, said.get(kind.name, "")) for kind in Answer])
    identity = Identity.of(link.core.geometry)
    fields = datasheet.columns(("field", "bytes", "here"), [(name, Identity.SIZES.get(name, Identity.SIZE), getattr(identity, name))
                                                           for name in Identity.names()])
    return ("## Frames\n\nUART, 8 data bits, no parity, one stop bit. A frame is `7E`, then LENGTH of the payload, TYPE, SEQUENCE, PAYLOAD and "
            "CRC-16/X-25 (low byte first), and `7E`; within it, `7E` and `7D` are sent as `7D 5E` and `7D 5D`. `line.hex` holds a whole "
            "conversation: identity, loading of a network, a run. Every byte of the link is described in spikegate's page of the "
            "host link, `docs/host_link.md`.\n\n"
            f"{requests}\n\n{answers}\n\nPayload of IDENTITY, highest byte first:\n\n{fields}")


def link_files(link: Linked, values: Mapping[str, Any], *, fit: bool = False) -> dict[str, str]:
    """Everything of a host link with the core behind it."""
    name, core = "host_link", link.core
    made = link.make()
    made._MustUse__used = True
    places = ports(made)
    wave = timing.busiest(_wave(link), SHOWN)
    rtl = [f"{name}.v", f"{core.name}.v"]
    words = ("From a simulation of this component, which receives the request IDENTIFY and answers. A column is what stands on the ports before a "
             "rising edge; `.` is a value that stays.")
    sheet = [f"# {name}: {TITLE}", summary(type(made)), datasheet.parameter_section(HOST_LINK, values), datasheet.port_section(places),
             datasheet.stream_section(places), _protocol(link), *core_map.sections(core), datasheet.timing_section(timing.letters(wave), words),
             datasheet.fits(fitted(link.make) if fit else {}), datasheet.running(name, rtl),
             "## Files of the bench\n\n`line.hex`: bytes on the line in their order, one a line; those of the board have bit 8 set."]
    sources = {f"{name}.v": headed(name, TITLE, values, to_verilog(link.make(), name)),
               f"{core.name}.v": headed(core.name, core.title, values, to_verilog(core.make(), core.name))}
    return {**sources, f"{name}.vlt": lint_file(), f"{name}.core": description(name, TITLE, rtl, ["line.hex"]),
            "datasheet.md": "\n\n".join(filter(None, sheet)) + "\n", "timing.svg": timing.svg(wave, f"{name}, simulated"),
            f"{name}_example.v": link_bench.example(link), f"{name}_tb.v": link_bench.bench(link), "line.hex": hexadecimal(link.line, 9)}
