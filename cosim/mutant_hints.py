"""Hints for proofs about the mutants of modules that are too large, or too much a matter of timing, to be proved without."""

from spikegate.cosim.mutant_given import Hints

__all__ = ["HINTS"]

#: The sequencer: sweeping, its word, draining and what is left of it, delivering; and what is loaded.
SWEEPING, WORD, DRAINING, COUNTDOWN, DELIVERING = "\\top.$signal ", "\\top.$signal$16 ", "\\top.$signal$8 ", "\\top.countdown ", "\\top.delivering "
TAKEN, LOADING, EMPTYING, LOAD_SEED, LOAD_STATE = (f"\\top.$signal${number} " for number in (21, 48, 92, 53, 58))
LOAD_TABLE = "\\top.load$199 [0]"
#: Words that the sweep has moved on by; more than any while there is none.
PLACE = f"({SWEEPING} ? {{3'd0, {WORD}}} : {DRAINING} ? 5'd14 - {COUNTDOWN} : 5'd15)"
STAGES = range(1, 8)
TOKENS = " & ".join(f"(\\top.token_{k} [0] == (({PLACE} >= {k}) & ({PLACE} <= {k + 2}))) "
                    f"& (~\\top.token_{k} [0] | ({{3'd0, \\top.token_{k} [2:1]}} == {PLACE} - {k}))" for k in STAGES)
PHASES = f"""({SWEEPING} + {DRAINING} + {DELIVERING} <= 2'd1) & ({WORD} <= 2) & ({SWEEPING} | ({WORD} == 0)) & (~{DRAINING} | ({COUNTDOWN} <= 11))
 & ~(({SWEEPING} | {DRAINING} | {DELIVERING}) & ({TAKEN} | {LOADING} | {EMPTYING}))
 & (~{LOAD_SEED} | {LOADING}) & (~{LOAD_STATE} | {LOADING}) & (~{LOAD_TABLE} | {LOADING})"""
#: Spikes on their way: in the list, at its head, due, in hand, with its source, at the output; and the row that is delivered.
NAMES = ("list.inner_level", "r_rdy", "$signal", "$signal$15", "$signal$16", "o__valid")
LEVEL, HEAD, DUE, HAND, SOURCE, OUT = (f"\\top.spikes.{name} " for name in NAMES)
BUSY, BURST = "\\top.busy$193 ", "\\top.word "
#: From so many cycles before the deliveries.
late = f"({DELIVERING} | ({DRAINING} & ({COUNTDOWN} <= {{}})))".format
SPIKES = f"""(~{BUSY} | ({BURST} <= 2)) & (~{BUSY} | {DELIVERING} | ({BURST} == 0))
 & (~{late(3)} | {HEAD} | ({LEVEL} == 0) | {HAND}) & (~{late(2)} | ~{DUE} | {HAND} | {SOURCE})
 & (~{late(1)} | ~({HAND} | {DUE}) | {SOURCE} | {OUT} | {BUSY}) & (~{late(0)} | ~({SOURCE} | {HAND} | {DUE}) | {OUT} | {BUSY})
 & (~{DELIVERING} | ~({OUT} | {SOURCE} | {HAND} | {DUE}) | {BUSY}) & (~{DELIVERING} | ~{SOURCE} | {OUT} | ({BURST} <= 1))
 & (~{DELIVERING} | ~{HAND} | {SOURCE} | {OUT} | ({BURST} == 0))
 & (\\top.spikes.list.w_port__addr <= 8) & (\\top.spikes.list.r_port__addr <= 8)"""
#: Leak and rest * leak as `LifParams` has them.
legal = lambda word: (f"(({word}[119:112] != 6) | (({word}[95:64] != 0) | ({word}[8:0] <= 256)) "  # noqa: E731
                      f"& (({word}[95:64] != 3) | ({word}[24:0] <= 16776960)))")
LOAD = "\\top.$signal$23 "
LEAK = f"(\\top.leak <= 256) & (\\top.rest_leak <= 16776960) & (~{TAKEN} | {legal(LOAD)})"
#: Words of a lane's states but for the one at the output, which may be written early.
WRITTEN = "~(\\top.token_7 [0] & (\\top.token_7 [2:1] == where_0))"
CORE = Hints(lemma=" & ".join((PHASES, TOKENS, SPIKES, LEAK)),
             when=(*(f"\\top.token_{k} [0]" for k in STAGES), "\\top.input_add ", EMPTYING, LOADING, WRITTEN),
             few=f"{{{DRAINING}, {COUNTDOWN}}}", other=f"{LOAD}[69] ^ {LOAD}[70]", assume=f"~i__valid | {legal('i__payload')}",
             count="cycles", going=f"{SWEEPING} | {DRAINING} | {DELIVERING}", memories=("\\top.lane_1.states",))
#: The receiver of frames: a frame that is broken anyway, a LENGTH that has come, and a byte that is about to be written.
BROKEN, EMPTY, DATA = "\\top.$signal$17 ", "\\top.$signal$16 ", "\\top.$signal$7 "
#: Banks that are full, the one that is written and at which byte, the one that is read and at which; bytes of good frames, as they come.
FULL, BANK, AT, READING, TAKEN_AT = (f"\\top.$signal${number} " for number in (13, 11, 10, 32, 31))
behind = "({} - 8'd251)".format
SIZES = f"""  reg [7:0] size_0 = 0, size_1 = 0;
  always @(posedge clk) if (good & {BANK}) size_1 <= {behind(AT)}; else if (good) size_0 <= {behind(AT)};
"""
#: A byte of a good frame that waits, or of one that comes; and that which is shown.
SAME = f"""({FULL}[where_0[8]] ? ({behind("where_0[7:0]")} < (where_0[8] ? size_1 : size_0))
 : (~{BROKEN} & (where_0[8] == {BANK}) & ({behind("where_0[7:0]")} < {behind(AT)})))"""
SHOWN = f"(\\top.fresh & {FULL}[{READING}] & ({behind(TAKEN_AT)} < ({READING} ? size_1 : size_0)))"
FRAMES = Hints(lemma=f"~{FULL}[{BANK}] | {BROKEN} | ({AT} == 8'd251)",
               when=(f"~{BROKEN}", f"~{EMPTY}", f"{DATA} & {EMPTY}", DATA, SAME, SHOWN), other="\\top.$signature__data ", few="\\top.uart.$signal$2 ",
               memories=("\\top.frames",), ghost=SIZES, care={"o__payload": SHOWN})
HINTS = {"core": CORE, "frame_receiver": FRAMES}
