"""Replay the golden probes: is this still the same classifier on this machine?"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.golden import Golden
from edgecnn.model_file.signature import Signature, read_signature
from edgecnn.sanity import ENOUGH, lower_bound, one_class

from .runtime.delegates import Delegate
from .runtime.loaded_model import LoadedModel
from .runtime.loading import open_model
from .runtime.probes import Replay, replay, replay_probes
from .runtime.run_options import RunOptions

if TYPE_CHECKING:
    from .runtime.description import Description

_WHY_NO_BETTER = {  # whether edgecnn trained it
    False: "likely its input range or the order of its labels is not training's; compare them and convert it again",
    True: "it has not learned these classes; train it longer, or with more images",
}


@dataclass(frozen=True)
class Verification:
    """What the golden probes say.

    Attributes:
        runtime: what ran them here.
        host_runtime: what ran them where the model was converted; for a file without probes, what it is compared with.
        probes: how many.
        top1_equal: how many have the same top-1 here as there.
        flipped: how many have another one though they were decided: by more than twice the tolerance.
        keras_top1_equal: how many have the same top-1 here as in Keras; None where `edgecnn pack` made the probes.
        max_difference: largest difference of a probability from there.
        tolerance: what healthy kernels may differ by.
        preprocessing_equal: whether images turn into the same tensors, to the bit; None for a file without probes,
            which says nothing of that.
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
    preprocessing_equal: bool | None
    accuracy: float | None = None
    agreement: float | None = None
    signature: Signature | None = None
    warnings: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """No decided top-1 flips, every probability within the tolerance, the preprocessing equal."""
        computed = not self.flipped and self.max_difference <= self.tolerance
        return computed and self.preprocessing_equal is not False


def verify(
    model: str | Path,
    *,
    threads: int = 1,
    delegate: Delegate | None = None,
    runtime: str | None = None,
    trust: bool = False,
    description: "Description | None" = None,
    require_signature: str | Path | None = None,
) -> Verification:
    """Replay the golden probes of `model`, a .tflite file or bundled name.

    A file without a card has none. It is compared with the runtime's reference kernels on the CPU here, on patterns:
    that shows what a delegate or fast kernels do to it on this machine, and nothing of another.

    Args:
        model: path of a file, or name of a bundled model.
        threads: of the runtime, 1 to 256.
        delegate: what computes it instead of the runtime's own choice.
        runtime: `litert`, `tflite-runtime` or `tensorflow`; None for the first that is installed.
        trust: open a file at once, not in a child process first.
        description: what you know of a file without a card.
        require_signature: a file of allowed signers (ssh-keygen(1)), one of whom must have signed the model.

    Raises:
        ModelFileError: missing, damaged, refused by the runtime, or not signed as it must be.
        DelegateError: no runtime is installed, or the delegate does not do what is asked for.
        InputError: `threads` is out of range, there is no such delegate or runtime, `description` does not fit, or
            `require_signature` does not read.
        MissingExtraError: OpenSSH, which checks signatures, is not installed.
    """
    options = RunOptions(threads, "default", delegate, runtime, trust, description, require_signature)
    return verify_with_options(model, options)


def verify_with_options(model: str | Path, options: RunOptions) -> Verification:
    """`verify` with what it takes one by one in one value; raises as that does."""
    # What the probes say of a delegate is the result, not an error; unless the CPU is to take over where it is wrong.
    options = replace(options, probe=options.delegate is not None and options.delegate.fallback)
    loaded = open_model(model, options, judged=False)
    card, replayed = loaded.card, replay_probes(loaded.packed, loaded.session)
    found = replayed or _against_the_cpu(loaded, options)
    golden, parity = found.golden, card.parity if card else None
    same = golden.is_prepared_alike(loaded.input) if replayed else None
    return Verification(
        runtime=loaded.session.runtime,
        host_runtime=golden.host_runtime,
        probes=len(golden.images),
        top1_equal=found.top1_equal,
        flipped=found.flipped,
        keras_top1_equal=found.keras_top1_equal if card and card.is_exported else None,
        max_difference=found.max_difference,
        tolerance=found.tolerance,
        preprocessing_equal=same,
        accuracy=parity.accuracy if parity else None,
        agreement=parity.agreement if parity else None,
        signature=loaded.signature or read_signature(loaded.packed),
        warnings=doubts(loaded, found, options),
    )


