"""Networks for boards behind the host link, and what has to come over it."""


import numpy as np

from spikegate.gateware.core.core import CoreGeometry
from spikegate.models.core import engine as golden
from spikegate.models.numeric.fixed import Q8_8
from spikegate.translator.brunel import preset, translate


def small(format=Q8_8, *, n=103, ms=20.0, **changes):
    """A network of ``n`` neurons that spikes."""
    return translate(preset("ai", **{"n_exc": n - n // 5, "n_inh": n // 5, "weight_exc": 2.0, "delay": 0.5, **changes}), format, ms=ms)


NETWORK, GEOMETRY = small(), CoreGeometry.of(small(), 8)


def agree(network, recording, **options):
    """Everything that comes over the link is the golden model's; the number of spikes."""
    reference = golden.run(network, trace=bool(recording.trace))
    assert np.array_equal(recording.spikes, reference.spikes) and len(reference.spikes) > network.n // 2
    assert sorted(recording.final) == ["hold", "overflow", "v"]
    for kind in ("final", "trace"):
        for name, values in getattr(recording, kind).items():
            assert np.array_equal(values, getattr(reference, kind)[name]), (kind, name)
    assert recording.cycles == golden.predict_cycles(network, reference, recording.provenance["lanes"], **options)
    return len(reference.spikes)
