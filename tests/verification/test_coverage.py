"""Code coverage: nothing of a module stays open, what a lazy guard leaves is seen, and a wrong waiver, proof or golden model is refused."""

from dataclasses import replace

import pytest

from spikegate.models.errors import Mismatch, SpikegateError
from verification.contracts.catalogue import LEAVES
from verification.contracts.guards import GUARDS
from verification.coverage import cores as coverage_cores
from verification.coverage import link as coverage_link
from verification.coverage.cores import CORES, cover_core, episodes
from verification.coverage.guards_coverage import EXTRA
from verification.coverage.points import KINDS, Point, Waiver, cover_leaf, judge
from verification.coverage.unreachable import edge_of, never
from verification.verify import NATIVE

TOGGLER = """module mutated(input clk, input i, output reg o); reg odd = 0; wire dead = odd & ~odd;
always @(posedge clk) begin odd <= ~odd; o <= dead | i; end endmodule"""


def closed(name):
    found = NATIVE[name]() if name in NATIVE else cover_leaf(name)
    assert found.compared > 1000
    assert found.open == () and found.points["toggle"] > 50 and all(found.share(kind) == 1 for kind in KINDS)
    for kind, total in found.points.items():
        assert found.reached[kind] + found.proved.get(kind, 0) + found.waived.get(kind, 0) == total
    return found


def test_every_point_is_reached_proved_unreachable_or_waived_with_a_reason():
    found = closed("uart_transmitter")
    assert found.proved["toggle"] > 0 and set(found.reached) == set(KINDS) and all(len(reason) > 20 for reason in found.reasons)


@pytest.mark.long
@pytest.mark.parametrize("name", [*(name for name in LEAVES if name != "uart_transmitter"), "core", *NATIVE])
def test_every_point_of_every_module_is_closed(name):
    closed(name)


@pytest.mark.long
def test_a_few_networks_reach_every_line_and_branch_of_the_core_and_most_of_the_rest():
    found = cover_leaf("core", [replace(EXTRA["core"][0], cycles=8000, episodes=3)], prove=False)
    assert found.share("line") == found.share("branch") == 1 and found.share("expr") > 0.98 and 0.9 < found.share("toggle") < 1
    assert found.compared > 60_000 and found.points["toggle"] > 30_000


def test_outputs_that_are_not_the_golden_models_are_refused():
    """Negative control."""
    guard = GUARDS["uart_transmitter"]
    wrong = lambda rng: ((given, {**wanted, "tx": wanted["tx"] ^ (k == 50)}) for k, (given, wanted) in enumerate(guard.rows(rng)))  # noqa: E731
    with pytest.raises(Mismatch, match="row 50 of table 0 are not those of the golden model"):
        cover_leaf("uart_transmitter", [replace(guard, rows=wrong)])


def test_runs_that_are_not_the_golden_models_are_refused(monkeypatch):
    """Negative control, on a simulator that counts lines and toggles alone: the values are compared before what is counted is read."""
    monkeypatch.setattr(coverage_cores, "PARTS", coverage_cores.PARTS[:1])
    episode = next(episodes(CORES["core_store"], 1))
    assert cover_core("core_store", [episode], prove=False).compared > 5_000
    last = episode.recordings[-1]
    v, spikes = last.trace["v"].copy(), last.spikes[:-1]
    v[-1, -1] ^= 1
    for wrong, message in ((replace(last, trace={**last.trace, "v": v}), "Signal v"), (replace(last, spikes=spikes), "Signal spike"),
                           (replace(last, cycles=last.cycles + 1), "cycles, golden")):
        with pytest.raises(Mismatch, match=message):
            cover_core("core_store", [replace(episode, recordings=(*episode.recordings[:-1], wrong), stall=0)], prove=False)


def test_lost_requests_that_are_not_counted_are_refused(monkeypatch):
    """Negative control."""
    flood = coverage_link.flood

    def one_less(link, requests, **_):
        answers, words, status = flood(link, requests)
        return answers[1:], words, status
    monkeypatch.setattr(coverage_link, "flood", one_less)
    link = coverage_link.LINKS["host_link"]()
    with pytest.raises(Mismatch, match="of 200 requests, and counted"):
        coverage_link.overrun(link, None, None)


def test_what_a_lazy_guard_leaves_is_open():
    found = cover_leaf("uart_transmitter", [replace(GUARDS["uart_transmitter"], cycles=12, episodes=1)])
    assert {point.kind for point in found.open} >= {"toggle", "expr"} and found.share("expr") < 1


def test_a_waiver_of_what_is_reached_is_refused():
    reached = Point("branch", 3, "if (x) begin", "tried", "if", 5)
    with pytest.raises(SpikegateError, match="line 3: if was reached 5 times, and is waived: it cannot"):
        judge("leaf", [reached], [Waiver("it cannot", source="if.*")])
    assert judge("leaf", [replace(reached, count=0)], [Waiver("it cannot", source="if.*")]).waived == {"branch": 1}


def test_a_waiver_for_a_module_or_one_of_its_instances():
    waiver, point = Waiver("it cannot", module="core|core/spikes"), Point("line", 3, "x", "tried.top.spikes", "block")
    places = [replace(point, where=where) for where in ("tried.top.spikes", "tried.top", "", "tried.top.spikes.list")]
    assert [waiver.covers("core", place) for place in places] == [True, True, True, False] and not waiver.covers("spikes", point)


def test_no_points_are_an_error():
    with pytest.raises(SpikegateError, match="no coverage points of leaf"):
        judge("leaf", [])


def test_what_can_happen_is_not_proved_impossible():
    edges = [("\\odd", "0->1"), ("\\dead", "0->1"), ("\\dead", "1->0"), ("\\i", "1->0"), ("\\o", "0->1")]
    assert never(TOGGLER, "mutated", edges) == [False, True, True, False, False]


@pytest.mark.parametrize("point, edge", [
    (("toggle", "tried.top", "", "__0241[24]:0->1"), ("\\tried.top.$1[24]", "0->1")),
    (("toggle", "tried", "", "o___05Fvalid:1->0"), ("\\tried.o__valid", "1->0")),
    (("branch", "tried", r"assign \$3  = \$2 [0] ? 7'h40 : 7'h00;", "cond_then"), ("\\tried.$2[0]", "0->1")),
    (("expr", "tried.lif", "", "($signal$8[23:16][7]==1) => 1"), ("\\tried.lif.$signal$8[23]", "0->1")),
    (("toggle", "", "", "busy:0->1"), ("\\busy", "0->1")),
    (("expr", "tried", r"assign \$3  = \$2 [0] ? 7'h40 : 7'h00;", "($2[0]==1) => 1"), ("\\tried.$2[0]", "0->1")),
    (("branch", "tried", r"assign \$3  = \$2 [0] ? 7'h40 : 7'h00;", "cond_else"), ("\\tried.$2[0]", "1->0")),
    (("branch", "tried", r"if (\$17 ) begin", "if"), ("\\tried.$17", "0->1")), (("expr", "tried", "", "(w_rdy==0) => 0"), ("\\tried.w_rdy", "1->0")),
    (("branch", "tried", "if (a & b) begin", "if"), None), (("expr", "tried", "", "(a==0 && b==1) => 0"), None),
    (("line", "tried", "x", "block"), None), (("toggle", "tried.top", "", "rows[15][0]:0->1"), None)])
def test_the_bit_behind_a_point(point, edge):
    assert edge_of(*point) == edge
