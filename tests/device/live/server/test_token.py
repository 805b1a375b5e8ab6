"""The token lasts, and is nobody else's."""

import os
from pathlib import Path

import pytest

from edgecnn import InputError
from edgecnn.device.live.server.token import load_token, token_file
from tests.support.live_page import served  # noqa: F401 - skips without the extra


def test_it_is_made_once_of_128_bits_and_for_its_owner_alone(tmp_path: Path) -> None:
    place = tmp_path / "state" / "live-token"
    before = os.umask(0)
    try:
        token = load_token(place)
    finally:
        os.umask(before)
    assert len(token) == 22 and place.stat().st_mode & 0o777 == 0o600 and load_token(place) == token
    assert load_token(tmp_path / "other") != token


@pytest.mark.parametrize("text", ["", "short", "x" * 23, "é" * 22, "a b" * 8])
def test_a_file_with_something_else_is_said(text: str, tmp_path: Path) -> None:
    (tmp_path / "t").write_text(text)
    (tmp_path / "t").chmod(0o600)
    with pytest.raises(InputError, match="holds no token"):
        load_token(tmp_path / "t")


def test_one_that_others_may_read_is_refused(tmp_path: Path) -> None:
    load_token(tmp_path / "t")
    (tmp_path / "t").chmod(0o640)
    with pytest.raises(InputError, match="others may read it"):
        load_token(tmp_path / "t")
    with pytest.raises(InputError, match="cannot be read"):
        load_token(tmp_path)


def test_it_lies_with_the_state_of_the_service_or_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert token_file() == tmp_path / "edgecnn" / "live-token"
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/edgecnn:/var/lib/more")
    assert token_file() == Path("/var/lib/edgecnn/live-token")
