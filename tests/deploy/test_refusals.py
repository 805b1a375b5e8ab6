"""What cannot be done is said in one sentence, and the device is as it was."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecnn.device import bundled_models, sample_images
from tests.deploy.conftest import Deploy
from tests.support.command_line import SCRIPTS, Outcome, Run, sentence
from tests.support.devices import Device, needs_sshd, running, set_up
from tests.support.ports import closed_port
from tests.support.ssh_keys import make_key

pytestmark = needs_sshd
MODEL, OTHER = bundled_models()["fashion-mnist"], bundled_models()["fashion-mnist.activations"]


def holds(device: Device) -> list[str]:
    """All that was written there."""
    return sorted(str(path.relative_to(device.root)) for path in device.root.rglob("*") if "venvs" not in path.parts)


@pytest.mark.parametrize(
    "host", ["-oProxyCommand=touch x", "pi@-lhost", "pi @host", "pi@host\nx", "", "pi@", "@pi", "ssh://@pi", "pi@:22"]
)
def test_what_ssh_would_take_for_an_option_is_no_device(host: str, edgecnn: Run) -> None:
    said = edgecnn("deploy", "--status", "--", host)
    assert said.exit_code == 2 and "is no device: write user@host" in said.stderr


@pytest.mark.parametrize(
    "option", ["StrictHostKeyChecking=no", "userknownhostsfile /dev/null", "NoHostAuthenticationForLocalhost=yes"]
)
def test_no_option_leaves_host_keys_unchecked(option: str, edgecnn: Run) -> None:
    said = edgecnn("deploy", "pi@127.0.0.1", "--status", "--ssh-option", option)
    assert said.exit_code == 2 and "host keys are always checked; see --accept-new-host" in said.stderr


def test_an_option_of_ssh_has_a_value(edgecnn: Run) -> None:
    said = edgecnn("deploy", "pi@127.0.0.1", "--status", "--ssh-option", "Compression")
    assert said.exit_code == 2 and "an option of ssh is KEY=VALUE" in said.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["m", "pi@h", "--status"], "stand alone"),
        (["pi@h", "--status", "--rollback"], "stand alone"),
        (["pi@h", "--rollback", "--require-signature", __file__], "--require-signature goes with a MODEL"),
        (["pi@h", "--rollback", "--no-service"], "--no-service goes with a MODEL"),
        (["pi@h", "--status", "--sample", __file__], "--sample goes with a MODEL"),
        (["pi@h", "--status", "--wheels", "."], "--wheels goes with a MODEL"),
        (["pi@h", "--status", "--refresh"], "--refresh goes with a MODEL"),
        (["pi@h", "--rollback", "--python", "python3"], "--python goes with a MODEL"),
        (["pi@h", "--status", "--keep", "3"], "--keep goes with a MODEL"),
        (["fashion-mnist"], "name model and device"),
        (["fashion-mnist", "pi@h", "--no-service", "--service", "x"], "--no-service contradicts"),
        (["fashion-mnist", "pi@h", "--service", "a b"], "a service cannot be called a b"),
        (["fashion-mnist", "pi@h", "--", "--treshold", "1"], "No such option"),
        (["fashion-mnist", "pi@h", "--", "--frames", "1"], "a service is to go on: leave out --frames"),
        (["fashion-mnist", "pi@h", "--", "--dry-run"], "a service is to go on: leave out --dry-run"),
        (["fashion-mnist", "pi@h", "--delegate-option", "a=b"], "go with --delegate"),
        (["fashion-mnist", "pi@h", "--max-drift", "nan"], "nan is no number"),
        (["fashion-mnist", "pi@h", "--max-drift", "50"], "--max-drift goes with --sample"),
        (["fashion-mnist", "pi@h", "--", "--require-signature", "f"], "write --require-signature before --"),
        (["fashion-mnist", "pi@h", "--", "--delegate", "cpu"], "write --delegate before --"),
        (["fashion-mnist", "pi@h", "--", "--delegate-option", "a=b"], "write --delegate-option before --"),
        (["fashion-mnist", "pi@h", "--", "--require-delegate", "full"], "write --require-delegate before --"),
        (["fashion-mnist", "pi@h", "--no-service", "--system"], "--no-service contradicts"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(arguments: list[str], words: str, edgecnn: Run) -> None:
    said = edgecnn("deploy", *arguments)
    assert said.exit_code == 2 and words in said.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--source", "rtsp://x/1", "--fps", "5"], "--fps means nothing to a source such as URL"),
        (["--source", "camera", "--loop"], "--loop means nothing to a source such as camera"),
        (["--source", "/dev/video2", "--loop"], "--loop means nothing to a source such as /dev/video0"),
        (["--source", "samples", "--size", "64x64"], "--size means nothing to a source such as samples"),
        (["--crop", "0,0,10,10", "--whole"], "--crop and --whole contradict each other"),
        (["--keep", "chosen=/srv/kept", "--no-page"], "--keep chosen is done in the page"),
        (["--keep", "doubtful=/srv/a", "--keep", "doubtful=/srv/b"], "give each kind once"),
        (["--no-page", "--port", "80"], "--port is of the page"),
        (["--no-mqtt-discovery"], "--no-mqtt-discovery goes with --mqtt"),
        (["--mqtt", "mqtts://b", "--mqtt-key", "/etc/key"], "--mqtt-key goes with --mqtt-cert"),
        (["--mqtt", "mqtt://b", "--mqtt-ca", "/etc/ca"], "begins with mqtts://"),
        (["--mqtt", "mqtt://b", "--mqtt-device", "front door"], "'front door' cannot name a device"),
        (["--webhook", ""], "'--webhook': it is empty; leave the option out"),
        (["--source="], "'--source': it is empty"),
        (["--mqtt", "mqtts://b", "--mqtt-cert", ""], "'--mqtt-cert': it is empty"),
        (["--webhook", "ftp://x"], "the webhook must be a URL"),
        (["--fallback", "cpu"], "--fallback goes with --delegate, which stands before --"),
        (["--audit", "5%"], "--audit goes with --delegate"),
    ],
)
def test_options_of_live_that_the_device_would_refuse_are_not_sent_there(
    options: list[str], words: str, edgecnn: Run
) -> None:
    said = edgecnn("deploy", "fashion-mnist", "pi@127.0.0.1", "--port", "1", "--", *options)
    assert said.exit_code == 2 and words in said.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["--source", __file__, "--fps", "5"],  # there a folder may have that name
        ["--source", "film.mp4", "--size", "64x64"],
        ["--keep", "doubtful=/srv/kept", "--mqtt", "mqtts://b", "--mqtt-ca", "/etc/ca"],
    ],
)
def test_what_only_the_device_can_know_is_not_refused_here(
    options: list[str], edgecnn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "of this computer, which no station can be called")
    with closed_port() as port:
        said = edgecnn("deploy", "fashion-mnist", "pi@127.0.0.1", "--port", str(port), "--", *options)
    assert "no ssh answers" in sentence(said)


@pytest.mark.parametrize("place", ["/home/pi/of the device", "/"])
def test_files_in_options_of_live_are_not_looked_for_here(place: str, edgecnn: Run) -> None:
    options = ("ca", "cert", "key", "password-file")
    files = [word for name in options for word in (f"--mqtt-{name}", place)]
    live = ["--mqtt", "mqtts://pi@broker", *files, "--labels", place]
    with closed_port() as port:
        said = edgecnn("deploy", "fashion-mnist", "pi@127.0.0.1", "--port", str(port), "--", *live)
    assert "no ssh answers" in sentence(said)


def test_a_damaged_model_is_refused_before_anybody_is_asked(edgecnn: Run, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(MODEL.read_bytes()[:-1000])
    assert "cut.tflite" in sentence(edgecnn("deploy", cut, "pi@127.0.0.1", "--port", "1"))
    assert "no model file" in sentence(edgecnn("deploy", tmp_path / "none", "pi@127.0.0.1", "--port", "1"))


def test_nobody_answers_nobody_is_known_nobody_has_ssh(edgecnn: Run) -> None:
    with closed_port() as port:
        refused = edgecnn("deploy", MODEL, "pi@127.0.0.1", "--port", str(port))
    assert "no ssh answers" in sentence(refused) and "name its --port" in refused.stderr
    assert "there is no host pi@pi.invalid" in sentence(edgecnn("deploy", MODEL, "pi@pi.invalid"))
    assert "there is no program plink" in sentence(edgecnn("deploy", MODEL, "pi@127.0.0.1", "--ssh", "plink"))


def test_an_unknown_key_is_taken_only_when_asked_and_a_changed_one_never(device: Device, deploy: Deploy) -> None:
    known = device.known_hosts.read_text()
    device.known_hosts.write_text("")
    assert "does not trust its key" in sentence(deploy(device, "--status"))
    assert deploy(device, "--status", "--accept-new-host").stdout.endswith("nothing is deployed there\n")
    assert known.split()[2] in device.known_hosts.read_text()
    host, kind, _ = known.split()
    other = make_key(device.folder, "other").with_suffix(".pub").read_text().split()[1]
    device.known_hosts.write_text(f"{host} {kind} {other}\n")
    for option in ((), ("--accept-new-host",)):
        assert "does not have the host key that ssh knows of it" in sentence(deploy(device, "--status", *option))


def test_a_stranger_is_not_let_in(device: Device, deploy: Deploy) -> None:
    (device.folder / "authorized_keys").write_text("")
    assert "does not let you in" in sentence(deploy(device, MODEL)) and not holds(device)


def test_an_account_without_a_shell_is_told(device: Device, deploy: Deploy) -> None:
    key = device.key.with_suffix(".pub").read_text()
    (device.folder / "authorized_keys").write_text(f'command="echo only sftp here >&2; exit 1" {key}')
    assert "(only sftp here)" in sentence(deploy(device, MODEL))


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with all programs that a deployment needs but Python."""
    folder = tmp_path / "programs"
    folder.mkdir()
    names = (
        "awk basename cat cut df dirname flock grep head id ls mkdir mktemp mv readlink rm sed sh sha256sum tail tar"
    )
    for name in f"{names} timeout wc".split():
        path = shutil.which(name)
        assert path, name
        (folder / name).symlink_to(path)
    return folder


