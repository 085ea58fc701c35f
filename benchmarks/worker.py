"""The process in which one contestant is timed; `timing.apart` starts it."""

from __future__ import annotations

import json
import resource
import sys
import warnings
from dataclasses import asdict

from benchmarks.cases import ROWS
from benchmarks.panels import Size
from benchmarks.timing import available_memory, measure


def main() -> None:
    """Read the request, time, and print what was found as one line of JSON."""
    request = json.loads(sys.argv[1])
    leave_memory()
    row = next(r for r in ROWS if r.slug == request["row"])
    contestant = next(c for c in row.contestants if c.name == request["name"])
    tiny = Size(**request["tiny"]) if request["tiny"] else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peers warn at every fit
        found = measure(contestant, Size(**request["size"]), tiny, request["repeats"])
    print(json.dumps(asdict(found)))


def leave_memory() -> None:
    """Fail rather than bring the machine to its knees: a tenth of the free memory stays free."""
    free = available_memory()
    if free is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (int(free * 0.9 * 2**30), resource.RLIM_INFINITY))


if __name__ == "__main__":
    main()
