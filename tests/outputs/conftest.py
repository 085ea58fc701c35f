"""One result and its outputs, made once for all tests of this folder."""

from __future__ import annotations

import pytest
from result_builders import COMMAND, HASH, make_result

from cseval.reporting.write import build_outputs


@pytest.fixture(scope="session")
def result():
    return make_result()


@pytest.fixture(scope="session")
def outputs(result):
    return build_outputs(result, protocol_hash=HASH, command=COMMAND)


@pytest.fixture(scope="session")
def hostile():
    return build_outputs(make_result(hostile=True), protocol_hash=HASH, command=COMMAND)
