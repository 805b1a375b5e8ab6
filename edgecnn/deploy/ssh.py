"""How a device is reached: by the user's own ssh, with the user's own keys, agent, jump hosts and settings."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from edgecnn.errors import InputError, MissingExtraError

from .ssh_settings import host_key_check, our_options, read_settings

# Reads how long a program is, then the program, and runs it; at the end of its input it ends. A login shell of any kind
# takes this line, which has no word of the user's in it.
_REMOTE = """exec sh -c 'while IFS= read -r n; do eval "$(head -c "$n")" || exit; done'"""
# Options that would leave host keys unchecked, and their values that would.
_UNCHECKED = {
    "stricthostkeychecking": ("no", "off", "false"),
    "nohostauthenticationforlocalhost": ("yes", "true"),
    "userknownhostsfile": ("/dev/null", "none"),
    "globalknownhostsfile": ("/dev/null", "none"),
}


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
        plain = re.fullmatch(r"[^\s\x00-\x1f-][^\s\x00-\x1f]*", self.destination)
        if not plain or re.search(r"@-|@$|@:\d*$|^@|/@", self.destination):
            raise InputError(f"{self.destination!r} is no device: write user@host, or a name of ~/.ssh/config")
        for option in self.options:
            key, _, value = option.replace(" ", "=", 1).partition("=")
            if not value:
                raise InputError(f"an option of ssh is KEY=VALUE, such as ProxyJump=gate. Received: {option!r}")
            if set(value.lower().strip('" ').split()) & set(_UNCHECKED.get(key.lower(), ())):
                raise InputError(f"{key}={value}: host keys are always checked; see --accept-new-host")

    def command(self, tell: Callable[[str], None]) -> list[str]:
        """The line that starts ssh, and on the device the shell that reads programs.

        Args:
            tell: hears what of the user's settings does not count.

        Raises:
            DeployError: ssh's settings cannot be read, or keep no host keys.
            MissingExtraError: there is no ssh.
        """
        program = shutil.which(self.program)
        if program is None:
            raise MissingExtraError(
                f"there is no program {self.program} here: install OpenSSH's client (apt install openssh-client), or "
                "name another with --ssh"
            )
        port = [] if self.port is None else ["-p", str(self.port)]
        own = [word for option in self.options for word in ("-o", option)]
        settings = read_settings(program, [*own, *port, "--", self.destination], self.destination)
        check = host_key_check(settings, self.destination, self.accept_new, tell)
        ours = [f"StrictHostKeyChecking={check}", *our_options(settings)]
        if not self.ask:
            ours.append("BatchMode=yes")
        # Of two values ssh takes the first.
        words = [word for option in ours for word in ("-o", option)]
        return [program, "-T", *words, *own, *port, "--", self.destination, _REMOTE]
