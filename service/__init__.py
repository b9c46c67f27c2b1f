"""Wiring: the FastAPI apps, the command line, the supervisor of Rasa, set-up. No domain logic."""

import os

# Before numpy is first imported: BLAS threads spin after every small product and take the core that Rasa needs
# (68 ms of CPU a turn instead of 25, measured).
for _library in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_library, "1")
