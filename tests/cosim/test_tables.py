"""Tables of a report, cell by cell, on a terminal and in Markdown; and its last line."""

import io

from rich.console import Console

from spikegate.cosim.results.compare import Check
from spikegate.cosim.results.report import last_line
from spikegate.cosim.results.tables import markdown, print_tables, tables

ENGINES = {"rtl": {"spikes": 12345, "rate_hz": 12.3456, "cv_isi": 0.98765, "correlation": -0.012345, "wall_s": 1.236, "peak_mib": 345.6,
                   "cycles": 1234567},
           "golden": {"spikes": 7, "rate_hz": None, "cv_isi": None, "correlation": None, "wall_s": None, "peak_mib": None}}


def check(name, class_="statistical", **more):
    return Check(name, class_, 1234, 1567, None, **{"ok": True, **more}).as_dict()


CHECKS = [check("RTL = golden", "bit-true", detail="hidden"), check("RTL = other", "bit-true", ok=False, detail="a | b"),
          check("RTL = Brian2", "spike-exact", detail="shown"), check("order: rate", value=12.34567, reference=10.0, margin=0.2567),
          check("order: CV", value=1.5, reference=0.0, margin=2.0, ok=False, warns=True, detail="not shown"),
          check("order: correlation", value=0.25, reference=0.5), check("order: none", ok=None, value=1.0, detail="why"),
          check("order: other", ok=None, reference=1.0)]
NETWORK = {"preset": "ai", "variant": "v4", "format": "q8.8", "n": 1000, "lanes": 40, "hash": "0123456789abcdef", "streams": {"length": 256}}
REPORT = {"network": NETWORK,
          "steps": 2000, "seeds": 2, "engines": ENGINES, "checks": CHECKS,
          "quantisation": [{"parameter": "tau", "asked": 20.0, "realised": 25.6, "relative_error": 0.28},
                           {"parameter": "exact", "asked": 1234.5678, "realised": 1234.5678, "relative_error": 0.0},
                           {"parameter": "zero", "asked": 0, "realised": 3, "relative_error": 0.5},
                           {"parameter": "own", "asked": None, "realised": None, "relative_error": None}],
          "provenance": {"faults": {"stuck": 1234}, "link": {"port": "/dev/ttyUSB0"}}}
ROWS = [
    ("ai, v4 L=256, q8.8, N=1,000, 2,000 steps, 40 lanes, network 0123456789ab, 1,234 lines stuck, RTL through the host link on /dev/ttyUSB0",
     ["engine", "spikes", "rate Hz", "CV ISI", "corr.", "wall s", "MiB", "cycles"],
     [["rtl", "12,345", "12.35", "0.988", "-0.0123", "1.24", "346", "1,234,567"], ["golden", "7", "–", "–", "–", "–", "–", "–"]]),
    ("Exact checks", ["check", "class", "compared", "differ", "verdict", "detail"],
     [["RTL = golden", "bit-true", "1,234", "1,567", "ok", ""], ["RTL = other", "bit-true", "1,234", "1,567", "FAILED", "a | b"],
      ["RTL = Brian2", "spike-exact", "1,234", "1,567", "ok", "shown"]]),
    ("Effects on the statistics, mean of 2 seeds", ["effect", "value", "reference", "difference", "margin", "verdict", "detail"],
     [["order: rate", "12.35", "10", "+23.5 %", "±0.26", "ok", ""], ["order: CV", "1.5", "0", "+1.5000", "±2", "WARNING", ""],
      ["order: correlation", "0.25", "0.5", "-0.2500", "–", "ok", ""], ["order: none", "1", "–", "–", "–", "not judged", "why"],
      ["order: other", "–", "1", "–", "–", "not judged", ""]]),
    ("Quantisation (mV, ms)", ["parameter", "asked", "realised", "relative error"],
     [["tau", "20", "25.6", "+28 %"], ["exact", "1234.57", "1234.57", "0"], ["zero", "0", "3", "–"], ["own", "–", "–", "–"]])]


