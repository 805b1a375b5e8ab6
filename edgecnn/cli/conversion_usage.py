"""Which options of `edgecnn convert` go together."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from edgecnn.model_file.schemes import SCHEMES

from .given import first_given
from .wrong_usage import bad_options

if TYPE_CHECKING:
    from edgecnn.convert import Gate
    from edgecnn.convert.request import ConversionRequest
    from edgecnn.model_file.schemes import IoType, Scheme


def require_fitting(request: "ConversionRequest", schemes: "list[Scheme]", io: "IoType") -> None:
    """Refuse what would do nothing with these schemes.

    Raises:
        click.UsageError: there is such an option.
    """
    if first_given("io") and not any(io in SCHEMES[scheme].io_types for scheme in schemes):
        takers = ", ".join(f"--{name}" for name, row in SCHEMES.items() if io in row.io_types)
        raise click.UsageError(f"--io {io} goes with {takers}; {', '.join(schemes)} has input and output of its own")
    if not any(SCHEMES[scheme].rounds_weights for scheme in schemes):
        with bad_options():
            replace(request, scheme=schemes[0])


def require_qat(qat: int | None, schemes: "list[Scheme]", auto: bool) -> None:
    """Refuse --qat where no scheme can be tuned, or none is chosen yet.

    Raises:
        click.UsageError: it is given there.
    """
    if qat is not None and auto:
        raise click.UsageError("--auto tries --qat itself; leave it out")
    if qat is not None and schemes and not any(SCHEMES[scheme].is_tuned for scheme in schemes):
        takers = ", ".join(f"--{name}" for name, row in SCHEMES.items() if row.is_tuned)
        raise click.UsageError(f"--qat goes with {takers}; add one of them")


def require_auto(request: "ConversionRequest", gate: "Gate", schemes: "list[Scheme]") -> None:
    """Refuse with --auto what it chooses itself, and no gate.

    Raises:
        click.UsageError: there is such an option, or no gate.
    """
    if schemes or first_given("io") or not request.activations:
        raise click.UsageError("--auto chooses the scheme itself; leave out schemes, --io and --no-activations")
    if gate == type(gate)():
        raise click.UsageError("--auto needs a gate to pass: --max-drop, --min-agreement or --min-accuracy")
