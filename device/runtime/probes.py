"""Replay the golden probes: does this machine compute what the one did that converted the model?"""

from dataclasses import dataclass

import numpy as np

from edgecnn.errors import ModelFileError
from edgecnn.model_file.container import PackedModel, sha256
from edgecnn.model_file.golden import Golden, golden_of, preprocessing_sha256
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.user_cache import is_known, remember

from .scores import find_probabilities
from .session import Session
from .tensor_spec import TensorSpec


@dataclass(frozen=True)
class Replay:
    """What this machine makes of the probes.

    Attributes:
        golden: the probes.
        top1_equal: how many have the same top-1 here as there.
        flipped: how many have another one though they were decided: by more than twice the tolerance.
        keras_top1_equal: how many have the same top-1 here as in Keras.
        max_difference: largest difference of a probability from there.
        tolerance: what healthy kernels may differ by.
    """

    golden: Golden
    top1_equal: int
    flipped: int
    keras_top1_equal: int
    max_difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """No decided top-1 flips, and every probability is within the tolerance."""
        return not self.flipped and self.max_difference <= self.tolerance


def replay_probes(packed: PackedModel, session: Session) -> Replay | None:
    """Run the probes of `packed` in `session`; None for a file without any.

    Raises:
        ModelFileError: they do not read.
    """
    from edgecnn.model_file.schemes import SCHEMES

    golden = golden_of(packed)
    if golden is None or packed.card is None:
        return None
    tolerance = SCHEMES[packed.card.quantization.scheme].tolerance
    return replay(golden, session, find_probabilities(packed, session), packed.card.input, tolerance)


def replay(golden: Golden, session: Session, output: TensorSpec, spec: InputSpec, tolerance: float) -> Replay:
    """Run probes in `session` and compare the probabilities, its `output`; no device may differ by over `tolerance`."""
    here = output.dequantize(session.run_all(golden.images, spec, output))
    top1, there = here.argmax(axis=1), golden.host.argmax(axis=1)
    ordered = np.sort(golden.host, axis=1)
    decided = ordered[:, -1] - ordered[:, -2] > 2 * tolerance
    return Replay(
        golden=golden,
        top1_equal=int((top1 == there).sum()),
        flipped=int((decided & (top1 != there)).sum()),
        keras_top1_equal=int((top1 == golden.keras.argmax(axis=1)).sum()),
        max_difference=float(np.abs(here - golden.host).max()),
        tolerance=tolerance,
    )


def require_right_answers(packed: PackedModel, session: Session) -> None:
    """Make sure that a file answers its own probes as it did where it was made.

    Raises:
        ModelFileError: it does not, or they do not read.
    """
    replay = replay_probes(packed, session)
    if replay and not replay.passed:
        raise ModelFileError(
            f"{packed.name} does not answer its own golden probes as it did where it was made: "
            f"{replay.flipped} of {len(replay.golden.images)} have another top-1, a probability differs by "
            f"{replay.max_difference:.2g} ({replay.tolerance:g} is allowed); the file was changed, or this machine "
            f"computes otherwise: edgecnn verify {packed.name} shows it, convert the model again"
        )


def require_same_preprocessing(packed: PackedModel) -> None:
    """Make sure that images become here what they became where the file was made.

    Raises:
        ModelFileError: they do not, or the probes do not read.
    """
    if packed.card is None or packed.golden is None:
        return
    from PIL import __version__ as pillow_version

    facts = ("preprocessing", sha256(packed.golden), repr(packed.card.input), f"Pillow {pillow_version}")
    if is_known(*facts):
        return
    golden = Golden.from_bytes(packed.golden, packed.card, packed.name)
    if preprocessing_sha256(packed.card.input, golden.images) != golden.preprocessing_sha256:
        raise ModelFileError(
            f"{packed.name}: images do not become here what they became where it was made (preprocessing_sha256); its "
            f"card was changed, or Pillow {pillow_version} prepares them otherwise: convert the model again, or take "
            "another version of Pillow"
        )
    remember(*facts)
