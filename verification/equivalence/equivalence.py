"""Proof that two Verilog modules do the same, unbounded from their initial states: Yosys makes a miter, ABC decides it."""

import re

from spikegate.cosim.toolchain.synthesis import yosys
from spikegate.models.errors import Mismatch, SpikegateError
from spikegate.models.files import working_folder

__all__ = ["VERDICTS", "decide", "prove"]

#: ABC's word for the miter -> what that says of the two modules.
VERDICTS = {"UNSAT": "equal", "SAT": "different", "UNK": "unknown"}
#: Sums as chains of full adders, as both families build them: then most nets of one side have an equal on the other, which ABC merges.
RIPPLE = """(* techmap_celltype = "$alu" *)
module ripple(A, B, CI, BI, X, Y, CO);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  input CI, BI;
  output [Y_WIDTH-1:0] X, Y, CO;
  wire [Y_WIDTH-1:0] a, b;
  generate
    if (A_WIDTH == 0) assign a = 0;
    else \\$pos #(.A_SIGNED(A_SIGNED), .A_WIDTH(A_WIDTH), .Y_WIDTH(Y_WIDTH)) extend_a(.A(A), .Y(a));
    if (B_WIDTH == 0) assign b = 0;
    else \\$pos #(.A_SIGNED(B_SIGNED), .A_WIDTH(B_WIDTH), .Y_WIDTH(Y_WIDTH)) extend_b(.A(B), .Y(b));
  endgenerate
  wire [Y_WIDTH-1:0] c = b ^ {Y_WIDTH{BI}};
  wire [Y_WIDTH:0] carry = {CO, CI};
  assign X = a ^ c, Y = X ^ carry[Y_WIDTH-1:0], CO = (a & c) | ((a | c) & carry[Y_WIDTH-1:0]);
endmodule
"""
#: Registers of every step, for ABC, which wants a clock; there is no optimisation between this and ABC, which would take one that stands still away.
STEPS = "module \\$_FF_ (input D, output Q); \\$_DFF_P_ _TECHMAP_REPLACE_ (.C(1'b1), .D(D), .Q(Q)); endmodule\n"
#: Merge what is equal in every reachable state, then decide what is left.
ABC = "strash\nscorr -C {conflicts}\ndprove -T {seconds}\nwrite_status status.txt\n"


def decide(gold: str, gate: str, top: str, *, seconds: int = 60, clocks: int = 1, conflicts: int = 1000) -> tuple[str, str]:
    """One of `VERDICTS` about two Verilog texts that each have a module ``top`` with the same ports, and ABC's counterexample, if any.

    Nets without a driver may have any value in any cycle. Memories are refused. With more than one of ``clocks``, counting edges, a clock is an
    input like any other, and a step is whatever changes an input. Two nets whose equality takes more ``conflicts`` than that are not merged.

    Raises
    ------
    SpikegateError
        If Yosys cannot read either, or one has memories, loops or nets with several drivers.
    """
    with working_folder() as folder:
        script = ""
        (folder / "ripple.v").write_text(RIPPLE)
        (folder / "steps.v").write_text(STEPS)
        (folder / "abc.txt").write_text(ABC.format(seconds=seconds, conflicts=conflicts))
        for side, text in (("gold", gold), ("gate", gate)):
            (folder / f"{side}.v").write_text(text)
            script += f"""
                read_verilog {side}.v
                hierarchy -check -top {top}
                proc
                flatten
                opt_clean
                {"clk2fflogic" if clocks > 1 else ""}
                select -assert-none t:$mem* t:$tribuf
                setundef -undriven -anyseq
                check -assert
                opt_expr
                wreduce
                opt_clean
                alumacc
                techmap -map ripple.v
                techmap
                opt_clean
                design -stash {side}
                """
        script += "".join(f"design -copy-from {side} -as {side} {top}\n" for side in ("gold", "gate"))
        yosys(script + """
            miter -equiv -flatten gold gate miter
            hierarchy -top miter
            setattr -unset keep w:* c:*
            opt -full
            dffunmap
            techmap
            techmap -map steps.v
            select -assert-none t:$_DFFE* t:$_SDFF* t:$_DFF_N_ t:$_DLATCH* t:$_FF_
            tee -q -o trigger.txt dump w:trigger
            abc -dff -g AND -script abc.txt
            """, folder)
        # ABC is not called when Yosys alone has made the miter a constant.
        constant = re.search(r"connect \\trigger 1'([01])", (folder / "trigger.txt").read_text())
        status = [f"snl_{('UNSAT', 'SAT')[int(constant[1])]}"] if constant else (folder / "status.txt").read_text().split("\n")
    word = re.match(r"snl_(\w+)", status[0])
    if word is None or word[1] not in VERDICTS:
        raise SpikegateError(f"ABC decided nothing about {top}: {status[0]!r}")
    return VERDICTS[word[1]], next((line for line in status[1:] if re.fullmatch("[01]+", line)), "")


def prove(what: str, gold: str, gate: str, top: str, *, seconds: int = 60) -> None:
    """Prove that two modules are equal.

    Parameters
    ----------
    what : str
        Of the two, for messages.
    gold, gate, top
        As in `decide`.
    seconds : int
        For ABC's decision, once equal nets have been merged.

    Raises
    ------
    Mismatch
        If they differ.
    SpikegateError
        If neither was shown in time.
    """
    verdict, example = decide(gold, gate, top, seconds=seconds)
    if verdict == "different":
        raise Mismatch(f"{what}: not equal; ABC has a counterexample of {len(example)} bits from the initial state")
    if verdict == "unknown":
        raise SpikegateError(f"{what}: neither proved equal nor refuted in {seconds} s; allow more seconds")
