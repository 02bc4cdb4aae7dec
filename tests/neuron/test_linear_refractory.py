"""What arrives while a linear neuron is refractory, by hand, in both orders, compiled and in plain Python."""

import numpy as np
import pytest

from spikegate.models.neuron.linear import LinearNeuron, Order, Reset, linear_step
from spikegate.models.numeric.fixed import Q8_8

#: Without leak, from 0, threshold 100, kicked by 60 before every step; refractory, order, reset to 0 or by 100: membranes after each step.
CASES = [
    (0, Order.PUBLISHED, Reset.VALUE, [60, 0, 60, 0, 60, 0, 60, 0]),
    (2, Order.PUBLISHED, Reset.VALUE, [60, 0, 0, 0, 60, 0, 0, 0]),
    (0, Order.PUBLISHED, Reset.SUBTRACT, [60, 20, 80, 40, 0, 60, 20, 80]),
    (0, Order.BRIAN2, Reset.VALUE, [60, 120, 0, 60, 120, 0, 60, 120]),
    (1, Order.BRIAN2, Reset.VALUE, [60, 120, 0, 60, 120, 0, 60, 120]),
    (2, Order.BRIAN2, Reset.VALUE, [60, 120, 0, 0, 60, 120, 0, 0]),
    (0, Order.BRIAN2, Reset.SUBTRACT, [60, 120, 80, 140, 100, 160, 120, 80]),
    (1, Order.BRIAN2, Reset.SUBTRACT, [60, 120, 20, 80, 140, 40, 100, 160]),
]


@pytest.mark.parametrize("step", [linear_step, linear_step.py_func], ids=["compiled", "python"])
@pytest.mark.parametrize("refractory, order, reset, expected", CASES)
def test_what_arrives_while_refractory(step, refractory, order, reset, expected):
    neuron, inputs = LinearNeuron(Q8_8, order=order, reset=reset), np.zeros((2, 1), np.int32)
    table = np.array([[0, 0, 100, 100 if reset == Reset.SUBTRACT else 0, refractory, 0]], np.int64)
    state, found = np.zeros((6, 1), np.int32), []
    for _ in expected:
        inputs[0, 0] = 60
        step(state, 0, inputs, table, 0, neuron.constants(), 0)
        found.append(int(state[0, 0]))
    assert found == expected
