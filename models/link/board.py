"""Boards that a core is built for: their part, what of it there is, their clock, and the size of core that it takes.

Clocks are whole multiples of a fraction of the oscillator's, as the part's PLL makes them. Capacities are those of the data sheets.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from spikegate.models.core.cycles import parts
from spikegate.models.core.part import CoreSize
from spikegate.models.core.schedules import Overlap
from spikegate.models.errors import InputError, Problems
from spikegate.models.link.payloads import MAX_NEURONS, MAX_ROW, batch
from spikegate.models.link.uart import UartParams
from spikegate.models.network.network import Network
from spikegate.models.numeric.fixed import QFormat

__all__ = ["MIN_N", "BETWEEN", "Pll", "Board", "BOARDS", "board"]

MHZ, MAX_LANES = 1_000_000, 8 * MAX_ROW
#: Fewer neurons, and the network `ai`, on which a build's real-time factor is figured, has no synapses.
MIN_N = 10
#: Cycles that the host link takes between two steps of a core that rests there: it sees the end of one, asks for the next, and the core begins.
BETWEEN = 3
#: Of a family's PLL: lowest and highest MHz of the comparator and of the oscillator, largest dividers of reference and feedback, output's dividers.
LIMITS = {"ice40": (10, 133, 533, 1066, 16, 64, (2, 4, 8, 16, 32, 64)), "ecp5": (3.125, 400, 400, 800, 128, 80, range(1, 129))}


@dataclass(frozen=True)
class Pll:
    """Dividers of a PLL: output = input * feedback / (reference * output), the oscillator inside at input * feedback / reference.

    Lattice's iCE40 (technical note TN1251) and ECP5 (TN1263) in their simple feedback; of the ECP5, the feedback is taken
    from the output, so that its divider is ``feedback / output``, and the oscillator inside is as near the middle of its range as can be.
    """

    reference: int
    feedback: int
    output: int

    @classmethod
    def of(cls, family: str, input_hz: int, output_hz: int) -> "Pll":
        """Dividers that make exactly ``output_hz``.

        Raises
        ------
        InputError
            If there are none.
        """
        low, high, slow, fast, references, feedbacks, outputs = LIMITS[family]
        found = [cls(r, f, q) for r in range(1, references + 1) for q in outputs for f in [output_hz * r * q // input_hz]
                 if input_hz * f == output_hz * r * q and low * MHZ * r <= input_hz <= high * MHZ * r and slow * MHZ <= output_hz * q <= fast * MHZ
                 and (f <= feedbacks if family == "ice40" else f % q == 0 and f // q <= feedbacks)]
        if not found:
            raise InputError(f"Clock of {output_hz / 1e6:g} MHz cannot be made from {input_hz / 1e6:g} MHz by the PLL of an {family}; choose another")
        middle = (slow + fast) * MHZ / 2 if family == "ecp5" else math.inf
        return min(found, key=lambda pll: (abs(input_hz * pll.feedback / pll.reference - middle), pll.reference, pll.feedback))


@dataclass(frozen=True)
class Board:
    """A board and the core that is built for it.

    Parameters
    ----------
    name, title, loader : str
        As the command line knows it, in full, and as openFPGALoader knows it.
    family : str
        ``ice40`` or ``ecp5``.
    part : str
        In full, with package.
    oscillator_hz, clock_hz, baud : int
        On the board, of the core after the PLL, of the host link.
    n, lanes : int
        Neurons of the core, at most, and its lanes.
    store, banks, overlap : optional
        As in `spikegate.gateware.core.core.CoreGeometry`.
    counts : bool
        Whether the link counts spikes, as `spikegate.gateware.link.counts.SpikeCounts`.
    capacity : Mapping
        What the part has: ``lut``, ``ff``, ``bram``, ``spram``, ``dsp``.
    wide : Mapping
        Which of these parameters are others for formats of more than 16 bits.
    points : Mapping
        Which are others for a core of point neurons.
    apart : Mapping
        Which are others for a core that, unlike the board's, delivers apart from its sweep.
    """

    name: str
    title: str
    loader: str
    family: str
    part: str
    oscillator_hz: int
    clock_hz: int
    baud: int
    n: int
    lanes: int
    store: int | None = None
    banks: int = 1
    overlap: bool = False
    counts: bool = False
    capacity: Mapping[str, int] = field(default_factory=dict)
    wide: Mapping[str, Any] = field(default_factory=dict)
    points: Mapping[str, Any] = field(default_factory=dict)
    apart: Mapping[str, Any] = field(default_factory=dict)

    def of(self, format: QFormat, n: int | None = None, lanes: int | None = None, overlap: bool | None = None) -> "Board":
        """The board with the core that it takes in a format, or with one of ``n`` neurons, or of ``lanes`` lanes.

        Unless ``overlap`` is said, the core delivers during its sweep where the board's does and one of this size can.

        Raises
        ------
        InputError
            If the host link has no place for so many neurons or lanes, or a core of this size cannot do with the ``overlap`` that is asked for.
        """
        spec = replace(self, **self.wide) if format.width > 16 else self
        n = spec.n if n is None else n
        if not 1 <= n <= MAX_NEURONS:
            raise InputError(f"N of a board's core must be in 1..{MAX_NEURONS:,}, not {n}; give another --n")
        lanes, most = min(spec.lanes, n) if lanes is None else lanes, min(n, MAX_LANES)
        if not 1 <= lanes <= most:
            raise InputError(f"Lanes of a board's core must be in 1..{most:,}, not {lanes}; give other --lanes")
        words, banks = -(-n // lanes), spec.banks
        while banks > 1 and (words % banks or words <= banks):
            banks //= 2
        rows, _ = parts(None, store=spec.store, walk=True, banks=banks)
        problems = Overlap().problems(CoreSize(n, lanes, format.width), rows)
        if overlap and problems:
            raise InputError(problems[0])
        overlaps = not problems and (spec.overlap if overlap is None else overlap)
        return replace(spec, n=n, lanes=lanes, banks=banks, overlap=overlaps, **(spec.apart if spec.overlap and not overlaps else {}))

    def of_points(self, n: int, lanes: int | None = None) -> "Board":
        """The board with a core of point neurons, of ``n`` neurons, in as many lanes as it takes or in ``lanes``.

        Raises
        ------
        InputError
            If the host link has no place for so many neurons or lanes.
        """
        spec = replace(self, **self.points, apart={})
        return replace(spec.of(QFormat(16, 8), n, min(spec.lanes, n) if lanes is None else lanes), store=None, banks=1, overlap=False, counts=False)

    @property
    def block_bits(self) -> int:
        """Of a block RAM."""
        return 4096 if self.family == "ice40" else 18432

    @property
    def options(self) -> dict[str, Any]:
        """What else of `spikegate.gateware.core.core.CoreGeometry`, and of its cycles, the board chooses."""
        return {"store": self.store, "walk": True, "banks": self.banks, "overlap": self.overlap}

    @property
    def batch(self) -> int:
        """Steps that its core makes without coming to rest, as `spikegate.models.link.payloads.batch`."""
        return batch(self.overlap, self.store)

    @property
    def between(self) -> int:
        """Cycles that pass between two steps: `BETWEEN`, or none in a core that does not rest there."""
        return BETWEEN if self.batch == 1 else 0

    @property
    def line(self) -> UartParams:
        """What the core's clock makes of the baud rate."""
        return UartParams(self.clock_hz, self.baud)

    @property
    def pll(self) -> Pll:
        """Dividers that make the core's clock."""
        return Pll.of(self.family, self.oscillator_hz, self.clock_hz)

    def check(self, network: Network) -> None:
        """Refuse a network that the board's core does not run.

        Raises
        ------
        InputError
            If it has more than ``n`` neurons, or stochastic synapses.
        """
        problems = Problems()
        problems.require(network.n <= self.n, f"Network of N={network.n} is larger than the core of {self.n} neurons for the {self.title}; use "
                         f"fewer neurons, a larger core (--n {network.n}) or another board: {', '.join(BOARDS)}")
        problems.require(network.streams is None, "Stochastic synapses have no core on a board yet; use variant v3")
        problems.raise_any()


