"""The UART against cocotbext-uart in both directions, its golden model, and baud rates that the clock makes and does not make."""

from fractions import Fraction

import pytest

from spikegate.cosim.benches import uart as bench
from spikegate.gateware.link.uart import UartReceiver, UartTransmitter
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.link import uart as golden

DIVISORS = [3, 5, 26]
#: The foreign UART rounds a bit to a nanosecond of a thousand.
JUST = 0.98


def line_of(data, divisor, *, bit=None, phase=0.0):
    """The line, cycle by cycle, while bytes are sent with bits of ``bit`` cycles, beginning ``phase`` of a cycle before an edge of the clock."""
    levels = [1, 1, *(level for byte in data for level in golden.bits(byte)), 1, 1]
    bit = bit or divisor
    return [levels[min(int((cycle + phase) / bit), len(levels) - 1)] for cycle in range(int(bit * len(levels)))]


@pytest.mark.parametrize("divisor", DIVISORS)
def test_bytes_of_a_foreign_uart_are_received_up_to_the_stated_tolerance(divisor):
    limit = JUST * float(golden.tolerance(divisor))
    compared = sum(bench.check_receiver(divisor, error=error, count=120, seed=divisor) for error in (0.0, limit, -limit))
    print(f"{divisor} cycles a bit: {compared} bytes at 0 and +-{limit:.2%}")
    assert compared == 360


@pytest.mark.parametrize("error", [0.08, -0.08])
def test_a_baud_rate_far_beyond_the_tolerance_is_noticed(error):
    """Negative control."""
    with pytest.raises(Mismatch, match="first divergence at byte"):
        bench.check_receiver(8, error=error, count=120, seed=1)


@pytest.mark.parametrize("divisor", DIVISORS)
def test_a_foreign_uart_receives_what_is_sent(divisor):
    compared = sum(bench.check_transmitter(divisor, error=error, count=60, seed=divisor) for error in (0.0, 0.03, -0.03))
    assert compared == 3 * (60 + 59 + 1)


def test_a_foreign_uart_of_another_rate_is_noticed():
    """Negative control."""
    with pytest.raises(Mismatch):
        bench.check_transmitter(4, error=0.12, count=60, seed=1)


@pytest.mark.parametrize("divisor", DIVISORS)
def test_receiver_and_model_agree_on_a_line_of_noise(divisor):
    assert bench.check_line(divisor, count=150, seed=divisor) >= 150


@pytest.mark.parametrize("divisor", range(3, 40))
def test_the_models_tolerance_holds_at_every_phase_and_not_far_beyond(divisor):
    data, limit = [0x00, 0xFF, 0x55, 0x80, 0x01], golden.tolerance(divisor)
    phases = [k / 8 for k in range(1, 8)]
    read = lambda error, phase: list(golden.receive(line_of(data, divisor, bit=divisor * (1 + float(error)), phase=phase), divisor))  # noqa: E731
    good = [(byte, 1) for byte in data]
    assert all(read(sign * limit * Fraction(JUST), phase) == good for sign in (1, -1) for phase in phases)
    assert any(read(sign * Fraction(8, 100), phase) != good for sign in (1, -1) for phase in phases)
    assert limit > golden.MAX_ERROR


def test_glitches_are_nothing_and_breaks_are_one_error():
    byte = line_of([0xA5], 8)
    assert list(golden.receive([1] * 9 + [0] * 3 + [1] * 20 + byte, 8)) == [(0xA5, 1)]
    assert list(golden.receive([1] * 9 + [0] * 400 + [1] * 20 + byte, 8)) == [(0, 0), (0xA5, 1)]


def test_a_byte_and_its_samples_by_hand():
    assert golden.bits(0xA5) == [0, 1, 0, 1, 0, 0, 1, 0, 1, 1] and golden.bits(0x80) == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    assert [golden.sample_offset(divisor) for divisor in (3, 4, 5, 6, 26)] == [1, 1, 2, 2, 12]
    assert [golden.tolerance(divisor) for divisor in (3, 4, 5, 100)] == [Fraction(1, 30), Fraction(1, 36), Fraction(1, 25), Fraction(1, 20)]


