"""What made a file, and when."""

from datetime import datetime, timedelta, timezone
from importlib.metadata import version

import pytest

from edgecnn.model_file.provenance import stamp


def test_stamp_holds_the_versions_here_and_the_time_in_utc() -> None:
    pytest.importorskip("keras", reason="only where models are trained and converted")
    found = stamp("abc")
    assert (found.edgecnn, found.keras) == (version("edgecnn"), version("keras"))
    assert found.tensorflow in ("none", version("tensorflow")) and found.parent_sha256 == "abc"
    age = datetime.now(timezone.utc) - datetime.fromisoformat(found.created)
    assert timedelta(0) <= age < timedelta(minutes=1) and found.created.endswith("+00:00")
