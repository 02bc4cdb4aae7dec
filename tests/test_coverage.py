"""Code coverage: nothing of a guarded leaf stays open, what a lazy guard leaves is seen, and a waiver or a proof that is wrong is refused."""

from dataclasses import replace

import pytest

from spikegate.cosim.coverage import KINDS, Point, Waiver, cover_leaf, judge
from spikegate.cosim.guards import GUARDS
from spikegate.cosim.leaves import LEAVES
from spikegate.cosim.unreachable import edge_of, never
from spikegate.models.errors import SpikegateError

TOGGLER = """module mutated(input clk, input i, output reg o); reg odd = 0; wire dead = odd & ~odd;
always @(posedge clk) begin odd <= ~odd; o <= dead | i; end endmodule"""


def closed(name):
    found = cover_leaf(name)
    assert found.open == () and found.points["toggle"] > 50 and all(found.share(kind) == 1 for kind in KINDS)
    for kind, total in found.points.items():
        assert found.reached[kind] + found.proved.get(kind, 0) + found.waived.get(kind, 0) == total
    return found


def test_every_point_is_reached_proved_unreachable_or_waived_with_a_reason():
    found = closed("uart_transmitter")
    assert found.proved["toggle"] > 0 and set(found.reached) == set(KINDS) and all(len(reason) > 20 for reason in found.reasons)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in LEAVES if name != "uart_transmitter"])
def test_every_point_of_every_leaf_is_closed(name):
    closed(name)


def test_what_a_lazy_guard_leaves_is_open():
    found = cover_leaf("uart_transmitter", replace(GUARDS["uart_transmitter"], cycles=12, episodes=1))
    assert {point.kind for point in found.open} >= {"toggle", "expr"} and found.share("expr") < 1


def test_a_waiver_of_what_is_reached_is_refused():
    reached = Point("branch", 3, "if (x) begin", "tried", "if", 5)
    with pytest.raises(SpikegateError, match="line 3: if was reached 5 times, and is waived: it cannot"):
        judge("leaf", [reached], [Waiver("it cannot", source="if.*")])
    assert judge("leaf", [replace(reached, count=0)], [Waiver("it cannot", source="if.*")]).waived == {"branch": 1}


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
    (("expr", "tried", r"assign \$3  = \$2 [0] ? 7'h40 : 7'h00;", "($2[0]==1) => 1"), ("\\tried.$2[0]", "0->1")),
    (("branch", "tried", r"assign \$3  = \$2 [0] ? 7'h40 : 7'h00;", "cond_else"), ("\\tried.$2[0]", "1->0")),
    (("branch", "tried", r"if (\$17 ) begin", "if"), ("\\tried.$17", "0->1")), (("expr", "tried", "", "(w_rdy==0) => 0"), ("\\tried.w_rdy", "1->0")),
    (("branch", "tried", "if (a & b) begin", "if"), None), (("expr", "tried", "", "(a==0 && b==1) => 0"), None),
    (("line", "tried", "x", "block"), None), (("toggle", "tried.top", "", "rows[15][0]:0->1"), None)])
def test_the_bit_behind_a_point(point, edge):
    assert edge_of(*point) == edge
