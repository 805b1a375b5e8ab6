"""Options of every command that runs a .tflite file: threads, runtime, delegate."""

import dataclasses
import warnings
from typing import TYPE_CHECKING, NamedTuple

import click

from edgecnn.device.runtime.runtimes import RUNTIMES

from . import bundle, options, printing
from .delegate_options import DELEGATES, Safeguards, make_delegate, with_safeguards
from .given import first_given

if TYPE_CHECKING:
    from edgecnn.device import Description
    from edgecnn.device.measuring.delegate_report import DelegateReport
    from edgecnn.device.runtime.delegates import Requirement
    from edgecnn.device.runtime.run_options import RunOptions

_WITH_DELEGATE = ("delegate_options", "require_delegate", "delegate_report", *Safeguards._fields)
_FOR_TFLITE = ("threads", "runtime", "delegate", *_WITH_DELEGATE, "trust", "require_signature")


class RuntimeOptions(NamedTuple):  # making a frozen dataclass takes two milliseconds more, at every start
    """What the options of a command say about how a .tflite file is to run.

    Attributes:
        threads: of the runtime.
        runtime: a name of `RUNTIMES`, or None.
        delegate: a name of `ACCELERATORS`, the path of a library, or None.
        delegate_options: KEY=VALUE, each.
        require_delegate: how much the delegate must compute.
        safeguards: how the delegate is watched.
        delegate_report: whether the truth about the delegate is asked for.
        trust: whether a file is opened at once, not in a child process first.
        require_signature: a file of allowed signers, or None.
    """

    threads: int
    runtime: str | None
    delegate: str | None
    delegate_options: tuple[str, ...]
    require_delegate: "Requirement | None"
    safeguards: Safeguards
    delegate_report: bool
    trust: bool = False
    require_signature: str | None = None

    def run_options(self, description: "Description | None" = None) -> "RunOptions":
        """The same for the library, with what is said of a file without a card.

        Raises:
            click.UsageError: options contradict each other.
        """
        from edgecnn.device.runtime.run_options import RunOptions

        if self.delegate is None and (option := first_given(*_WITH_DELEGATE)):
            raise click.UsageError(f"{option} goes with --delegate")
        delegate = make_delegate(self.delegate, self.delegate_options, self.require_delegate, self.safeguards)
        return RunOptions(
            self.threads,
            delegate=delegate,
            runtime=self.runtime,
            trust=self.trust,
            description=description,
            require_signature=self.require_signature,
        )

    def report(self, model: str, run: "RunOptions") -> None:
        """Print the truth about the delegate of `run`, if it is asked for, on standard error."""
        if not self.delegate_report or run.delegate is None:
            return
        from edgecnn.device.measuring.delegate_report import measure_delegate
        from edgecnn.errors import DelegateError, EdgecnnWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EdgecnnWarning)  # said when the command itself loaded the model
            try:
                # The command has opened the file: no child needs to do so first.
                report = measure_delegate(
                    model,
                    dataclasses.replace(run.delegate, fallback=False),
                    threads=run.threads,
                    runtime=run.runtime,
                    trust=True,
                )
            except DelegateError:
                if not run.delegate.fallback:
                    raise
                printing.note(f"{run.delegate.name}: not applied, nothing to report")
                return
        for line in report_lines(report):
            printing.note(line)


# In reverse: click lists last what is added first.
_OPTIONS = (
    click.option(
        "--delegate-report",
        is_flag=True,
        help="Say what the delegate computes, how far from the CPU, and how fast beside it.",
    ),
    with_safeguards,
    click.option(
        "--require-delegate",
        is_flag=False,
        flag_value="any",
        type=click.Choice(["any", "full"]),
        help="Fail if the delegate computes nothing, or with =full, not all; write =any where MODEL follows.",
    ),
    click.option(
        "--delegate-option",
        "delegate_options",
        metavar="KEY=VALUE",
        multiple=True,
        help="An option of the delegate; may be repeated.",
    ),
    click.option("--delegate", metavar=DELEGATES, help="What computes the model.  [default: what the runtime chooses]"),
    click.option(
        "--runtime",
        type=click.Choice(list(RUNTIMES)),
        help="Insist on a runtime.  [default: the first of these that is installed]",
    ),
    options.threads,
)

bundled = bundle.bundled(RuntimeOptions, "runtime_options", _OPTIONS)

require_signature = click.option(
    "--require-signature",
    type=click.Path(dir_okay=False),
    metavar="ALLOWED_SIGNERS",
    help="Take MODEL only if one of these signed it (edgecnn sign); the file is as ssh-keygen(1) says.",
)

trust = click.option("--trust", is_flag=True, help="Open a file at once, not in a child process first.")


def refuse_for_keras() -> None:
    """Refuse options that do nothing for a .keras file.

    Raises:
        click.UsageError: one was given.
    """
    if option := first_given(*_FOR_TFLITE):
        raise click.UsageError(f"{option} is for .tflite files; TensorFlow chooses for .keras files")


def report_lines(report: "DelegateReport") -> list[str]:
    """The truth about a delegate, for people."""
    placement = report.placement
    parts = len(placement.partitions)
    lines = [
        f"{placement.delegate}: {placement.delegated} of {placement.operators} operators, {parts} partition(s)",
        *(f"  partition {number}: {', '.join(names)}" for number, names in enumerate(placement.partitions, start=1)),
    ]
    if placement.on_cpu:
        lines.append(f"  on the CPU: {', '.join(placement.on_cpu)}")
    if report.max_difference is not None:
        lines.append(
            f"  against the CPU: top-1 of {report.top1_equal} of {report.probes} probes equal, max difference "
            f"{report.max_difference:.2g}"
        )
    if report.cpu_invoke_ms is None:
        return [*lines, f"  {report.invoke_ms:.3f} ms; the CPU cannot run this file, there is nothing to compare with"]
    lines.append(
        f"  {report.invoke_ms:.3f} ms, on the CPU {report.cpu_invoke_ms:.3f} ms: {report.ratio:.2f} of its time"
    )
    return lines