_UP5K = {"lut": 5280, "ff": 5280, "bram": 30, "spram": 4, "dsp": 8}
_HX8K = {"lut": 7680, "ff": 7680, "bram": 32, "spram": 0, "dsp": 0}
_POINTS = {"lanes": 4, "clock_hz": 30_000_000}
_ECP5_85 = {"lut": 83640, "ff": 83640, "bram": 208, "spram": 0, "dsp": 156}

BOARDS = {spec.name: spec for spec in (
    Board("icebreaker", "iCEBreaker", "ice40_generic", "ice40", "iCE40UP5K-SG48", 12_000_000, 21_750_000, 2_400_000, 1000, 2, 64, overlap=True,
          capacity=_UP5K, points={"lanes": 1, "clock_hz": 12_000_000}),
    Board("hx8k_evn", "iCE40-HX8K breakout", "ice40_generic", "ice40", "iCE40HX8K-CT256", 12_000_000, 36_000_000, 3_000_000, 256, 1, 32,
          capacity=_HX8K, points={"clock_hz": 24_000_000}),
    Board("ulx3s_85f", "ULX3S-85F", "ulx3s", "ecp5", "LFE5U-85F-6BG381C", 25_000_000, 43_750_000, 2_000_000, 1000, 32, banks=8, overlap=True,
          capacity=_ECP5_85, wide={"overlap": False, "banks": 4, "clock_hz": 30_000_000}, points=_POINTS, apart={"clock_hz": 37_500_000}),
    Board("ecpix5_85f", "ECPIX-5 85F", "ecpix5", "ecp5", "LFE5UM5G-85F-8BG554C", 100_000_000, 37_500_000, 2_000_000, 1000, 32, banks=8,
          capacity=_ECP5_85, wide={"banks": 4, "clock_hz": 30_000_000}, points=_POINTS),
)}


def board(name: str) -> Board:
    """The board of a name.

    Raises
    ------
    InputError
        With the list, if there is none.
    """
    if name not in BOARDS:
        near = difflib.get_close_matches(name, BOARDS, 1, 0.5)
        raise InputError(f"Board {name!r} is not known; " + (f"did you mean {near[0]}? " if near else "") + f"All: {', '.join(BOARDS)}")
    return BOARDS[name]
