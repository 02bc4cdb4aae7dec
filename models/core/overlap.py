"""Cycles of a core whose delivery overlaps the sweep, slot by slot of its pipeline."""

import numpy as np

from spikegate.models.kernel import kernel

__all__ = ["turn_cycles"]


@kernel
def turn_cycles(waits: np.ndarray, delivery: np.ndarray, turns: np.ndarray, stages: int, begin: int, moves: int,
                batch: int) -> tuple[int, int, int]:
    """Cycles of all turns, of coming to rest after every ``batch`` steps, and those of the turns in which the pipeline waits for the drive while
    words are on their way into it.

    A slot of the pipeline, with a word or empty, takes one cycle, and as many more as the word waits that the drive has then, ``stages`` slots
    behind it.

    Parameters
    ----------
    waits : numpy.ndarray
        int64 (steps, W), further cycles that the drive takes for a word.
    delivery : numpy.ndarray
        int64 (steps, turns), cycles of each delivery.
    turns : numpy.ndarray
        Words of each turn of a step.
    stages, begin, moves : int
        Of the drive; slots of a turn before its delivery begins; slots in which the core comes to rest.
    batch : int
    """
    steps = len(waits)
    history = np.zeros(stages, np.int64)  # waits of the words in the last slots, the latest first
    rest, total, rests, waited = 0, 0, 0, 0  # ``rest``: what is left of the slot in which a turn begins, 0 for a whole one
    for step in range(steps):
        first = 0
        for turn in range(len(turns)):
            words, slot, now, swept, go = turns[turn], 0, 0, -1, -1
            while True:
                longer = history[stages - 1]
                size = rest if rest else 1 + longer
                if slot < words:
                    waited += size - 1
                # The cycles of this slot are ``now`` to ``now + size - 1``.
                if slot == words - 1:
                    swept = now + size - 1
                if slot == begin:
                    go = now
                ended = -1
                if swept >= 0 and go >= 0:
                    ended = max(swept, go + delivery[step, turn])
                if ended >= 0 and ended < now + size:
                    rest = now + size - 1 - ended
                    total += ended + 1
                    if rest == 0:
                        _push(history, waits[step, first + slot] if slot < words else 0)
                    break
                rest = 0
                _push(history, waits[step, first + slot] if slot < words else 0)
                now, slot = now + size, slot + 1
            first += words
        if (step + 1) % batch == 0 or step == steps - 1:
            for _ in range(moves):
                rests += rest if rest else 1 + history[stages - 1]
                rest = 0
                _push(history, 0)
            history[:] = 0
    return total, rests, waited


@kernel
def _push(history: np.ndarray, wait: int) -> None:
    for k in range(len(history) - 1, 0, -1):
        history[k] = history[k - 1]
    history[0] = wait
