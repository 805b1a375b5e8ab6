"""edgecnn live with its page: the link, who needs a token, what is kept, and what it says where it cannot."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import pytest

from edgecnn.model_file.bundled import sample_images
from tests.support.command_line import Run, sentence
from tests.support.processes import in_time
from tests.support.waiting import PATIENCE, until

MODEL = "fashion-mnist"


def has_kept(folder: Path, count: int) -> bool:
    """Whether so many frames lie there that nothing was sure of."""
    return len(list(folder.glob("unsure/*-Ankle-boot-0.9*.png"))) >= count


@pytest.mark.skipif(os.name != "posix", reason="a signal is sent to another process")
def test_beyond_this_machine_the_link_has_a_token_that_lasts(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="the page needs edgecnn[live]")
    options = ["--source", str(sample_images()[0]), "--loop", "--host", "0.0.0.0", "--port", "0"]  # noqa: S104
    command = [sys.executable, "-m", "edgecnn", "live", MODEL, *options, "--threshold", "1"]
    command += ["--keep", f"doubtful={tmp_path / 'unsure'},1MB", "--keep", f"chosen={tmp_path / 'chosen'}"]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "STATE_DIRECTORY": ""}
    tokens = []
    for run in (1, 2):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        with process, in_time(process):
            assert process.stderr is not None
            said = [process.stderr.readline() for _ in range(4)]
            link = re.search(r"http://\S+:(\d+)/\?token=(\S+)", said[0])
            assert link and "open Wi-Fi" in said[1] and "ssh -L" in said[1]
            assert "doubts are kept in" in said[2] and "you choose are kept in" in said[3]
            assert said[2].rstrip().endswith("at most 1 MB, the oldest make way.")
            address = f"http://127.0.0.1:{link[1]}/api/state"
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(address, timeout=PATIENCE)
            request = urllib.request.Request(address, headers={"Authorization": f"Bearer {link[2]}"})
            assert urllib.request.urlopen(request, timeout=PATIENCE).status == 200  # noqa: S310
            request.full_url = address.replace("api/state", "metrics")
            assert b"edgecnn_source_up 1.0" in urllib.request.urlopen(request, timeout=PATIENCE).read()  # noqa: S310
            tokens.append(link[2])
            assert until(partial(has_kept, tmp_path, run))
            process.send_signal(signal.SIGINT)
            _, rest = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0 and "Traceback" not in rest
    assert tokens[0] == tokens[1]
    assert has_kept(tmp_path, 2) and not (tmp_path / "chosen").exists()


@pytest.mark.skipif(os.name != "posix", reason="a signal is sent to another process")
def test_who_comes_through_a_proxy_needs_the_token_too(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn", reason="the page needs edgecnn[live]")
    options = ["--source", "samples", "--port", "0", "--allow-host", "door.example.org"]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "STATE_DIRECTORY": ""}
    command = [sys.executable, "-m", "edgecnn", "live", MODEL, *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)
    with process, in_time(process):
        assert process.stderr is not None
        link = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", process.stderr.readline())
        assert link and process.stderr.readline().endswith(
            f"called door.example.org, its link ends likewise: /?token={link[2]}\n"
        )
        request = urllib.request.Request(f"http://127.0.0.1:{link[1]}/api/state", headers={"Host": "door.example.org"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request, timeout=PATIENCE)  # noqa: S310
        request.add_header("Authorization", f"Bearer {link[2]}")
        assert urllib.request.urlopen(request, timeout=PATIENCE).status == 200  # noqa: S310
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and "Traceback" not in rest and "Wi-Fi" not in rest


def test_a_port_that_is_taken_is_one_sentence(edgecnn: Run) -> None:
    pytest.importorskip("uvicorn", reason="the page needs edgecnn[live]")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = sentence(edgecnn("live", MODEL, "--source", "samples", "--port", port))
    assert f"port {port}" in told and "--port" in told and "--no-page" in told


def test_a_host_that_is_not_here_is_one_sentence(edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("uvicorn", reason="the page needs edgecnn[live]")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for host in ("192.0.2.1", "no such host", "x" * 300):
        told = sentence(edgecnn("live", MODEL, "--source", "samples", "--port", "0", "--host", host))
        assert "the page cannot be served" in told and ("--host" in told or "no name or address" in told)


@pytest.mark.parametrize(
    "option", [("--port", "8080"), ("--port", "8765"), ("--host", "::1"), ("--allow-host", "door.example.org")]
)
def test_options_of_a_page_that_is_not_served_are_refused(option: tuple[str, str], edgecnn: Run) -> None:
    result = edgecnn("live", MODEL, "--source", "samples", "--no-page", *option, "--dry-run")
    assert result.exit_code == 2 and f"{option[0]} is of the page; leave out --no-page" in result.stderr


_NO_NAMES = (
    "http://door.example.org", "door.example.org/", "door.example.org:8443", "[fd00::1]:8765", "[fd00::1]",
    "*.example.org", "pi@door.example.org", "door?", "two doors",
)  # fmt: skip


@pytest.mark.parametrize("name", _NO_NAMES)
def test_a_further_name_is_a_name_alone(name: str, edgecnn: Run) -> None:
    result = edgecnn("live", MODEL, "--source", "samples", "--allow-host", name, "--dry-run")
    assert result.exit_code == 2 and "is no name; write one as it is, without http://" in result.stderr


@pytest.mark.parametrize(
    "name", ["door.example.org", "Door.Example.org.", "door", "10.0.0.7", "fd00::1", "tür.example.org"]
)
def test_names_and_addresses_are_further_names(name: str, edgecnn: Run) -> None:
    result = edgecnn("live", MODEL, "--source", "samples", "--allow-host", name, "--dry-run")
    assert result.exit_code == 0, result.stderr


def test_without_the_extra_it_watches_and_says_what_the_page_needs(
    edgecnn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)  # as where it is not installed
    watching = ("live", MODEL, "--source", sample_images()[0], "--frames", "1")
    result = edgecnn(*watching)
    assert result.exit_code == 0 and "1 frame, " in result.stderr
    assert re.search(r'no page is served: the page needs \w+: (\S+/)?pip install "edgecnn\[live\]"', result.stderr)
    assert 'pip install "edgecnn[live]"' in sentence(edgecnn(*watching, "--port", "0"))
    without = edgecnn(*watching, "--no-page")
    assert without.exit_code == 0 and "page" not in without.stderr
