"""How a device is reached: by the user's own ssh, with the user's own keys, agent, jump hosts and settings."""

import re
import shutil
from dataclasses import dataclass

from edgecnn.errors import InputError, MissingExtraError

# Reads how long a program is, then the program, and runs it; at the end of its input it ends. A login shell of any kind
# takes this line, which has no word of the user's in it.
_REMOTE = """exec sh -c 'while IFS= read -r n; do eval "$(head -c "$n")" || exit; done'"""
_DECIDED = ("stricthostkeychecking", "batchmode")


@dataclass(frozen=True)
class Ssh:
    """A device, and the way to it.

    Attributes:
        destination: `user@host`, a name of ~/.ssh/config, or `ssh://user@host:port`.
        program: the ssh client.
        port: None for what ssh's settings say.
        options: `KEY=VALUE`, as of `ssh -o`.
        accept_new: whether the key of a host that was never seen is taken; one that has changed never is.
        ask: whether somebody is there whom ssh may ask for a password or about a key.
    """

    destination: str
    program: str = "ssh"
    port: int | None = None
    options: tuple[str, ...] = ()
    accept_new: bool = False
    ask: bool = False

    def __post_init__(self) -> None:
        """Refuse what ssh would take for something else.

        Raises:
            InputError: no destination, or an option that would leave host keys unchecked.
        """
        if not re.fullmatch(r"[^\s\x00-\x1f-][^\s\x00-\x1f]*", self.destination) or "@-" in self.destination:
            raise InputError(f"{self.destination!r} is no device: write user@host, or a name of ~/.ssh/config")
        for option in self.options:
            key, _, value = option.replace(" ", "=", 1).partition("=")
            if not value:
                raise InputError(f"an option of ssh is KEY=VALUE, such as ProxyJump=gate. Received: {option!r}")
            if key.lower() in _DECIDED or (key.lower().endswith("knownhostsfile") and "/dev/null" in value):
                raise InputError(f"{key} is not for --ssh-option: host keys are always checked; see --accept-new-host")

    def command(self) -> list[str]:
        """The line that starts ssh, and on the device the shell that reads programs.

        Raises:
            MissingExtraError: there is no ssh.
        """
        program = shutil.which(self.program)
        if program is None:
            raise MissingExtraError(
                f"there is no program {self.program} here: install OpenSSH's client (apt install openssh-client), or "
                "name another with --ssh"
            )
        settings = [
            f"StrictHostKeyChecking={'accept-new' if self.accept_new else 'ask'}",
            f"BatchMode={'no' if self.ask else 'yes'}",
            *self.options,
            "ConnectTimeout=30",
            "ServerAliveInterval=15",
        ]
        port = [] if self.port is None else ["-p", str(self.port)]
        options = [word for setting in settings for word in ("-o", setting)]
        return [program, "-T", *options, *port, "--", self.destination, _REMOTE]
