"""The first scheme that passes a gate."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from edgecnn.errors import (
    DataError,
    EdgecnnError,
    GateError,
    InputError,
    MissingExtraError,
    ModelFileError,
    OutputError,
)
from edgecnn.model_file.schemes import Scheme, climb
from edgecnn.pixels.dataset import Dataset

from .comparison.parity import Gate
from .conversion import Conversion, Target, convert

CLIMB = cast("tuple[Scheme, ...]", climb())
_WORST = 2  # layers that are named


def convert_until(
    run: str | Path,
    dataset: Dataset,
    gate: Gate,
    *,
    output: str | Path | None = None,
    feature_layers: Sequence[str] = (),
    dense_per_tensor: bool = False,
    target: Target = "litert",
    calibration_images: int = 100,
    seed: int = 0,
    force: bool = False,
    progress: Callable[[str], None] = lambda message: None,
) -> tuple[Conversion, ...]:
    """Convert with int8, mixed, int16x8 and float16, in this order, until one passes `gate`; see `convert`.

    Args:
        progress: is told what each step costs, why it fails, and which layers lose most.

    Returns:
        Every conversion that was made; the last one passes. The files of all of them are kept.

    Raises:
        InputError: the gate asks for nothing, or for what the images cannot tell.
        GateError: not even float16 passes.
    """
    if gate == Gate():
        raise InputError("choosing a scheme needs a gate: --max-drop, --min-agreement or both")
    gate.check(dataset)
    made: list[Conversion] = []
    failures: list[str] = []
    for scheme in CLIMB:
        try:
            conversion = convert(
                run,
                dataset,
                scheme=scheme,
                output=output,
                feature_layers=feature_layers,
                dense_per_tensor=dense_per_tensor,
                target=target,
                calibration_images=calibration_images,
                seed=seed,
                force=force,
                progress=progress,
            )
        except (DataError, MissingExtraError, ModelFileError, OutputError):
            raise  # another scheme would not help
        except EdgecnnError as error:
            failures = [str(error)]
            progress(f"{scheme}: {error}")
            continue
        made.append(conversion)
        failures = gate.failures(conversion.plain.parity)
        if not failures:
            progress(f"{scheme}: {cost(conversion)}; passes")
            return tuple(made)
        worst = sorted(conversion.layers, key=lambda layer: layer.sqnr_db)[:_WORST]
        named = ", ".join(f"{layer.name} ({layer.sqnr_db:.1f} dB)" for layer in worst)
        progress(f"{scheme}: {cost(conversion)}; {'; '.join(failures)}; higher precision would help most in {named}")
    raise GateError(f"no scheme passes, not even {CLIMB[-1]}: {'; '.join(failures)}; relax the gate, or use --float32")


def cost(conversion: Conversion) -> str:
    """Bytes and accuracy in words."""
    parity = conversion.plain.parity
    accuracy = "" if parity.drop is None else f"accuracy {parity.accuracy:.2%} ({-parity.drop:+.2f} points), "
    return f"{conversion.plain.size_bytes:,} bytes, {accuracy}agreement {parity.agreement:.2%}"
