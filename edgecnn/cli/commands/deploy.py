"""edgecnn deploy."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import deploy_options, options, printing, wrong_usage
from ..delegate_options import DELEGATES, key_values
from ..deploy_options import DeviceOptions
from ..deployment_lines import print_deployment
from ..runtime_options import require_signature as signature_option

if TYPE_CHECKING:
    from edgecnn.deploy.machine import Machine
    from edgecnn.deploy.release import Release, Service

_EXTRAS = ("heic", "live", "mqtt")


@click.command(name="deploy")
@click.argument("model", metavar="[MODEL]")
@click.argument("host", metavar="USER@HOST", required=False)
@click.argument("live_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- LIVE_OPTIONS...]")
@click.option("--status", is_flag=True, help="Say what runs there, and have it prove itself again.")
@click.option("--rollback", is_flag=True, help="Have the release before run again, once it has proved itself again.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent; change nothing there.")
@click.option(
    "--service",
    metavar="NAME",
    help="Run it as edgecnn service install NAME does, with the LIVE_OPTIONS.  [default: as the release before]",
)
@click.option("--no-service", is_flag=True, help="Run it as no service, and remove that of the release before.")
@click.option(
    "--system/--no-system", "is_system", default=None,
    help="Whether the service is of the whole system, by sudo there.  [default: as the release before, or not]",
)  # fmt: skip
@signature_option
@click.option(
    "--delegate", metavar=DELEGATES, help="What computes the model there.  [default: what the runtime chooses]"
)
@click.option(
    "--delegate-option",
    "delegate_options",
    metavar="KEY=VALUE",
    multiple=True,
    help="An option of the delegate; may be repeated.",
)
@click.option(
    "--require-delegate",
    type=click.Choice(["any", "full"]),
    help="Fail if the delegate computes nothing there, or not all.",
)
@click.option(
    "--sample", type=click.Path(exists=True, dir_okay=False), metavar="IMAGE", multiple=True,
    help="Have the device classify this image too, and look for drift; may be repeated.",
)  # fmt: skip
@deploy_options.max_drift
@deploy_options.keep
@click.option("--extra", type=click.Choice(_EXTRAS), multiple=True, help="Install this extra of edgecnn there too.")
@deploy_options.bundled
@options.as_json
@options.verbose
def command(
    model: str,
    host: str | None,
    live_options: tuple[str, ...],
    status: bool,
    rollback: bool,
    dry_run: bool,
    device_options: DeviceOptions,
    as_json: bool,
    **said: Any,
) -> None:
    """Bring MODEL to a device by ssh, prove it there, and only then switch to it.

    On the device edgecnn verify replays the golden probes before anything is switched; a service that does not get
    well is taken back. The device needs Python and no internet. A service that is there goes on with the new model;
    what is not said of --service, --system and LIVE_OPTIONS stays as it was.

    Example: edgecnn deploy fashion-mnist pi@raspberrypi --service door -- --source camera --no-page
    """
    from edgecnn.deploy import deploying
    from edgecnn.deploy.deployment import Samples

    if status or rollback:
        if host is not None or live_options or dry_run or (status and rollback):
            raise click.UsageError("--status and --rollback stand alone: edgecnn deploy USER@HOST --status")
        deploy_options.refuse_options(said)
        work = deploying.status if status else deploying.roll_back
        done = work(device_options.way(model), printing.note)
    else:
        if host is None:
            raise click.UsageError("name model and device: edgecnn deploy MODEL USER@HOST")
        deploy_options.require_sample(said["sample"])
        way = device_options.way(host)
        planned = _Plan(model, live_options, said)
        samples = Samples(tuple(map(Path, said["sample"])), said["max_drift"] / 100)
        done = deploying.deploy(
            way, planned.release, samples, device_options.supplies(), printing.note, dry_run, said["keep"]
        )
    for line in done.notes:
        printing.note(f"{done.host}: {line}")
    if as_json:
        printing.print_json(done.for_programs())
    else:
        print_deployment(done)
    is_well = done.verification is None or done.verification["passed"]
    must_run = done.did == "status" and (done.facts or {}).get("service") is not None
    is_running = done.service["active"] if done.service else not must_run
    nothing = done.did == "status" and (done.verification is None or not done.intact or not done.settled)
    click.get_current_context().exit(0 if is_well and is_running and not nothing else 1)


class _Plan:
    """What the options say is to run on the device."""

    def __init__(self, model: str, live_options: tuple[str, ...], said: dict[str, Any]) -> None:
        """Check all that can be checked here.

        Raises:
            ModelFileError: the model is damaged, or lacks the signature that is required.
            click.UsageError: options contradict each other.
        """
        from edgecnn.device.runtime.loading import read_packed
        from edgecnn.device.service.unit import unit_name
        from edgecnn.model_file.bundled import find_model
        from edgecnn.model_file.signature import require_signature

        self._said, self._live_options = said, live_options
        self._has_service = bool(said["service"] or live_options or said["is_system"])
        if said["no_service"] and self._has_service:
            raise click.UsageError("--no-service contradicts --service, --system and options of edgecnn live")
        if said["service"]:
            with wrong_usage.bad_value("--service"):
                unit_name(said["service"])
        self._verify_options = self._delegate()
        has_delegate = said["delegate"] is not None
        self._live_extras = _extras_of(live_options, has_delegate=has_delegate) if self._has_service else set()
        packed = read_packed(model)
        self._model_name, self._model, self._signers = find_model(model).name, packed.content, None
        if said["require_signature"]:
            require_signature(packed, said["require_signature"])
            self._signers = Path(said["require_signature"]).read_bytes()
        if packed.golden is None:
            printing.note(
                f"Note: {packed.name} carries no golden probes, so the device can only compare it with its own CPU; "
                "edgecnn pack writes a copy with probes"
            )

    def release(self, machine: "Machine") -> "Release":
        """What is to run on `machine`, where a service goes on."""
        from edgecnn.deploy.release import Release

        extras, name = set(self._said["extra"]), self._said["service"]
        before = machine.current.facts if machine.current else {}
        if machine.current and not before and not name and not self._said["no_service"]:
            raise click.UsageError(
                "the release.json of what runs on the device is damaged, so nobody knows whether it is a service: say "
                "--service NAME with its options, or --no-service"
            )
        service = self._service(before.get("service"))
        if service:
            goes_on = before.get("service") and not self._live_options
            extras |= set(before["extras"]) if goes_on else self._live_extras
        return Release(
            self._model_name,
            self._model,
            service,
            self._signers,
            self._verify_options,
            tuple(sorted(extras)),
        )

    def _service(self, before: "dict[str, Any] | None") -> "Service | None":
        """The service that is to run, of which what nobody has said is as it was `before`."""
        from edgecnn.deploy.release import Service

        said = self._said
        if said["no_service"] or not (before or self._has_service):
            return None
        there = before or {"name": "live", "is_system": False, "options": []}
        is_system = there["is_system"] if said["is_system"] is None else said["is_system"]
        return Service(said["service"] or there["name"], is_system, self._live_options or tuple(there["options"]))

    def _delegate(self) -> tuple[str, ...]:
        said, words = self._said, []
        key_values(said["delegate_options"])
        if said["delegate"] is None and (said["delegate_options"] or said["require_delegate"]):
            raise click.UsageError("--delegate-option and --require-delegate go with --delegate")
        if said["delegate"] is not None:
            words += ["--delegate", said["delegate"]]
            words += [word for pair in said["delegate_options"] for word in ("--delegate-option", pair)]
        if said["require_delegate"]:
            words.append(f"--require-delegate={said['require_delegate']}")
        return tuple(words)


def _extras_of(live_options: tuple[str, ...], *, has_delegate: bool) -> set[str]:
    """The extras of edgecnn that these options of `edgecnn live` need: the source, the page, a broker."""
    from edgecnn.device.live.sources.opening import extra_of

    from .live import command as live

    said = deploy_options.live_parameters(live, live_options, has_delegate=has_delegate)
    needed = {"live": not said["no_page"], "mqtt": bool(said["mqtt"])}
    return {extra_of(said["source"]) or "", *(name for name, is_needed in needed.items() if is_needed)} - {""}
