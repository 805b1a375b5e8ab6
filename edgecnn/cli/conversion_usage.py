"""Which options of `edgecnn convert` go together."""

from typing import TYPE_CHECKING

import click

from edgecnn.model_file.schemes import SCHEMES

from . import conversion_options

if TYPE_CHECKING:
    from edgecnn.convert import Gate
    from edgecnn.convert.request import ConversionRequest
    from edgecnn.model_file.schemes import IoType, Scheme


def require_fitting(request: "ConversionRequest", schemes: "list[Scheme]", io: "IoType") -> None:
    """Refuse what would do nothing with these schemes.

    Raises:
        click.UsageError: there is such an option.
    """
    if io != conversion_options.DEFAULT_IO and not any(io in SCHEMES[scheme].io_types for scheme in schemes):
        takers = ", ".join(f"--{name}" for name, row in SCHEMES.items() if io in row.io_types)
        raise click.UsageError(f"--io {io} goes with {takers}; {', '.join(schemes)} has input and output of its own")
    if request.dense_per_tensor and not any(_rounds_weights(scheme) for scheme in schemes):
        takers = ", ".join(f"--{name}" for name in SCHEMES if _rounds_weights(name))
        raise click.UsageError(f"--dense-per-tensor goes with {takers}; add one of them, or leave it out")
    if request.feature_layers and not request.activations:
        raise click.UsageError("--feature-layers chooses what the activations variant returns; leave out one of them")


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


def require_auto(request: "ConversionRequest", gate: "Gate", schemes: "list[Scheme]", io: "IoType") -> None:
    """Refuse with --auto what it chooses itself, and no gate.

    Raises:
        click.UsageError: there is such an option, or no gate.
    """
    if schemes or io != conversion_options.DEFAULT_IO or not request.activations:
        raise click.UsageError("--auto chooses the scheme itself; leave out schemes, --io and --no-activations")
    if gate == type(gate)():
        raise click.UsageError("--auto needs a gate to pass: --max-drop, --min-agreement or --min-accuracy")


def _rounds_weights(scheme: str) -> bool:
    """Whether weights become integers, which need scales."""
    return SCHEMES[scheme].is_calibrated or SCHEMES[scheme].is_dynamic
