"""Networks and faults of the corpus."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

from adapters import Q8_8, Q16_12, Network, Overflow, QFormat, Rounding, hybrid, preset, translate, with_events, with_overflow

__all__ = ["FAULTS", "NETWORKS"]

Q12 = QFormat(12, 5)


def whole(name: str, format: QFormat = Q8_8, *, ms: float = 100.0, **options: Any) -> Network:
    return translate(preset(name), format, name=name, ms=ms, **options)


def small(name: str = "ai", format: QFormat = Q8_8, *, n: int = 103, ms: float = 40.0, rounding: Rounding = Rounding.NEAREST,
          leak_fraction: int | None = None, **changes: Any) -> Network:
    """A preset cut to ``n`` neurons, whose weights are as much larger that they spike."""
    bigger: dict[str, Any] = dict(weight_exc=2.0, delay=0.5) if name == "ai" else {}
    bp = preset(name, **{"n_exc": n - n // 5, "n_inh": n // 5, **bigger, **changes})
    return translate(bp, format, name=name, ms=ms, rounding=rounding, leak_fraction=leak_fraction)


def streams(variant: str, format: QFormat = Q8_8, *, length: int = 256, channels: int | None = None, **changes: Any) -> Network:
    return hybrid(small(format=format, ms=30.0, **{"g_inh": 3.0, **changes}), variant, length=length, channels=channels)


def whole_streams(variant: str) -> Network:
    return hybrid(whole("ai", ms=30.0), variant)


def modes(rounding: Rounding, overflow: Overflow) -> Network:
    """Its membranes leave the format."""
    return with_overflow(small(rounding=rounding, weight_exc=6.0), overflow)


#: Name to what makes it; the first ones are of one geometry, so that they run on one simulator.
NETWORKS: dict[str, Callable[[], Network]] = {
    "ai": small,
    "ai, seed 2": partial(small, seed=2),
    "ai, delay 1": partial(small, delay=0.1),
    "ai, refractory 255": partial(small, refractory=25.5),
    "ai, rest and reset": partial(small, v_rest=-3.5, v_reset=2.25),
    "ai, overflow": partial(small, eta=0.5, weight_exc=9.0),
    "ai, own events": lambda: with_events(small(ms=5.0)),
    "tutorial": partial(small, "tutorial"),
    "ai, delay 63": partial(small, delay=6.3),
    "ai, n 96": partial(small, n=96),
    "ai, fine leak": partial(small, leak_fraction=20),
    "ai, 41 events": partial(small, conn_prob=0.5, eta=9.0, weight_exc=0.1, refractory=0.0),
    "ai, q16.12": partial(small, format=Q16_12),
    "ai, 12 bits": partial(small, format=Q12, leak_fraction=12),
    "ai, 20 bits": partial(small, format=QFormat(20, 9)),
    "tutorial, q16.12": partial(small, "tutorial", Q16_12),
    **{f"ai, {r.name.lower()}, {o.name.lower()}": partial(modes, r, o) for r in Rounding for o in Overflow},
    "v4": partial(streams, "v4"),
    "v13": partial(streams, "v13"),
    "v14": partial(streams, "v14"),
    "v4, q16.12, 64 bits": partial(streams, "v4", Q16_12, length=64),
    "v13, 8 channels": partial(streams, "v13", length=64, channels=8),
    "v14, 3 channels": partial(streams, "v14", length=64, channels=3),
    "v14, 1024 bits": partial(streams, "v14", length=1024, channels=2),
    "whole ai": partial(whole, "ai"),
    "whole ai, q16.12": partial(whole, "ai", Q16_12),
    "whole ai, stochastic": partial(whole, "ai", rounding=Rounding.STOCHASTIC),
    "whole tutorial": partial(whole, "tutorial"),
    "whole tutorial, q16.12": partial(whole, "tutorial", Q16_12),
    **{f"whole {variant}": partial(whole_streams, variant) for variant in ("v4", "v13", "v14")},
    "whole brunel2000": partial(whole, "brunel2000", Q16_12, ms=20.0),
}

#: Name to the arguments of `make_faults`.
FAULTS: dict[str, dict[str, Any]] = {"stuck": dict(stuck=0.01), "flips": dict(flips=Fraction(1, 50)), "both": dict(stuck=0.01, flips=Fraction(1, 50))}
