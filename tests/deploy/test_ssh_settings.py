"""A device is reached by the user's own settings of ssh; those that would leave its key unchecked do not count."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgecnn.deploy.ssh_settings import host_key_check
from edgecnn.errors import DeployError
from tests.support.command_line import Outcome, Run, sentence
from tests.support.devices import Device, needs_sshd, running, set_up
from tests.support.ports import closed_port
from tests.support.ssh_keys import make_key

pytestmark = needs_sshd
Status = Callable[..., Outcome]
NEW = "--accept-new-host"


@pytest.fixture(scope="module")
def pi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    """A device on which nothing is deployed."""
    with running(set_up(tmp_path_factory.mktemp("pi"))) as device:
        yield device


@pytest.fixture
def status(pi: Device, edgecnn: Run, tmp_path: Path) -> Status:
    """Ask `kitchen`, a name of settings of ssh in which these lines stand."""
    config, program = tmp_path / "config", tmp_path / "own-ssh"
    program.write_text(f"#!/bin/sh\nexec ssh -F '{config}' \"$@\"\n")
    program.chmod(0o755)

    def run(*lines: str, key: Path | str = pi.key, port: int = pi.port, arguments: tuple[str, ...] = ()) -> Outcome:
        usual = (
            "Host *", "HostName 127.0.0.1", f"Port {port}", f"IdentityFile {key}", "IdentitiesOnly yes",
            "IdentityAgent none", f"UserKnownHostsFile {pi.known_hosts}",
        )  # fmt: skip
        config.write_text("\n".join(["Host kitchen", *lines, *usual]) + "\n")
        return edgecnn("deploy", "kitchen", "--status", "--ssh", program, *arguments)

    return run


def is_reached(outcome: Outcome, name: str = "kitchen") -> bool:
    return outcome.stdout == f"{name}: nothing is deployed there\n" and outcome.exit_code == 1


def test_what_settings_start_besides_a_shell_does_not_hinder(status: Status, pi: Device) -> None:
    busy = f"LocalForward 127.0.0.1:{pi.port} 127.0.0.1:22"
    assert is_reached(status("RemoteCommand uptime", "RequestTTY force", "SessionType none", "StdinNull yes"))
    assert is_reached(status(busy, "ExitOnForwardFailure yes"))


def test_a_shared_connection_is_used_and_none_is_left_behind(status: Status, pi: Device, tmp_path: Path) -> None:
    path = tmp_path / "shared"
    lines = ("ControlMaster auto", f"ControlPath {path}", "ControlPersist 60")
    assert is_reached(status(*lines)) and not path.exists()
    # Where one is there, a key that would not be let in does not matter.
    ssh: list[str | Path] = ["ssh", "-F", tmp_path / "config", "-o", "BatchMode=yes", "kitchen"]
    subprocess.run([*ssh, "true"], check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    assert path.exists()
    try:
        assert is_reached(status(*lines, key="/nowhere"))
        assert "does not let you in" in sentence(status("StrictHostKeyChecking no", *lines, key="/nowhere"))
    finally:
        subprocess.run([*ssh[:-1], "-O", "exit", "kitchen"], check=True, capture_output=True, timeout=60)


def test_an_agent_and_a_jump_host_lead_there(status: Status, pi: Device, tmp_path: Path) -> None:
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", tmp_path / "agent"], stdout=subprocess.DEVNULL)
    try:
        while not (tmp_path / "agent").exists():
            assert agent.poll() is None
        environment = {**os.environ, "SSH_AUTH_SOCK": str(tmp_path / "agent")}
        subprocess.run(["ssh-add", "-q", pi.key], check=True, env=environment, timeout=60)
        by_agent = (f"IdentityAgent {tmp_path}/agent", "IdentitiesOnly no")
        with running(set_up(tmp_path / "gate")) as gate:
            known = f"UserKnownHostsFile {gate.known_hosts}"
            lines = (*by_agent, f"ProxyJump {pi.name.split('@')[0]}@gate", "Host gate", f"Port {gate.port}", known)
            closed = sentence(status(*lines, key="none"))
            assert "no way to kitchen through its jump host" in closed and "Permission denied" in closed
            (gate.folder / "authorized_keys").write_text(pi.key.with_suffix(".pub").read_text())
            assert is_reached(status(*lines, *by_agent, key="none"))
            with closed_port() as port:
                behind = sentence(status(*lines, *by_agent, key="none", port=port))
            assert "no way to kitchen through its jump host" in behind and "Connection refused" in behind
    finally:
        agent.kill()
        agent.wait()


def test_the_program_of_ssh_askpass_is_asked(
    status: Status, pi: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(tmp_path, "key", "ed25519", "open sesame")
    with (pi.folder / "authorized_keys").open("a") as file:
        file.write(key.with_suffix(".pub").read_text())
    answer = tmp_path / "answer"
    answer.write_text("#!/bin/sh\necho open sesame\n")
    answer.chmod(0o755)
    monkeypatch.delenv("SSH_ASKPASS", raising=False)
    assert "does not let you in" in sentence(status(key=key))
    monkeypatch.setenv("SSH_ASKPASS", str(answer))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    assert is_reached(status(key=key))


def test_any_key_is_never_taken(status: Status, pi: Device, tmp_path: Path) -> None:
    """Whatever the settings say; `no` is said to be overruled, and counts as asking."""
    assert "here it is checked all the same" in status("StrictHostKeyChecking off").stderr
    empty = f"UserKnownHostsFile {tmp_path}/empty"
    assert "does not trust its key" in sentence(status("StrictHostKeyChecking no", empty))
    nowhere = sentence(status("StrictHostKeyChecking no", "UserKnownHostsFile /dev/null", arguments=(NEW,)))
    assert "keep no host keys" in nowhere and "UserKnownHostsFile=~/.ssh/known_hosts" in nowhere
    assert "does not trust its key" in sentence(status("LogLevel QUIET", empty))
    other = tmp_path / "other"
    other.write_text(pi.known_hosts.read_text().replace(f":{pi.port}", ":1"))
    for local in ("NoHostAuthenticationForLocalhost yes", "VerifyHostKeyDNS no"):
        assert "does not trust its key" in sentence(status(local, f"UserKnownHostsFile {other}"))


def test_a_stricter_setting_is_kept(status: Status, tmp_path: Path) -> None:
    empty = f"UserKnownHostsFile {tmp_path}/empty"
    strict = status("StrictHostKeyChecking yes", empty, arguments=(NEW,))
    assert "take no host key that they do not know (StrictHostKeyChecking yes)" in sentence(strict)
    assert "take no new host key (StrictHostKeyChecking yes): that counts" in strict.stderr
    assert "add --accept-new-host" not in strict.stderr and not (tmp_path / "empty").exists()
    option = ("--ssh-option", "StrictHostKeyChecking=yes")
    assert "StrictHostKeyChecking yes" in sentence(status(empty, arguments=option))
    assert is_reached(status("StrictHostKeyChecking yes"))
    assert is_reached(status("StrictHostKeyChecking accept-new", empty)) and (tmp_path / "empty").exists()


def test_what_ssh_leaves_behind_is_not_waited_for(pi: Device, edgecnn: Run, tmp_path: Path) -> None:
    program, left = tmp_path / "own-ssh", tmp_path / "left"
    # As a ProxyCommand that goes on; it holds what ssh writes its errors to.
    behind = f"if [ $1 != -G ]; then sleep 600 & echo $! >'{left}'; fi"
    program.write_text(f'#!/bin/sh\n{behind}\nexec ssh "$@"\n')
    program.chmod(0o755)
    try:
        assert is_reached(edgecnn("deploy", pi.name, "--status", *pi.options, "--ssh", program), pi.name)
    finally:
        os.kill(int(left.read_text()), signal.SIGKILL)


def test_settings_that_ssh_cannot_read_are_one_sentence(status: Status) -> None:
    assert "ssh cannot read its settings for kitchen" in sentence(status("NoSuchSetting yes"))


@pytest.mark.parametrize(
    ("own", "known", "accept_new", "check"),
    [
        ("true", "/dev/null", False, "yes"),
        ("accept-new", "~/.ssh/known_hosts", False, "accept-new"),
        ("ask", "/dev/null ~/keys", True, "accept-new"),
        ("ask", "none", False, None),
        ("accept-new", "/dev/null", False, None),
    ],
)
def test_the_stricter_of_two_counts(own: str, known: str, accept_new: bool, check: str | None) -> None:
    settings = {"stricthostkeychecking": own, "userknownhostsfile": known, "globalknownhostsfile": "/nowhere"}
    said: list[str] = []
    if check is None:
        with pytest.raises(DeployError, match="keep no host keys"):
            host_key_check(settings, "pi", accept_new, said.append)
    else:
        assert host_key_check(settings, "pi", accept_new, said.append) == check and said == []
