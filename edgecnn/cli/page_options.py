"""Options of the page of `edgecnn live`, and what is kept of the frames."""

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from . import bundle, printing, wrong_usage
from .given import first_given

if TYPE_CHECKING:
    from edgecnn.device.live.keeping import Keeper, KeepRule
    from edgecnn.device.live.server.guard import Admission
    from edgecnn.device.live.tally import Tally
    from edgecnn.device.live.watcher import Watcher

_OF_THE_PAGE = ("host", "port", "allow_host")
_PACKAGES = ("starlette", "uvicorn", "websockets")

_OPEN_WIFI = (
    "On an open Wi-Fi others can read along, the link's token too. Safer is the page on its own machine, through "
    "ssh -L {port}:localhost:{port} USER@{host}, with neither --host nor a token."
)


class PageOptions(NamedTuple):  # making a frozen dataclass takes two milliseconds more, at every start
    """How the options of a command say that a page is to be served.

    Attributes:
        host: name or address to listen on.
        port: likewise; 0 for a free one.
        allow_host: further names that the page may be called by.
        no_page: whether there is none.
        keep: what is kept.
    """

    host: str
    port: int
    allow_host: tuple[str, ...]
    no_page: bool
    keep: "tuple[KeepRule, ...]"

    def check(self) -> bool:
        """Whether a page is to be served.

        Raises:
            click.UsageError: options contradict each other.
            EdgecnnError: the page cannot be served, or frames not be kept.
        """
        self.refuse_contradictions()
        for rule in self.keep:
            rule.require_folder()
        return not self.no_page and self._is_possible()

    def refuse_contradictions(self) -> None:
        """Refuse what cannot be, on whatever machine.

        Raises:
            click.UsageError: options contradict each other.
        """
        kinds = {rule.kind for rule in self.keep}
        if len(kinds) < len(self.keep):
            raise click.UsageError("--keep says twice where frames of one kind go; give each kind once")
        if self.no_page and "chosen" in kinds:
            raise click.UsageError("--keep chosen is done in the page; leave out --no-page")
        if self.no_page and (option := first_given(*_OF_THE_PAGE)):
            raise click.UsageError(f"{option} is of the page; leave out --no-page")

    def open(
        self, watcher: "Watcher", tally: "Tally", model: str, threshold: float, outlets: contextlib.ExitStack
    ) -> None:
        """Serve the page of `watcher`, and what `tally` counts; keep what is to be kept; until `outlets` are closed.

        Raises:
            click.UsageError: options contradict each other.
            EdgecnnError: the page cannot be served, or frames not be kept.
        """
        from edgecnn.device.live.keeping import DoubtKeeper, Keeper

        is_served = self.check()
        keepers = {rule.kind: Keeper(rule) for rule in self.keep}
        if is_served:
            self._serve(watcher, tally, model, keepers.get("chosen"), outlets)
        if "doubtful" in keepers:
            doubt = DoubtKeeper(keepers["doubtful"], threshold, watcher.notes[0])
            outlets.callback(doubt.close)
            watcher.listeners.append(doubt)
        for rule in self.keep:
            printing.note(rule.words())

    def _is_possible(self) -> bool:
        """Whether what the page needs is installed; without it, who did not ask for a page can do without.

        Raises:
            MissingExtraError: it is not, and an option of the page was given.
        """
        from edgecnn.errors import MissingExtraError
        from edgecnn.optional_packages import require_package

        try:
            for package in _PACKAGES:
                require_package("the page", package, "live")
        except MissingExtraError as error:
            chosen = any(rule.kind == "chosen" for rule in self.keep)
            if chosen or first_given(*_OF_THE_PAGE):
                raise
            printing.note(f"Note: no page is served: {error}")
            return False
        return True

    def _serve(
        self,
        watcher: "Watcher",
        tally: "Tally",
        model: str,
        keeper: "Keeper | None",
        outlets: contextlib.ExitStack,
    ) -> None:
        from edgecnn.device.live.outlets.metrics import metrics_route
        from edgecnn.device.live.server.app import PageTexts
        from edgecnn.device.live.server.serving import LiveServer, advice_on_maps
        from edgecnn.device.live.station import describe_station

        texts = PageTexts(Path(model).name, advice_on_maps(model, watcher), tuple(rule.words() for rule in self.keep))
        admission = self._admission()
        metrics = metrics_route(watcher, tally, describe_station(watcher.classifier, model))
        server = LiveServer(watcher, texts, admission, self.port, keeper=keeper, routes=[metrics])
        outlets.callback(server.close)
        self._print_link(admission, server.port)

    def _admission(self) -> "Admission":
        from edgecnn.device.live.server.guard import Admission, is_loopback
        from edgecnn.device.live.server.token import load_token, token_file

        is_own = is_loopback(self.host) and not self.allow_host  # who comes by a proxy comes from anywhere
        token = "" if is_own else load_token(token_file())
        return Admission(self.host, self.allow_host, token)

    def _print_link(self, admission: "Admission", port: int) -> None:
        import socket

        from edgecnn.device.live.server.guard import is_loopback

        name = admission.host
        if name in ("0.0.0.0", "::"):  # noqa: S104 - asked for by the user, and behind a token
            name = socket.gethostname()
        link = f"http://{f'[{name}]' if ':' in name else name}:{port}/"
        if not admission.token:
            printing.note(f"The page: {link}")
            return
        printing.note(f"The page: {link}?token={admission.token}")
        for further in admission.allowed:
            printing.note(
                f"Through a proxy that is called {further}, its link ends likewise: /?token={admission.token}"
            )
        if not is_loopback(admission.host):
            printing.note(_OPEN_WIFI.format(port=port, host=name))


def _keep(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> "tuple[KeepRule, ...]":
    if not values:
        return ()
    from edgecnn.device.live.keeping import parse_keep

    with wrong_usage.bad_value():
        return tuple(map(parse_keep, values))


def _names(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _is_name(value):
            raise click.BadParameter(
                f"{value!r} is no name; write one as it is, without http://, port and path: camera.example.org"
            )
    return tuple(value.rstrip(".") for value in values)


def _is_name(value: str) -> bool:
    """Whether a browser may ask for it: a name of the DNS or an address."""
    from urllib.parse import urlsplit

    try:
        name = urlsplit(f"//[{value}]" if value.count(":") > 1 else f"//{value}").hostname
    except ValueError:
        return False
    return name == value.lower() and not re.search(r"[\s*]", value)


# In reverse: click lists last what is added first.
_OPTIONS = (
    click.option(
        "--keep",
        multiple=True,
        metavar="KIND=DIR[,SIZE]",
        callback=_keep,
        help="Keep frames, at most 500MB of them unless SIZE says more: doubtful=DIR those below --threshold, the "
        "oldest make way; chosen=DIR those that somebody names the class of in the page, for train --data. Once each.",
    ),
    click.option("--no-page", is_flag=True, help="Serve no page."),
    click.option(
        "--allow-host",
        multiple=True,
        metavar="NAME",
        callback=_names,
        help="A further name that the page may be called by, as behind a proxy; the page asks for the token in the "
        "link then. May be repeated.",
    ),
    click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=8765,
        show_default=True,
        help="Where the page listens; 0 for a free one.",
    ),
    click.option(
        "--host",
        default="127.0.0.1",
        show_default=True,
        metavar="NAME",
        help="Name or address where the page listens. The default is reached from this machine alone, without a "
        "token; others ask for the one in the link.",
    ),
)

bundled = bundle.bundled(PageOptions, "page_options", _OPTIONS)
