"""The datasheet of a component, in Markdown, from the same objects as its hardware."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spikegate.cosim.ip.parameters import Parameter, shown
from spikegate.cosim.ip.ports import Port

__all__ = ["bits", "columns", "fits", "parameter_section", "port_section", "running", "stream_section", "timing_section"]

#: Fields of a record that are listed here; what has more, the sections below describe.
MOST = 24
FAMILIES = {"ice40": "iCE40 (HX8K)", "ecp5": "ECP5 (LFE5U-85F, speed 6)"}


def columns(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines)


def bits(offset: int, width: int) -> str:
    """A range of bits as Verilog has it."""
    return f"[{offset + width - 1}:{offset}]" if width > 1 else f"[{offset}]"


def parameter_section(parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> str:
    """What was compiled in."""
    if not parameters:
        return "## Parameters\n\nNone."
    rows = [(f"`{name}`", shown(values[name]), each.meaning) for name, each in parameters.items()]
    return "## Parameters\n\nOf this copy; each is given as `--parameters NAME=VALUE`.\n\n" + columns(("name", "value", "meaning"), rows)


def _kind(signed: bool) -> str:
    return "signed" if signed else "unsigned"


def port_section(ports: Sequence[Port]) -> str:
    """All ports with their bits, and the fields of those that are records."""
    rows: list[Sequence[object]] = [("`clk`", "in", 1, "", "rising edge"), ("`rst`", "in", 1, "", "synchronous, 1 resets all registers; each has its "
                                                                           "reset value at power-up too, so that it may be tied to 0")]
    for port in ports:
        one = len(port.fields) == 1 and port.fields[0].name == port.name
        rows.append((f"`{port.name}`", "in" if port.input else "out", port.width, _kind(port.signed) if one and port.width > 1 else "", port.meaning))
    text = "## Ports\n\nSigned numbers are in two's complement.\n\n" + columns(("port", "direction", "bits", "number", "meaning"), rows)
    records = [port for port in ports if 1 < len(port.fields) <= MOST]
    if records:
        text += "\n\nPorts that are records, with the bits of each field:\n\n" + columns(
            ("port", "bits", "field", "number"), [
                (f"`{port.name}`", bits(field.offset, field.width), f"`{field.name}`", _kind(field.signed))
                for port in records for field in port.fields])
    return text


def stream_section(ports: Sequence[Port]) -> str:
    """The rule of streams, where there are some."""
    names = [port.name.removesuffix("__valid") for port in ports if port.name.endswith("__valid")]
    if not names:
        return ""
    return ("## Streams\n\n" + f"{' and '.join(f'`{name}`' for name in names)}: a payload passes at each rising edge at which `valid` and `ready` "
            "are both 1. Who has made `valid` 1 holds it and the payload until then. `valid` never waits for `ready`.")


def fits(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Sizes and frequencies of a build; how to get them if there was none."""
    if not found:
        return "## Size and frequency\n\nNot built; `--fit` synthesises, places and routes the component for both families and puts the figures here."
    rows = [(FAMILIES[family], each["luts"], each["carries"], each["flip_flops"], each["multipliers"] if family == "ecp5" else "–", each["memories"],
             f"{max(each['fmax_mhz']):g}") for family, each in found.items()]
    return ("## Size and frequency\n\nCells of the bare component as Yosys makes it, and the frequency that nextpnr reaches, once, between registers "
            "at all ports.\n\n" + columns(("family", "look-up tables", "carry cells", "flip-flops", "multipliers", "block RAMs", "MHz"), rows))


def timing_section(table: str, words: str) -> str:
    """The diagram, as a picture and in letters."""
    return f"## Timing\n\n{words}\n\n![Timing diagram](timing.svg)\n\n```text\n{table}\n```"


def running(name: str, rtl: Sequence[str]) -> str:
    """How the example is run."""
    files = f"{name}_tb.v {name}_example.v {' '.join(rtl)}"
    return f"""## Example and test bench

`{name}_example.v` instantiates the component, and `{name}_tb.v` checks the example against what the golden model says. It ends with `PASS` and
exit code 0, or with `FAIL` and another exit code. In this folder:

    verilator --binary --timing --output-split 0 -CFLAGS -std=gnu++20 --top-module {name}_tb {name}.vlt {files}
    obj_dir/V{name}_tb

    iverilog -g2005 -o {name}_tb {files}
    vvp {name}_tb

    verilator --lint-only -Wall --top-module {name} {name}.vlt {' '.join(rtl)}

`{name}.vlt` lists what Verilator's `-Wall` says of generated Verilog that is no fault, each with its reason. `{name}.core` describes the folder
to FuseSoC, with the targets `sim`, `sim_icarus` and `lint`."""
