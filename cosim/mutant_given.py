"""What proofs about the mutants of a module are told, in Verilog over its own signals as `spikegate.cosim.mutants` names them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from spikegate.cosim.mutants import Mutants
from spikegate.cosim.mutated import Guard
from spikegate.models.errors import SpikegateError

__all__ = ["BITS", "WHERE", "Hints", "memories", "sizes", "with_hints"]

#: Bits of each hint, and what the name of an address begins with that stays as it is.
BITS, WHERE = 64, "where_"


@dataclass(frozen=True)
class Hints:
    """Only ``care`` says what is proved; the others decide whether it is.

    Parameters
    ----------
    lemma : str
        Holds in all states that the module reaches: proved by induction, then taken for granted.
    when : tuple of str
        Conditions, each of one bit, while which registers may be as in the module.
    other : str
        Bits that they may be instead.
    few : str
        Registers of few bits in all, of which pairs of values may be ruled out.
    assume : str
        As in `Guard`.
    count, going : str
        An output, of which each cycle is compared, and the condition while which it counts up by 1, again and again as often as one likes.
    memories : tuple of str
        Those of which one word is followed, that at any address: ``where_0`` of the first one, an input that stays as it is. In `when` it
        says which words are as in the module; of the others nothing is said.
    ghost : str
        Declarations of what else is followed.
    care : dict
        Output -> a condition in place of the guard's, while which it matters.
    """

    lemma: str = "1"
    when: tuple[str, ...] = ()
    other: str = "1'd0"
    few: str = "1'd0"
    assume: str = "1"
    count: str = ""
    going: str = "1'd0"
    memories: tuple[str, ...] = ()
    ghost: str = ""
    care: Mapping[str, str] = field(default_factory=dict)


def memories(text: str) -> list[str]:
    """Names of the memories of a module in Verilog, in the order in which `spikegate.cosim.mutant_cut` numbers them."""
    return re.findall(r"^ *reg (?:\[\d+:0\] )?(\S+) +\[\d+:\d+\];", text, re.MULTILINE)


def sizes(text: str) -> list[int]:
    """How many words they have, in the same order."""
    return [int(last) + 1 for last in re.findall(r"^ *reg (?:\[\d+:0\] )?\S+ +\[(\d+):0\];", text, re.MULTILINE)]


def _followed(text: str, name: str, number: int) -> tuple[str, str]:
    """Verilog of one word of a memory, and of the input that is its address."""
    size = re.search(rf"reg \[(\d+):0\] {re.escape(name)} +\[(\d+):0\];", text)
    write = re.search(rf"if \((.+)\)\n +{re.escape(name)} +\[(.+)\] <= (.+);", text)
    if not size or not write:
        raise SpikegateError(f"There is no memory {name} with one write port to be followed")
    enable, address, value = write.groups()
    return f"""  output [{BITS - 1}:0] hint_word_{number};
  reg [{size[1]}:0] word_{number} = 0;
  always @(posedge clk) if (({enable}) && (({address}) == {WHERE}{number})) word_{number} <= {value};
  assign hint_word_{number} = word_{number};
""", f"  input [{int(size[2]).bit_length() - 1}:0] {WHERE}{number};\n"


def with_hints(made: Mutants, top: str, guard: Guard, hints: Hints) -> tuple[Mutants, Guard]:
    """The hints, and the guard's lemma, as outputs, which the mutants may have otherwise."""
    when = ", ".join(reversed(("1'd1", *hints.when)))
    values = {"hint_when": f"{{{when}}}", "hint_other": hints.other, "hint_few": hints.few, "hint_going": hints.going,
              **{f"hint_care_{name}": f"{{{BITS - 1}'d0, {value}}}" for name, value in hints.care.items()}}
    followed = [_followed(made.text, name, number) for number, name in enumerate(hints.memories)]
    lines = [*(declared for _, declared in followed), *(word for word, _ in followed), hints.ghost]
    lines += [f"  output [{BITS - 1}:0] {name};\n  assign {name} = {value};\n" for name, value in values.items()]
    lines.append(f"  output lemma;\n  assign lemma = ({guard.lemma or '1'}) & ({hints.lemma});\n")
    begin = re.search(rf"^module {top}\(", made.text, re.MULTILINE)
    if not begin:
        raise SpikegateError(f"There is no module {top} for its hints")
    end = made.text.index("endmodule", begin.end())
    outputs = ["lemma", *values, *(f"hint_word_{number}" for number in range(len(followed)))]
    ports = ", ".join([*outputs, *(f"{WHERE}{number}" for number in range(len(followed)))])
    text = f"{made.text[:begin.end()]}{ports}, {made.text[begin.end():end]}{''.join(lines)}{made.text[end:]}"
    care = {**guard.care, **dict.fromkeys(outputs, ("never",)), **{name: (f"hint_care_{name}",) for name in hints.care}}
    return replace(made, text=text), replace(guard, care=care, lemma="lemma", state=f"{guard.state} wire gold_never = 0;",
                                             assume=f"({guard.assume}) & ({hints.assume})")
