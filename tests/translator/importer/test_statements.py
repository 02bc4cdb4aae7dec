"""What is asked of expressions of Brian2's code, without multiplying them out."""

import brian2 as b
import pytest
import sympy
from brian_scripts import on

from spikegate.models.errors import InputError
from spikegate.translator.importer.statements import Unclear, affine, degree, followed, symbol

V, U = symbol("v"), symbol("u")


@pytest.mark.parametrize("expression, most", [
    (sympy.Integer(3), 0), (U, 0), (V, 1), (2 * V + U, 1), (V * U, 1), (V**2 + V, 2), (V**2.0, 2), ((V + 1) * (U - V), 2), ((V * U + 1) ** 3, 3),
    (sympy.exp(U) * V, 1), (sympy.exp(V), float("inf")), (1 / V, float("inf")), (sympy.sqrt(V), float("inf")), (U**V, float("inf"))])
def test_the_highest_power_is_bounded(expression, most):
    assert degree(expression, V) == most


def test_a_statement_takes_all_of_its_right_side_and_what_those_before_it_have_made():
    a, c = symbol("a"), symbol("c")
    made = {code: followed(f"v {code} a + c")["v"] for code in ("=", "+=", "-=", "*=", "/=")}
    assert made == {"=": a + c, "+=": V + a + c, "-=": V - a - c, "*=": V * (a + c), "/=": V / (a + c)}
    assert followed("v += a\nu = v * c") == {"v": V + a, "u": (V + a) * c}
    with pytest.raises(Unclear, match="^is no assignment$"):
        followed("v **= 2")


def test_what_is_no_sum_is_said_by_its_variables():
    found = affine(3 * V + U * symbol("c") + 2, ["v", "u"])
    assert found.factors == {"v": 3, "u": symbol("c")} and found.constant == 2
    assert affine((V + 1) * (V - 2) - V**2, ["v"]).factors == {"v": -1}  # squares that cancel
    for expression, said in ((V**2 + U, "is not linear in v"), (V**3 * U, "is not linear in v"), (V * U, "is not linear in v and u")):
        with pytest.raises(Unclear, match=f"{said}$"):
            affine(expression, ["v", "u"])


@pytest.mark.parametrize("times, said", [
    (1, "'dx/dt = .*' is not linear in x; a membrane such as"),
    (3, "'dx/dt = .* …' makes of a step an expression of [0-9,]{6,} parts, above the limit of 20,000; a membrane such as")])
def test_a_large_model_is_refused_at_once(times, said):
    """Nonlinear variables, each of which the fourth-order method puts into all others four times over."""
    def script():
        of = zip("xyzw", "yzwx", "zwxy")
        sums = [" + ".join(f"{p} * {c} - {a}**3 + {p}*({c} + {k})*({a} - {k})" for k in range(1, times + 1)) for a, p, c in of]
        equations = [f"d{a}/dt = ({each}) / (10*ms) : 1" for a, each in zip("xyzw", sums)]
        b.Network(b.NeuronGroup(1, "\n".join(equations), threshold="x > 1", reset="x = 0", method="rk4")).run(1 * b.ms)

    with pytest.raises(InputError, match=said):
        on("spikegate", script)
