"""What the user's own settings of ssh say for a device, and what of it a deployment keeps or overrules."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from edgecnn.errors import DeployError

Settings = Mapping[str, str]  # as `ssh -G` prints them: keys in small letters

# What would keep the device's shell from answering here, or its key from being checked. A connection that is there
# already (ControlPath) is used; none is left behind that would hold on to this command's standard error.
_OURS = {
    "remotecommand": "none",
    "sessiontype": "default",
    "stdinnull": "no",
    "controlmaster": "no",
    "clearallforwardings": "yes",
    "nohostauthenticationforlocalhost": "no",
}
_WHERE_UNSET = {"connecttimeout": ("none", "30"), "serveraliveinterval": ("0", "15")}
_SILENT = ("SILENT", "QUIET", "FATAL")  # levels at which ssh does not say why it fails; it prints QUIET as SILENT
_NO_FILES = ("/dev/null", "none")


def read_settings(program: str, arguments: list[str], host: str) -> Settings:
    """The settings that ssh would go by.

    Args:
        program: the ssh client.
        arguments: its options and the destination.
        host: the device, for messages.

    Raises:
        DeployError: ssh cannot read them.
    """
    answer = subprocess.run(
        [program, "-G", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if answer.returncode:
        lines = [line for line in answer.stderr.splitlines() if line.strip()]
        reason = lines[0].rstrip(".") if lines else f"exit code {answer.returncode}"
        raise DeployError(f"ssh cannot read its settings for {host} ({reason}): correct them, or --ssh-option")
    pairs = (line.partition(" ") for line in answer.stdout.splitlines())
    return {key: value for key, _, value in pairs}


def host_key_check(settings: Settings, host: str, accept_new: bool, tell: Callable[[str], None]) -> str:
    """How the host's key is checked, a value of StrictHostKeyChecking: the user's own if no looser than asking.

    Args:
        settings: the user's.
        host: the device, for messages.
        accept_new: whether the key of a host that was never seen is to be taken.
        tell: hears what of the settings does not count.

    Raises:
        DeployError: no key is kept that could be checked.
    """
    own = settings.get("stricthostkeychecking", "ask")
    if own in ("true", "yes"):
        if accept_new:
            tell(f"ssh's settings for {host} take no new host key (StrictHostKeyChecking yes): that counts")
        return "yes"
    if own in ("false", "no", "off"):
        tell(f"ssh's settings for {host} take any host key (StrictHostKeyChecking no): here it is checked all the same")
    check = "accept-new" if accept_new or own == "accept-new" else "ask"
    kept = [name for name in settings.get("userknownhostsfile", "").split() if name not in _NO_FILES]
    if not kept and "userknownhostsfile" in settings and (check == "accept-new" or not _are_known(settings)):
        raise DeployError(
            f"ssh's settings for {host} keep no host keys (UserKnownHostsFile {settings['userknownhostsfile']}), so "
            "its key cannot be checked: add --ssh-option UserKnownHostsFile=~/.ssh/known_hosts"
        )
    return check


def our_options(settings: Settings) -> list[str]:
    """`KEY=VALUE` of what counts in place of the user's settings, as far as this ssh knows it."""
    options = [f"{key}={value}" for key, value in _OURS.items() if key in settings]
    options += [f"{key}={value}" for key, (unset, value) in _WHERE_UNSET.items() if settings.get(key, unset) == unset]
    if settings.get("loglevel", "INFO").upper() in _SILENT:
        options.append("loglevel=ERROR")
    if settings.get("stricthostkeychecking") in ("false", "no", "off"):
        options.append("controlpath=none")  # who made that connection did not check the key
    return options


def _are_known(settings: Settings) -> bool:
    """Whether there are host keys that the user does not keep."""
    files = settings.get("globalknownhostsfile", "").split()
    return "knownhostscommand" in settings or any(Path(name).is_file() for name in files if name not in _NO_FILES)
