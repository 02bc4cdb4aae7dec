"""What chance leaves out of a host link that counts spikes: places that are none, words without a pause, long distances."""

import numpy as np

from spikegate.cosim.engines.virtual_board import IDLE
from spikegate.models.link.frames import Frame, Request, encode
from spikegate.models.link.payloads import CHOOSE, Run
from verification.stress.link_abuse import TAIL, Abuse, Sweeps

__all__ = ["counted"]

KINDS = (Run.EVENTS | Run.CHOSEN, Run.EVENTS | Run.CHOSEN | Run.COUNTS, Run.COUNTS, Run.EVENTS | Run.COUNTS, Run.EVERY | Run.COUNTS)


def counted(abuse: Abuse) -> None:
    """Choose no neuron, one or all, at the core's addresses and beyond, and count, with words that follow each other at once."""
    rng, device, g = abuse.rng, abuse.device, abuse.g
    places = g.words * g.lanes

    def choose(address: int, lane: int, items: int, choice: int) -> None:
        item = rng.randbytes(7) + bytes([rng.getrandbits(7) << 1 | choice])
        abuse.settle(list(encode(Frame(Request.LOAD, device.expected, bytes([CHOOSE, 0, lane]) + address.to_bytes(3, "big") + items * item))))

    def play(rate: float, quiet: int, steps: int, kinds: tuple[Run, ...] = KINDS) -> None:
        abuse.sweeps = Sweeps(g, np.random.default_rng(rng.getrandbits(32)), rate)
        silent = Sweeps(g, np.random.default_rng(rng.getrandbits(32)), 0.0)
        for name in ("v", "hold", "overflow", "spikes", "words"):
            setattr(abuse.sweeps, name, np.concatenate([getattr(silent, name)] * quiet + [getattr(abuse.sweeps, name)]))
        for pause in (0, 3):
            abuse.native.core(abuse.sweeps.words, abuse.load_size, pause, TAIL)
            for flags in kinds:
                made = min(steps, 2) if flags & Run.EVERY else steps
                # DONE may begin after a run that was silent for long, and then is waited for.
                abuse.settle([*encode(Frame(Request.RUN, device.expected, bytes([flags, *made.to_bytes(2, "big"), 0, 0, 0]))), IDLE | 3000])

    for choice in (0, 1):
        for first in range(0, places, 30):
            choose(*divmod(first, g.lanes), 30, choice)
        for beyond in (g.words, 1 << (g.words - 1).bit_length(), 1 << 23):
            choose(beyond, rng.randrange(g.lanes), 3, 1 - choice)
        play(0.5, 0, 9)
        choose(*divmod(rng.randrange(places), g.lanes), 1, 1 - choice)
        play(0.03, 0, 40)
    # Silent for so long that a distance has three groups of seven bits.
    play(0.1, 2 + (1 << 14) // (8 * places), 255)
    # Counts whose high bytes differ.
    play(0.5, 0, 900, (Run.COUNTS,))
