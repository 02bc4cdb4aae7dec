"""The digits of scikit-learn, 1,797 images of 8 by 8 pixels from 0 to 16, as spikes: a pixel spikes as often as it is large, in 16 steps."""

from typing import NamedTuple

import numpy as np

from spikegate.translator.nir.spikes import spread

__all__ = ["HELD_OUT", "STEPS", "Digits", "digits"]

#: Steps of an image, and images that training never sees.
STEPS, HELD_OUT = 16, 450


class Digits(NamedTuple):
    """Spikes (images, steps, 64), labels (images,), and which images are held out."""

    spikes: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray


def digits() -> Digits:
    """All images in their own order; those held out are drawn with a fixed seed."""
    from sklearn.datasets import load_digits
    found = load_digits()
    held = np.zeros(len(found.target), bool)
    held[np.random.default_rng(1).permutation(len(held))[:HELD_OUT]] = True
    spikes = np.moveaxis(spread(found.data, STEPS), 0, 1)
    return Digits(spikes, found.target, held)
