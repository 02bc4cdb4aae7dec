"""A module as a transition relation over bit vectors, from Yosys, unrolled and given to z3."""

import importlib.util
from pathlib import Path

from spikegate.cosim.toolchain.synthesis import yosys
from spikegate.models.errors import SpikegateError
from spikegate.models.hints import lacking

__all__ = ["READ", "Relation", "read", "relation"]

#: A product of unsigned numbers as the sum of what is shifted by the ones of the second, row by row, in which z3 finds a claim's sum again.
ROWS = """(* techmap_celltype = "$mul" *)
module rows(A, B, Y);
  parameter A_SIGNED = 0, B_SIGNED = 0, A_WIDTH = 1, B_WIDTH = 1, Y_WIDTH = 1;
  input [A_WIDTH-1:0] A;
  input [B_WIDTH-1:0] B;
  output [Y_WIDTH-1:0] Y;
  wire [Y_WIDTH*(B_WIDTH+1)-1:0] sum;
  wire _TECHMAP_FAIL_ = A_SIGNED || B_SIGNED;
  wire [Y_WIDTH-1:0] a = A;
  assign sum[Y_WIDTH-1:0] = 0, Y = sum[Y_WIDTH*B_WIDTH +: Y_WIDTH];
  genvar i;
  generate for (i = 0; i < B_WIDTH; i = i + 1) begin
    assign sum[Y_WIDTH*(i+1) +: Y_WIDTH] = sum[Y_WIDTH*i +: Y_WIDTH] + (B[i] ? a << i : {Y_WIDTH{1'b0}});
  end endgenerate
endmodule
"""
#: Read a leaf and its bench, flat, without memories.
READ = """
    read_verilog {leaf}.v
    read_rtlil bench.il
    hierarchy -check -top bench
    proc
    flatten
    opt_clean
    memory_collect
    {memory}
    techmap -map products.v
    opt_clean
"""


class Relation:
    """A module's steps, and questions about them.

    Parameters
    ----------
    text : str
        SMT-LIB as Yosys's ``write_smt2 -stbv`` writes it, of the module ``bench``.
    seconds : int
        For each question.
    """

    def __init__(self, text: str, seconds: int = 120):
        self.text, self.seconds = text, seconds

    def unrolled(self, steps: int, *, initial: bool) -> str:
        """``s0`` to ``s<steps - 1>``, each following the one before, the first one initial if so wished."""
        lines = [self.text]
        width = self.text.split("(define-sort |bench_s| () ", 1)[1].split("\n", 1)[0].removesuffix(")")
        lines += [f"(declare-const s{t} {width})\n(assert (|bench_u| s{t}))" for t in range(steps)]
        lines += [f"(assert (|bench_t| s{t - 1} s{t}))" for t in range(1, steps)]
        return "\n".join([*lines, "(assert (|bench_i| s0))" * initial])

    def ask(self, steps: int, wanted: str, watched: dict[str, str], *, initial: bool) -> dict[str, int] | None:
        """Whether steps exist in which ``wanted`` holds: the values of the ``watched`` terms in an example, or None.

        Raises
        ------
        SpikegateError
            If z3 does not know in time.
        """
        if importlib.util.find_spec("z3") is None:
            raise lacking("z3", "dev")
        import z3

        shown = "\n".join(f"(declare-const |{name}| Bool)\n(assert (= |{name}| {term}))" for name, term in watched.items())
        question = f"{self.unrolled(steps, initial=initial)}\n{shown}\n(assert {wanted})\n"
        # The second leaves sums as they are written, so that equal ones are found equal.
        written = z3.With("simplify", flat=False)
        for solver in (z3.SolverFor("QF_BV"), z3.Then(written, "propagate-values", "bit-blast", written, "sat").solver()):
            solver.set("timeout", self.seconds * 1000)
            solver.from_string(question)
            answer = solver.check()
            if answer != z3.unknown:
                break
        else:
            raise SpikegateError(f"z3 does not know in {self.seconds} s: {solver.reason_unknown()}")
        if answer == z3.unsat:
            return None
        model = solver.model()
        return {name: int(z3.is_true(model.eval(z3.Bool(name), model_completion=True))) for name in watched}


def read(leaf: str, verilog: str, bench: str, folder: Path) -> None:
    """What `READ` reads."""
    for name, text in ((f"{leaf}.v", verilog), ("bench.il", bench), ("products.v", ROWS)):
        (folder / name).write_text(text)


def relation(leaf: str, verilog: str, bench: str, folder: Path, *, forget: bool, seconds: int = 120) -> Relation:
    """Of a bench, its RTLIL, around a leaf, its Verilog; with ``forget``, memories return anything.

    A net without a driver, too, has any value in any cycle, and a register without an initial value any in the first.
    """
    read(leaf, verilog, bench, folder)
    yosys(READ.format(leaf=leaf, memory="delete t:$mem_v2" if forget else "memory_map") + """
        setundef -anyseq -undriven
        opt -full -fine
        async2sync
        dffunmap
        opt_clean
        write_smt2 -stbv -wires bench.smt2
        """, folder)
    return Relation((folder / "bench.smt2").read_text(), seconds)