def test_lines_by_hand():
    """Three cycles a bit: a start is sampled one cycle after it is seen, and every bit three cycles after the one before."""
    frame = [0, 0, 0, *[1, 1, 1, 0, 0, 0] * 4, 1, 1, 1]  # 0x55
    assert list(golden.receive(frame, 3)) == [(0x55, 1)] and list(golden.receive(frame * 3, 3)) == [(0x55, 1)] * 3
    assert list(golden.receive(frame[:28], 3)) == [] and list(golden.receive(frame[:29], 3)) == [(0x55, 1)]
    assert list(golden.receive([0, 1, 1, *frame], 3)) == [(0x55, 1)] and list(golden.receive([0, *frame[3:]], 3)) == []
    broken = [*frame[:27], 0, 0, 0]  # what follows at once is no start, as the line has not been 1
    assert list(golden.receive([*broken, 0, 0, 0], 3)) == [(0x55, 0)]
    assert list(golden.receive([*broken, 1, *frame], 3)) == [(0x55, 0), (0x55, 1)]


@pytest.mark.parametrize("clock, baud, divisor", [(3, 1, 3), (102, 25, 4), (98, 25, 4)])
def test_the_ends_of_what_a_clock_makes_are_allowed(clock, baud, divisor):
    params = golden.UartParams(clock, baud)
    assert params.divisor == divisor and params.error == Fraction(clock, divisor * baud) - 1


@pytest.mark.parametrize("clock, baud, message", [
    (2, 1, "A baud rate that the clock cannot make: 1 from 2 Hz is 0.0% off with 2 cycles a bit, limits 2% and at least 3 cycles; use 0 baud or"),
    (1021, 250, "250 from 1,021 Hz is 2.1% off with 4 cycles a bit, limits 2% and at least 3 cycles; use 255 baud"),
    (40_804, 10_000, "10,000 from 40,804 Hz is 2.0% off with 4 cycles a bit"),
    (979, 250, "250 from 979 Hz is 2.1% off with 4 cycles a bit"), (1, 10, "10 from 1 Hz is 90.0% off with 1 cycles a bit"),
    (0, 1, "Clock must be above 0 Hz, not 0"), (1, 0, "Baud rate must be above 0 Hz, not 0"), (1, -1, "Baud rate must be above 0 Hz, not -1")])
def test_just_beyond_is_refused(clock, baud, message):
    with pytest.raises(InputError) as error:
        golden.UartParams(clock, baud)
    assert message in str(error.value)


@pytest.mark.parametrize("clock, baud, divisor", [(12_000_000, 3_000_000, 4), (12_000_000, 115_200, 104), (48_000_000, 921_600, 52)])
def test_a_divisor_and_its_error_are_stated(clock, baud, divisor):
    params = golden.UartParams(clock, baud)
    assert params.divisor == divisor and abs(params.error) <= golden.MAX_ERROR
    assert params.error == Fraction(clock, divisor * baud) - 1 and params.tolerance == golden.tolerance(divisor)


@pytest.mark.parametrize("clock, baud, words", [(25_000_000, 3_000_000, ["cannot make: 3,000,000 from 25,000,000 Hz is 4.2% off with 8 "
                                                                           "cycles a bit, limits 2%", "use 3,125,000 baud"]),
                                                (12_000_000, 6_000_000, ["cannot make", "2 cycles", "at least 3", "4,000,000"]),
                                                (12_000_000, 100_000_000, ["cannot make", "4,000,000 baud"]),
                                                (12_000_000, 0, ["Baud rate", "0"]), (-1, 9600, ["Clock", "-1"])])
def test_baud_rates_that_the_clock_cannot_make_are_refused(clock, baud, words):
    with pytest.raises(InputError) as error:
        golden.UartParams(clock, baud)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("component", [UartReceiver, UartTransmitter])
def test_a_divisor_below_3_is_refused(component):
    with pytest.raises(InputError, match="Divisor of a UART must be at least 3 clock cycles a bit, not 2"):
        component(2)