def doubts(loaded: LoadedModel, found: Replay, options: RunOptions) -> tuple[str, ...]:
    """What looks wrong with a model file though it runs rightly, each a sentence; nothing for one without a card.

    Args:
        loaded: the file.
        found: what its probes said here.
        options: that it was loaded with.
    """
    return (*_of_the_file(loaded, found, options), *_warnings(loaded.card, found.golden)) if loaded.card else ()


def _against_the_cpu(loaded: LoadedModel, options: RunOptions) -> Replay:
    """What a file without probes makes of patterns, beside what the runtime's reference kernels make of them."""
    from edgecnn.model_file.schemes import SCHEMES
    from edgecnn.model_file.tflite_graph import read_graph, scheme_of

    from .packing import choose_answers, patterns
    from .runtime.opening import open_session

    images = patterns(loaded.input)
    try:
        session = open_session(loaded.packed, replace(options, kernels="reference", delegate=None))
        session.run(session.gather(loaded.input)(images[0]))
    except (ModelFileError, RuntimeError):
        raise ModelFileError(
            f"{loaded.packed.name} carries no golden probes, and the CPU cannot run it to compare with; edgecnn pack "
            "with the same --delegate gives it probes that other machines are compared with"
        ) from None
    scores = replace(loaded.probabilities, index=session.outputs[loaded.probabilities.name].index)
    golden = choose_answers(replace(loaded, session=session, probabilities=scores), images, _MOST_BYTES)
    golden = replace(golden, host_runtime=f"{session.runtime}, reference kernels")
    scheme = scheme_of(read_graph(loaded.packed.flatbuffer, loaded.packed.name))
    return replay(golden, loaded.session, loaded.probabilities, loaded.input, SCHEMES[scheme].tolerance)


_MOST_BYTES = 64 << 20  # nothing of it is written
_DOUBTFUL = 0.1  # of the probes
# Of the tolerance: with one runtime, processors differ by a step of int8's output, 1/256, where 0.1 is allowed.
_SAME_RUNTIME = 0.2
_COARSE = 0.05  # tolerances from here on are for kernels that round integers in different ways


def _of_the_file(loaded: LoadedModel, found: Replay, options: RunOptions) -> tuple[str, ...]:
    """What a change that somebody made on purpose would look like."""
    words = []
    if not loaded.packed.seal:
        words.append(
            "it is of before files were sealed: a change of its card, labels or probes would not be noticed; convert "
            "the model again to have it sealed"
        )
    is_same = loaded.session.runtime == found.golden.host_runtime and options.delegate is None
    if (
        is_same
        and found.passed
        and found.tolerance >= _COARSE
        and found.max_difference > _SAME_RUNTIME * found.tolerance
    ):
        words.append(
            f"a probability differs by {found.max_difference:.2g} from where it was made, with the same runtime: more "
            "than between processors; its weights may have been changed, which a signature of who made it would tell "
            "(edgecnn sign)"
        )
    return tuple(words)


def _warnings(card: ModelCard, golden: Golden) -> tuple[str, ...]:
    """What looks wrong with Keras' own answers and with the file's, of the probes and where the model was converted."""
    classes, parity = len(card.labels), card.parity
    answers = np.bincount(golden.keras.argmax(axis=1).astype(np.intp), minlength=classes)
    # What edgecnn pack makes of a file may be patterns, of which nothing is known.
    alike = one_class(answers, card.labels, card.input, card.training is not None) if card.is_exported else ()
    words = [one.words for one in alike]
    if parity and parity.keras_accuracy is not None:
        right = round(parity.keras_accuracy * parity.images)
        if parity.images >= max(classes, ENOUGH) and lower_bound(right, parity.images) <= 1 / classes:
            words.append(
                f"where it was converted, Keras itself had {parity.keras_accuracy:.2%} of {parity.images:,} images "
                f"right, no more than by guessing among {classes} classes: {_WHY_NO_BETTER[card.training is not None]}"
            )
    differ = int((golden.host.argmax(axis=1) != golden.keras.argmax(axis=1)).sum())
    if card.is_exported and differ > _DOUBTFUL * len(golden.host):
        words.append(
            f"where it was converted, the file already answered otherwise than Keras on {differ} of {len(golden.host)} "
            "probes: this machine runs the file rightly, but the file is another classifier; edgecnn parity says why, "
            "where it was converted"
        )
    return tuple(words)