def test_every_cell_is_the_value_in_its_form():
    assert tables(REPORT) == ROWS
    plain = {**REPORT, "seeds": 1, "network": {k: v for k, v in NETWORK.items() if k != "streams"}, "provenance": {}}
    assert [title for title, *_ in tables(plain)] == ["ai, v4, q8.8, N=1,000, 2,000 steps, 40 lanes, network 0123456789ab", "Exact checks",
                                                      "Effects on the statistics", "Quantisation (mV, ms)"]


def test_markdown_has_the_same_cells_with_bars_escaped():
    lines = markdown({**REPORT, "engines": {}}).splitlines()
    assert lines[:6] == [f"### {ROWS[0][0]}", "", "| engine | spikes | rate Hz | CV ISI | corr. | wall s | MiB | cycles |",
                         "| --- | --- | --- | --- | --- | --- | --- | --- |", "", "### Exact checks"]
    assert lines[9:12] == ["| RTL = golden | bit-true | 1,234 | 1,567 | ok |  |", "| RTL = other | bit-true | 1,234 | 1,567 | FAILED | a \\| b |",
                           "| RTL = Brian2 | spike-exact | 1,234 | 1,567 | ok | shown |"]


def test_a_terminal_shows_all_but_details_numbers_to_the_right_and_what_is_wrong_in_colour():
    plain, screen = Console(file=io.StringIO(), width=80), Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    for console in (plain, screen):
        print_tables(REPORT, console)
    lines = [line.rstrip() for line in plain.file.getvalue().splitlines()]
    at = lines.index("Exact checks")
    assert lines[at:at + 15] == [
        "Exact checks", "",
        " check         class        compared  differ  verdict",
        " ────────────────────────────────────────────────────",
        " RTL = golden  bit-true        1,234   1,567  ok",
        " RTL = other   bit-true        1,234   1,567  FAILED",
        " RTL = Brian2  spike-exact     1,234   1,567  ok", "",
        "Effects on the statistics, mean of 2 seeds", "",
        " effect              value  reference  difference  margin  verdict",
        " ────────────────────────────────────────────────────────────────────",
        " order: rate         12.35         10     +23.5 %   ±0.26  ok",
        " order: CV             1.5          0     +1.5000      ±2  WARNING",
        " order: correlation   0.25        0.5     -0.2500       –  ok"]
    assert " rtl     12,345    12.35   0.988  -0.0123    1.24  346  1,234,567" in lines and " exact      1234.57   1234.57               0" in lines
    coloured = screen.file.getvalue()
    for text in ("1;31mFAILED ", "1;31mRTL = other ", "1;33mWARNING ", "1;33morder: CV ", "1mExact checks ", "1mverdict"):
        assert f"\x1b[{text}" in coloured, text


def test_the_last_line_joins_what_was_judged_and_gives_each_reason_once():
    every = [check_ for effect in ("order", "arithmetic") for check_ in
             (Check(f"{effect}: {name}", "statistical", 1, 0, None, True) for name in ("rate", "CV", "correlation"))]
    few = [Check(f"quantisation: {name}", "statistical", 0, 0, None, None, reason) for name, reason in (("rate", "too short"), ("CV", "why"))]
    again = Check("RTL = Brian2", "spike-exact", 0, 0, None, None, "why")
    exact = Check("RTL = golden", "bit-true", 1, 0, None, True)
    assert last_line([exact, *every[:5], *few, again]) == (
        "ok; judged: RTL = golden, order, arithmetic (rate, CV); not judged: too short (quantisation (rate)); "
        "not judged: why (quantisation (CV), RTL = Brian2)")
    warned = Check("order: rate", "statistical", 1, 1, None, False, warns=True)
    assert last_line([warned]) == "ok; judged: order (rate)"
    assert last_line([Check("RTL = golden", "bit-true", 1, 1, None, False), warned]) == "FAILED; judged: RTL = golden, order (rate)"
    assert last_line([again]) == "ok; judged: nothing; not judged: why (RTL = Brian2)"
