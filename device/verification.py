"""Replay the golden probes: is this still the same classifier on this machine?"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.golden import Golden, preprocessing_sha256
from edgecnn.model_file.signature import Signature, read_signature
from edgecnn.sanity import lower_bound, one_class

from .runtime.delegates import Delegate
from .runtime.loading import open_model
from .runtime.probes import replay_probes
from .runtime.run_options import RunOptions


@dataclass(frozen=True)
class Verification:
    """What the golden probes say.

    Attributes:
        runtime: what ran them here.
        host_runtime: what ran them where the model was converted.
        probes: how many.
        top1_equal: how many have the same top-1 here as there.
        flipped: how many have another one though they were decided: by more than twice the tolerance.
        keras_top1_equal: how many have the same top-1 here as in Keras; None where `edgecnn pack` made the probes.
        max_difference: largest difference of a probability from there.
        tolerance: what healthy kernels may differ by.
        preprocessing_equal: whether images turn into the same tensors, to the bit.
        accuracy: what the converted model had where it was made, 0 to 1; None where nobody knows.
        agreement: share of images on which it had the same top-1 as Keras there; None where it was not measured.
        signature: who signed the file, and with which key; None for a file that is not signed.
        warnings: why the model itself may be wrong, wherever it runs, in words.
    """

    runtime: str
    host_runtime: str
    probes: int
    top1_equal: int
    flipped: int
    keras_top1_equal: int | None
    max_difference: float
    tolerance: float
    preprocessing_equal: bool
    accuracy: float | None = None
    agreement: float | None = None
    signature: Signature | None = None
    warnings: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """No decided top-1 flips, every probability within the tolerance, the preprocessing equal."""
        return not self.flipped and self.max_difference <= self.tolerance and self.preprocessing_equal


def verify(
    model: str | Path,
    *,
    threads: int = 1,
    delegate: Delegate | None = None,
    runtime: str | None = None,
    require_signature: str | Path | None = None,
) -> Verification:
    """Replay the golden probes of `model`, a .tflite file or bundled name.

    Args:
        model: path of a file, or name of a bundled model.
        threads: of the runtime, 1 to 256.
        delegate: what computes it instead of the runtime's own choice.
        runtime: `litert`, `tflite-runtime` or `tensorflow`; None for the first that is installed.
        require_signature: a file of allowed signers (ssh-keygen(1)), one of whom must have signed the model.

    Raises:
        ModelFileError: missing, damaged, refused by the runtime, without golden probes, or not signed as it must be.
        DelegateError: no runtime is installed, or the delegate does not do what is asked for.
        InputError: `threads` is out of range, or there is no such delegate or runtime.
    """
    options = RunOptions(threads, delegate=delegate, runtime=runtime, require_signature=require_signature)
    loaded = open_model(model, options, judged=False)
    replay = replay_probes(loaded.packed, loaded.session)
    if loaded.card is None or replay is None:
        raise ModelFileError(f"{loaded.packed.name} carries no golden probes; edgecnn pack writes a copy that does")
    golden = replay.golden
    return Verification(
        runtime=loaded.session.runtime,
        host_runtime=golden.host_runtime,
        probes=len(golden.images),
        top1_equal=replay.top1_equal,
        flipped=replay.flipped,
        keras_top1_equal=replay.keras_top1_equal if loaded.card.provenance.keras else None,
        max_difference=replay.max_difference,
        tolerance=replay.tolerance,
        preprocessing_equal=preprocessing_sha256(loaded.input, golden.images) == golden.preprocessing_sha256,
        accuracy=loaded.card.parity.accuracy if loaded.card.parity else None,
        agreement=loaded.card.parity.agreement if loaded.card.parity else None,
        signature=loaded.signature or read_signature(loaded.packed),
        warnings=_warnings(loaded.card, golden),
    )


_DOUBTFUL = 0.1  # of the probes


def _warnings(card: ModelCard, golden: Golden) -> tuple[str, ...]:
    """What looks wrong with Keras' own answers and with the file's, of the probes and where the model was converted."""
    classes, parity = len(card.labels), card.parity
    answers = np.bincount(golden.keras.argmax(axis=1).astype(np.intp), minlength=classes)
    words = [one.words for one in one_class(answers, card.labels, card.input, card.training is not None)]
    if parity and parity.keras_accuracy is not None:
        right = round(parity.keras_accuracy * parity.images)
        if parity.images >= classes and lower_bound(right, parity.images) <= 1 / classes:
            words.append(
                f"where it was converted, Keras itself had {parity.keras_accuracy:.2%} of {parity.images:,} images "
                f"right, no more than by guessing among {classes} classes: likely its input range or the order of its "
                "labels is not that of training; compare them and convert it again"
            )
    differ = int((golden.host.argmax(axis=1) != golden.keras.argmax(axis=1)).sum())
    if card.provenance.keras and differ > _DOUBTFUL * len(golden.host):
        words.append(
            f"where it was converted, the file already answered otherwise than Keras on {differ} of {len(golden.host)} "
            "probes: this machine runs the file rightly, but the file is another classifier; edgecnn parity says why, "
            "where it was converted"
        )
    return tuple(words)
