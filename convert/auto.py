"""The first scheme that passes a gate."""

from collections.abc import Callable
from pathlib import Path

from edgecnn.card import Scheme
from edgecnn.dataset import Dataset
from edgecnn.errors import EdgecnnError, InputError

from .check import Gate
from .conversion import Conversion, convert

# From what a device likes best to what loses least.
CLIMB: tuple[Scheme, ...] = ("int8", "mixed", "int16x8", "float16")
_WORST = 2  # layers that are named


def convert_until(
    run: str | Path,
    dataset: Dataset,
    gate: Gate,
    *,
    output: str | Path | None = None,
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
        InputError: the gate asks for nothing.
        EdgecnnError: not even float16 passes.
    """
    if gate == Gate():
        raise InputError("choosing a scheme needs a gate: --max-drop, --min-agreement or both")
    made: list[Conversion] = []
    failures: list[str] = []
    for scheme in CLIMB:
        conversion = convert(
            run,
            dataset,
            scheme=scheme,
            output=output,
            calibration_images=calibration_images,
            seed=seed,
            force=force,
            progress=progress,
        )
        made.append(conversion)
        failures = gate.failures(conversion.plain.parity)
        if not failures:
            progress(f"{scheme}: {cost(conversion)}; passes")
            return tuple(made)
        worst = sorted(conversion.layers, key=lambda layer: layer.sqnr_db)[:_WORST]
        named = ", ".join(f"{layer.name} ({layer.sqnr_db:.1f} dB)" for layer in worst)
        progress(f"{scheme}: {cost(conversion)}; {'; '.join(failures)}; higher precision would help most in {named}")
    raise EdgecnnError(
        f"no scheme passes, not even {CLIMB[-1]}: {'; '.join(failures)}; relax the gate, or use --float32"
    )


def cost(conversion: Conversion) -> str:
    """Bytes and accuracy in words."""
    parity = conversion.plain.parity
    drop = 100 * (parity.keras_accuracy - parity.accuracy)
    change = f"accuracy {parity.accuracy:.2%} ({-drop:+.2f} points), agreement {parity.agreement:.2%}"
    return f"{conversion.plain.size_bytes:,} bytes, {change}"
