"""Golden models: integers only, bit-true to the gateware of the same name; they know no hardware tools."""

import contextlib

from spikegate.models.cache import settle
from spikegate.models.errors import InputError

with contextlib.suppress(InputError):  # the command line says it
    settle()  # before Numba looks for its own folder, as it does when a model is imported
