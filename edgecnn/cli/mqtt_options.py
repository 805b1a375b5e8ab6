"""Options of `edgecnn live` that say to which MQTT broker it tells what."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from . import broker_options, bundle, printing, wrong_usage
from .given import first_given
from .options import a_number

if TYPE_CHECKING:
    from edgecnn.device.live.outlets.broker import Broker
    from edgecnn.device.live.outlets.mqtt import Mqtt
    from edgecnn.device.live.tally import Tally
    from edgecnn.device.live.watcher import Watcher

_WITH_BROKER = (
    "mqtt_ca", "mqtt_cert", "mqtt_key", "mqtt_password_file", "mqtt_device", "mqtt_discovery", "mqtt_interval",
)  # fmt: skip


class MqttOptions(NamedTuple):  # making a frozen dataclass takes two milliseconds more, at every start
    """How the options of a command say that a broker is to be told.

    Attributes:
        mqtt: the broker, as its URL says; None for none.
        mqtt_ca: certificates of authorities.
        mqtt_cert: what the broker is shown.
        mqtt_key: its key.
        mqtt_password_file: the broker's password.
        mqtt_device: what this station is called.
        mqtt_discovery: whether Home Assistant is told what there is.
        mqtt_interval: seconds between two reports.
    """

    mqtt: "Broker | None"
    mqtt_ca: Path | None
    mqtt_cert: Path | None
    mqtt_key: Path | None
    mqtt_password_file: Path | None
    mqtt_device: str | None
    mqtt_discovery: bool
    mqtt_interval: float

    def check(self) -> "tuple[Broker, str] | None":
        """The broker, whole, and what this station is called; None where no broker is to be told.

        Raises:
            click.UsageError: options contradict each other, or files do not hold what they must.
            MissingExtraError: paho-mqtt is not installed.
        """
        self.refuse_contradictions()
        if self.mqtt is None:
            return None
        from edgecnn.optional_packages import require_paho

        require_paho()
        with wrong_usage.bad_options():
            return self._files().complete(self.mqtt), self._device()

    def refuse_contradictions(self) -> None:
        """Refuse what cannot be, on whatever machine.

        Raises:
            click.UsageError: options contradict each other, or the broker's URL.
        """
        if self.mqtt is None:
            if option := first_given(*_WITH_BROKER):
                raise click.UsageError(f"{option} goes with --mqtt")
            return
        with wrong_usage.bad_options():
            self._files().refuse_contradictions(self.mqtt)
            if self.mqtt_device is not None:  # else it is called as that machine is
                self._device()

    def open(self, watcher: "Watcher", tally: "Tally", model: str, outlets: contextlib.ExitStack) -> None:
        """Tell the broker of `watcher` and of what `tally` counts, until `outlets` are closed.

        Raises:
            click.UsageError: as `check` raises it.
            EdgecnnError: likewise, or counters cannot be kept.
        """
        checked = self.check()
        if checked is None:
            return
        from edgecnn.atomic_files import claimed
        from edgecnn.device.live.outlets.counter_file import CounterFile, counter_path
        from edgecnn.device.live.outlets.mqtt import Mqtt
        from edgecnn.device.live.outlets.reports import Reports
        from edgecnn.device.live.proof import prove
        from edgecnn.device.live.station import describe_station
        from edgecnn.errors import OutputError
        from edgecnn.user_state import state_folder

        broker, device = checked
        tell, labels = watcher.notes[0], watcher.classifier.labels
        station = describe_station(watcher.classifier, model)
        path = counter_path(state_folder(), device, station, labels)
        try:
            outlets.enter_context(claimed([path], force=True))
        except OutputError as error:
            words = f"the counters of {device} cannot be kept; a second station needs a --mqtt-device of its own"
            raise OutputError(f"{words} ({error})") from None
        proof = prove(watcher.classifier)
        if proof.passed is False:
            tell(f"{station.model} does not answer its golden probes as it should, and the broker is told so")
        file = CounterFile(path, labels, tell)
        reports = Reports(device, station, watcher, tally, file, proof=proof, interval=self.mqtt_interval)
        reports.save()
        mqtt = Mqtt(broker, reports, tell, announce=self.mqtt_discovery)
        outlets.callback(_close, mqtt)
        watcher.change_listeners.append(mqtt)

    def _files(self) -> broker_options.BrokerFiles:
        return broker_options.BrokerFiles(self.mqtt_ca, self.mqtt_cert, self.mqtt_key, self.mqtt_password_file)

    def _device(self) -> str:
        """What the station is called: as the machine, unless an option says otherwise.

        Raises:
            InputError: that cannot be.
        """
        import socket

        from edgecnn.device_name import require_device_name
        from edgecnn.errors import InputError

        try:
            machine = socket.gethostname().partition(".")[0]
            return require_device_name(machine if self.mqtt_device is None else self.mqtt_device)
        except InputError as error:
            raise InputError(f"{error}; name it with --mqtt-device") from None


def _close(mqtt: "Mqtt") -> None:
    mqtt.close()
    missed = mqtt.lost + mqtt.waiting
    if missed:
        printing.note(f"the MQTT broker did not hear of {missed:,} {'change' if missed == 1 else 'changes'}")


# In reverse: click lists last what is added first.
_OPTIONS = (
    click.option(
        "--mqtt-interval",
        type=click.FloatRange(1, 86400),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        callback=a_number,
        help="Seconds between two messages on state and counters, which are written to a file each time.",
    ),
    click.option(
        "--mqtt-discovery/--no-mqtt-discovery",
        default=True,
        show_default=True,
        help="Whether Home Assistant is told what there is, so that it appears there by itself.",
    ),
    click.option(
        "--mqtt-device",
        metavar="NAME",
        help="What this station is called in topics; each needs a name of its own.  [default: the machine's]",
    ),
    *broker_options.FILES,
    click.option(
        "--mqtt",
        metavar="URL",
        callback=broker_options.parse,
        help="Tell an MQTT broker state, answer and counters, in topics PREFIX/DEVICE/...; never pictures. The URL is "
        "mqtt://USER@HOST:PORT/PREFIX, or mqtts:// with TLS; PREFIX is edgecnn where there is none.",
    ),
)

bundled = bundle.bundled(MqttOptions, "mqtt_options", _OPTIONS)