def test_a_device_without_python_with_an_old_one_and_without_venv(
    make_device: Callable[..., Device], deploy: Deploy, programs: Path, edgecnn: Run
) -> None:
    device = make_device(PATH=str(programs))
    assert "there is no Python on" in sentence(deploy(device, MODEL))
    assert "/nowhere/python on" in sentence(deploy(device, MODEL, "--python", "/nowhere/python"))
    python = programs / "python3"
    python.write_text(f"#!/bin/sh\nexec '{sys.executable}' -I -c \"$OLD\n$3\"\n")
    python.chmod(0o755)
    for old, words in (
        ("import sys; sys.version_info = (3, 9, 2)", "has Python 3.9.2, and edgecnn needs 3.10 or newer"),
        (
            "import sys; sys.version_info = (3, 15, 0)",
            "has Python 3.15.0, and there is a runtime for Python up to 3.14",
        ),
        ("import sys; sys.modules['venv'] = None", "sudo apt install python3-venv"),
        (
            "import platform; platform.machine = lambda: 'riscv64'",
            "has a processor riscv64, for which there is no runtime",
        ),
    ):
        python.write_text(f"#!/bin/sh\nexec '{sys.executable}' -I -c \"{old}\n$3\"\n")
        assert words in sentence(edgecnn("deploy", MODEL, device.name, *device.options)), old
    (programs / "flock").unlink()
    assert "has no program flock" in sentence(deploy(device, MODEL)) and not holds(device)


