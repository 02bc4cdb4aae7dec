"""Settings of every test process."""

import gc
import os

# The workers leave no core to further threads of BLAS, which would wait for one by spinning: ten times the work. Read when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_collection_finish(session):
    """Leave what all the imports have made out of every later collection: Brian2 makes one a run, which took a quarter of its tests' time."""
    gc.collect()
    gc.freeze()
