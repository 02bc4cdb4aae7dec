"""Plain Verilog around a component: an example top that gives each field a port of its own, and a bench that checks it against a table."""

import random
from collections.abc import Mapping
from itertools import islice

from spikegate.cosim.ip.block import Block
from spikegate.cosim.ip.ports import Port, range_of
from spikegate.models.errors import SpikegateError

__all__ = ["bench", "example", "given", "hexadecimal", "table"]


def hexadecimal(values: list[int], width: int) -> str:
    """A file for ``$readmemh``: a number of so many bits a line."""
    digits = -(-width // 4)
    return "".join(f"{value:0{digits}x}\n" for value in values)


def _joined(port: Port) -> str:
    return "{" + ", ".join(field.name for field in reversed(port.fields)) + "}"


def example(block: Block) -> str:
    """A module with an instance of the component, each field of whose ports is a port."""
    places = block.ports()
    declared = ["input clk", "input rst", *(f"{'input' if port.input else 'output'} {'signed ' * field.signed}{range_of(field.width)}{field.name}"
                                            for port in places for field in port.fields)]
    lines = [f"// {block.title}: one instance, with a port for each field of the records in its ports; the first field is the lowest.",
             f"module {block.name}_example(", ",\n".join(f"  {each}" for each in declared), ");"]
    outputs = [port for port in places if not port.input and (len(port.fields) > 1 or port.fields[0].name != port.name)]
    lines += [f"  wire {range_of(port.width)}{port.name};\n  assign {_joined(port)} = {port.name};" for port in outputs]
    joined = {port.name: port.name if port in outputs or not port.input and len(port.fields) == 1 else _joined(port) if len(port.fields) > 1
              else port.fields[0].name for port in places}
    pins = [".clk(clk)", ".rst(rst)", *(f".{port.name}({joined[port.name]})" for port in places)]
    lines += [f"  {block.name} {block.name}_1 (", ",\n".join(f"    {pin}" for pin in pins), "  );", "endmodule", ""]
    return "\n".join(lines)


def given(block: Block, cycles: int, seed: int) -> list[Mapping[str, int]]:
    """The inputs of the first rows."""
    return [row[0] for row in islice(block.rows(random.Random(seed)), cycles)]


def table(block: Block, cycles: int, seed: int) -> tuple[list[int], list[int], int]:
    """Rows as numbers: inputs, the first port lowest; expected outputs, likewise, with a bit for each output port above them that is 1 where its
    value matters; and how many such values there are.

    Raises
    ------
    SpikegateError
        If there are none.
    """
    places = block.ports()
    outputs = [port for port in places if not port.input]
    total = sum(port.width for port in outputs)
    inputs, expected, compared = [], [], 0
    for given, wanted in islice(block.rows(random.Random(seed)), cycles):
        values = {**given, **wanted}
        if set(values) != {port.name for port in places}:
            raise SpikegateError(f"Rows of {block.name} must have the ports {[port.name for port in places]}, not {list(values)}")
        packed = []
        for side in (True, False):
            bits, at = 0, 0
            for port in (port for port in places if port.input == side):
                bits |= (int(values[port.name] or 0) & (1 << port.width) - 1) << at
                at += port.width
            packed.append(bits)
        known = [wanted[port.name] is not None for port in outputs]
        inputs.append(packed[0])
        expected.append(packed[1] | sum(flag << total + k for k, flag in enumerate(known)))
        compared += sum(known)
    if not compared:
        raise SpikegateError(f"The table of {block.name} compares nothing")
    return inputs, expected, compared


def bench(block: Block, cycles: int, compared: int) -> str:
    """A bench that drives a row a cycle and compares each output that the golden model knows, in the cycle of its row."""
    places = block.ports()
    into, out = ([port for port in places if port.input == side] for side in (True, False))
    widths = sum(port.width for port in into), sum(port.width for port in out)
    wires = "".join(f"  wire {'signed ' * field.signed}{range_of(field.width)}{field.name};\n" for port in places for field in port.fields)
    pins = ", ".join([".clk(clk)", ".rst(rst)", *(f".{field.name}({field.name})" for port in places for field in port.fields)])
    taken, at = [], 0
    for port in into:
        taken += [f"  assign {field.name} = stimulus[{at + field.offset} +: {field.width}];" for field in port.fields]
        at += port.width
    checks, at = [], 0
    for number, port in enumerate(out):
        for field in port.fields:
            want = f"wanted[{at + field.offset} +: {field.width}]"
            checks.append(f"""        if (wanted[{widths[1] + number}] !== 1'b0 && {field.name} !== {want}) begin
          differ = differ + 1;
          if (differ <= 10) $display("row %0d: {field.name} is %h, and the golden model has %h", row, {field.name}, {want});
        end""")
        checks.append(f"        if (wanted[{widths[1] + number}] === 1'b1) compared = compared + 1;")
        at += port.width
    text = "\n".join(checks)
    return f"""// Drives {cycles} rows of stimulus.hex, one a cycle, and compares with expected.hex, made by the golden model. Ends with PASS or FAIL.
module {block.name}_tb;
  localparam ROWS = {cycles};
  localparam COMPARED = {compared};
  reg clk = 1'b0;
  reg rst = 1'b0;
  reg [{widths[0] - 1}:0] inputs [0:ROWS-1];
  reg [{widths[1] + len(out) - 1}:0] outputs [0:ROWS-1];
  reg [{widths[0] - 1}:0] stimulus = {widths[0]}'d0;
  reg [{widths[1] + len(out) - 1}:0] wanted;
  integer row;
  integer compared = 0;
  integer differ = 0;
{wires}{chr(10).join(taken)}
  {block.name}_example dut ({pins});

  always #5 clk = ~clk;

  initial begin
    $readmemh("stimulus.hex", inputs);
    $readmemh("expected.hex", outputs);
    #1 rst = 1'b1;
    repeat (2) @(negedge clk);
    rst = 1'b0;
    for (row = 0; row < ROWS; row = row + 1) begin
      stimulus = inputs[row];
      wanted = outputs[row];
      #4;
{text}
      @(negedge clk);
    end
    if (differ != 0 || compared != COMPARED) begin
      $display("FAIL: %0d values differ, %0d of %0d compared", differ, compared, COMPARED);
      $fatal(1);
    end
    $display("PASS: %0d values compared, none differs", compared);
    $finish;
  end
endmodule
"""
