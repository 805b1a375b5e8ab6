"""A plugin of pytest: writes how long every test took, and whether it passed, to $EDGECNN_DURATIONS as JSON."""

import json
import os
from pathlib import Path

import pytest

seconds: dict[str, float] = {}
failed: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up a test's setup, call and teardown."""
    seconds[report.nodeid] = seconds.get(report.nodeid, 0.0) + report.duration
    if report.outcome != "passed":
        failed.add(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write what was collected."""
    passed = {name: taken for name, taken in seconds.items() if name not in failed}
    Path(os.environ["EDGECNN_DURATIONS"]).write_text(json.dumps(passed))
