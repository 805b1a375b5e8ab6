"""The first scheme that passes a gate."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.arguments import require_kind
from edgecnn.errors import (
    DataError,
    EdgecnnError,
    GateError,
    InputError,
    MissingExtraError,
    ModelFileError,
    OutputError,
)
from edgecnn.model_file.schemes import DEFAULT_SCHEME, Scheme, climb
from edgecnn.pixels.dataset import Dataset

from .comparison.gate import Gate
from .conversion import Converter
from .request import DEFAULT_IO, FEWEST_FOR_QAT, ConversionRequest, SchemeFreeOptions
from .result import Conversion

if TYPE_CHECKING:
    from typing_extensions import Unpack

_WORST = 2  # layers that are named


def convert_until(
    run: str | Path,
    dataset: Dataset,
    gate: Gate,
    request: ConversionRequest | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
    **options: "Unpack[SchemeFreeOptions]",
) -> tuple[Conversion, ...]:
    """Convert with the schemes of `edgecnn.model_file.schemes.climb`, in turn, until one passes `gate`; see `convert`.

    Between int8 and mixed comes int8 with an epoch of quantization-aware training, where the data set has training
    images of its own, 32 or more: its files take the place of int8's.

    Args:
        run: a run directory, or the path of its model.keras.
        dataset: the one the network was trained on.
        gate: what a converted file must hold.
        request: target, folder, ...; scheme, io, activations and qat are chosen here.
        progress: is told what each step costs, why it fails, and which layers lose most.
        **options: fields of `ConversionRequest` but for those four, in place of those of `request`; see `convert`.

    Returns:
        The conversions whose files are kept, one a scheme; the last one passes.

    Raises:
        InputError: the gate asks for nothing, or for what the images cannot tell, or there are fewer than are needed.
        GateError: not even float16 passes; it holds the conversions whose files are kept.
        EdgecnnError: no scheme can be made, all for the same reason.
    """
    require_kind(gate, Gate, "gate")
    if gate == Gate():
        raise InputError("choosing a scheme needs a gate: --max-drop, --min-agreement or --min-accuracy")
    require_kind(dataset, Dataset, "dataset")
    gate.require_labels(dataset)
    given = request or ConversionRequest()
    request = replace(given, scheme=DEFAULT_SCHEME, io=DEFAULT_IO, activations=True, qat=None, **options)
    request.require_enough(dataset)
    conversions: list[Conversion] = []
    failures: dict[str, list[str]] = {}
    refusals: dict[str, EdgecnnError] = {}
    converter = Converter(run, dataset)
    for scheme, qat in _steps(dataset):
        label = f"{scheme} with --qat" if qat else scheme
        try:
            # Trained, int8's files are replaced that were made here.
            force = request.force or bool(qat)
            conversion = converter.convert(request.of_scheme(scheme, qat=qat), progress=progress, force=force)
        except (DataError, MissingExtraError, ModelFileError, OutputError):
            raise  # another scheme would not help
        except EdgecnnError as error:
            if str(error) not in map(str, refusals.values()):
                progress(f"{label}: {error}")
            refusals[label] = error
            continue
        conversions = [made for made in conversions if made.scheme != scheme] + [conversion]
        failed = gate.failures(conversion.plain.parity, conversion.warnings)
        failures[label] = failed
        if conversion.warnings and gate.max_drop is not None:
            raise _gate_error(failed[0], conversions)  # another scheme would not help
        if not failed:
            progress(f"{label}: {cost(conversion)}; passes")
            return tuple(conversions)
        worst = sorted(conversion.layers, key=lambda layer: layer.sqnr_db)[:_WORST]
        named = ", ".join(f"{layer.name} ({layer.sqnr_db:z.1f} dB)" for layer in worst)
        progress(f"{label}: {cost(conversion)}; {'; '.join(failed)}; higher precision would help most in {named}")
    raise _none_passes(failures, refusals, conversions)


def _none_passes(
    failures: dict[str, list[str]], refusals: dict[str, EdgecnnError], conversions: list[Conversion]
) -> EdgecnnError:
    """What is said where no scheme passes: why the last that was made fails, or why none was made.

    Args:
        failures: of the schemes that were made, sentences.
        refusals: why others were not made.
        conversions: those whose files are kept.
    """
    if not failures:
        words = {str(error): label for label, error in refusals.items()}
        if len(words) == 1:
            return next(iter(refusals.values()))
        return GateError(f"no scheme can be made: {'; '.join(f'{label}: {why}' for why, label in words.items())}")
    last = [*failures][-1]
    # Where a target refuses float16, it refuses float32 as well.
    otherwise = "" if climb()[-1] in refusals else ", or use --float32"
    return _gate_error(
        f"no scheme passes, not even {last}: {'; '.join(failures[last])}; relax the gate{otherwise}", conversions
    )


def _gate_error(words: str, conversions: list[Conversion]) -> GateError:
    error = GateError(words)
    error.conversions = tuple(conversions)
    return error


def _steps(dataset: Dataset) -> Iterator[tuple[Scheme, int | None]]:
    """The schemes in turn, each with the epochs of its training."""
    for scheme in climb():
        yield scheme, None
        if scheme == DEFAULT_SCHEME and dataset.train is not dataset.test and len(dataset.train) >= FEWEST_FOR_QAT:
            yield scheme, 1


def cost(conversion: Conversion) -> str:
    """Bytes and accuracy in words."""
    parity = conversion.plain.parity
    drop = parity.drop_points
    accuracy = "" if drop is None else f"accuracy {parity.accuracy:.2%} ({-drop:+z.2f} points), "
    return f"{conversion.plain.size_bytes:,} bytes, {accuracy}agreement {parity.agreement:.2%}"
