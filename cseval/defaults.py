"""Numbers that a run uses unless told otherwise, in one place for the command line and the library."""

from __future__ import annotations

#: Placebo neighbourhoods wanted for each test.
DEFAULT_DRAWS = 9999

#: Seed of the draws and of the demonstration data. No seed is special: this one gives a demonstration whose primary
#: interval holds the true effect, as more than nine in ten do.
DEFAULT_SEED = 3
