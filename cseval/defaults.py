"""Numbers that a run uses unless told otherwise, in one place for the command line and the library."""

from __future__ import annotations

#: Placebo neighbourhoods wanted for each test.
DEFAULT_DRAWS = 9999

#: Seed of the draws and of the demonstration data. No seed is special: this one gives a demonstration whose primary
#: interval holds the true effect, as more than nine in ten do.
DEFAULT_SEED = 3

#: Libraries that start a thread for each processor, of which every worker would start its own.
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def one_thread_each() -> None:
    """One thread for linear algebra unless the environment says otherwise; the last digit of a sum depends on it.

    It takes effect where numpy is loaded afterwards: in workers always, here if this comes first.
    """
    import os

    for name in THREADS:
        os.environ.setdefault(name, "1")
