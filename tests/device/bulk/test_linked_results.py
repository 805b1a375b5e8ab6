"""Links where results go: what they lead to is somebody's own."""

from pathlib import Path

import pytest

from edgecnn import OutputError
from edgecnn.device.bulk.results import Results


def test_what_links_lead_to_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine\n")
    (tmp_path / ".r.csv.partial").symlink_to("precious")
    Results(tmp_path / "r.csv", {}, resume=False, force=False).close()
    assert (tmp_path / "precious").read_text() == "mine\n"


def test_a_broken_link_is_not_replaced_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.symlink_to("nowhere")
    with pytest.raises(OutputError, match=r"r\.csv is a link to nothing"):
        Results(path, {}, resume=False, force=False)
    assert path.is_symlink()
