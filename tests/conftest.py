"""Settings of every test process."""

import gc
import os
import tomllib
from collections import Counter
from pathlib import Path

import pytest

# The workers leave no core to further threads of BLAS, which would wait for one by spinning: ten times the work. Read when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_collection_finish(session):
    """Leave what all the imports have made out of every later collection: Brian2 makes one a run, which took a quarter of its tests' time."""
    gc.collect()
    gc.freeze()


#: How many cases of a test function `make test` runs; `make test-wide` runs the others.
KEPT = tomllib.loads((Path(__file__).parent / "wide.toml").read_text())["kept"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark the cases that tests/wide.toml leaves out; a line of it that leaves out nothing is an error. Cases that are asked for by name stay."""
    if any("::" in argument for argument in config.args):
        return
    seen = Counter()
    for item in items:
        name = item.nodeid.partition("[")[0]
        seen[name] += 1
        if seen[name] > KEPT.get(name, seen[name]):
            item.add_marker("wide")
    files = {item.nodeid.partition("::")[0] for item in items}
    if wrong := [name for name, count in KEPT.items() if name.partition("::")[0] in files and seen[name] <= count]:
        raise pytest.UsageError(f"tests/wide.toml leaves out no case of {', '.join(wrong)}")