def test_a_full_disk_is_seen_before_and_found_on_the_way(
    first: tuple[Outcome, Path], deploy: Deploy, tmp_path: Path
) -> None:
    """Of few bytes, and of few files, which nobody counts before."""
    place = ".local/share/edgecnn/deploy"
    mount = 'mount -t tmpfs -o "$0" tmpfs "$1" && mkdir -p "$1/$2" && ln -s "$3" "$1/$2" && shift 3 && exec "$@"'
    for number, (option, words) in enumerate(
        (("size=4m", "MB are needed: free some space there"), ("nr_inodes=12", "there is no space left on"))
    ):
        device = set_up(tmp_path / str(number))
        disk = (option, str(device.home), place, str(first[1] / "ho me" / place / "venvs"))
        start = ("unshare", "--mount", "sh", "-c", mount, *disk)
        if subprocess.run([*start, "true"], capture_output=True).returncode:
            pytest.skip("nobody may mount a disk here")
        with running(device, start):
            samples = [word for path in sample_images()[:4] for word in ("--sample", str(path))]
            assert words in sentence(deploy(device, MODEL, *samples))


def test_a_disk_that_is_full_here_is_told_as_such(device: Device, wheelhouse: Path) -> None:
    # The kernel refuses to write beyond 100 kB here, as on a full disk; the model alone has more.
    script = [sys.executable, str(SCRIPTS / "on_a_full_disk.py"), "100000"]
    arguments = ["deploy", str(MODEL), device.name, *device.options, "--wheels", str(wheelhouse)]
    done = subprocess.run([*script, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "Error: there is no room for temporary files in" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and not holds(device)
