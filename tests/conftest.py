"""Settings of every test process."""

import os

# The workers leave no core to further threads of BLAS, which would wait for one by spinning: ten times the work. Read when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
