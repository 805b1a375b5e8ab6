"""Replay the golden probes: does this machine compute what the one did that converted the model?"""

from dataclasses import dataclass

from edgecnn.errors import ModelFileError
from edgecnn.model_file.container import PackedModel, sha256
from edgecnn.model_file.golden import Golden, golden_of
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.user_cache import is_known, remember

from .agreement import Agreement, compare, tolerance_of
from .runner import Runner, Watcher
from .scores import find_probabilities
from .tensor_spec import TensorSpec


@dataclass(frozen=True)
class Replay(Agreement):
    """What this machine makes of the probes, beside what was made of them where the model was converted.

    Attributes:
        golden: the probes.
        keras_top1_equal: how many have the same top-1 here as in Keras.
    """

    golden: Golden
    keras_top1_equal: int


def replay_probes(packed: PackedModel, session: Runner, watcher: Watcher | None = None) -> Replay | None:
    """Run the probes of `packed` in `session`, to be seen by `watcher`; None for a file without any.

    Raises:
        ModelFileError: they do not read.
    """
    golden = golden_of(packed)
    if golden is None or packed.card is None:
        return None
    tolerance = tolerance_of(packed.card)
    return replay(golden, session, find_probabilities(packed, session), packed.card.input, tolerance, watcher)


def replay(
    golden: Golden,
    session: Runner,
    output: TensorSpec,
    spec: InputSpec,
    tolerance: float,
    watcher: Watcher | None = None,
) -> Replay:
    """Run probes in `session` and compare the probabilities, its `output`; no device may differ by over `tolerance`."""
    here = output.dequantize(session.run_all(golden.images, spec, output, watcher))
    return Replay(
        **vars(compare(here, golden.host, tolerance)),
        golden=golden,
        keras_top1_equal=int((here.argmax(axis=1) == golden.keras.argmax(axis=1)).sum()),
    )


def require_right_answers(packed: PackedModel, session: Runner, watcher: Watcher | None = None) -> None:
    """Make sure that a file answers its own probes, which `watcher` sees, as it did where it was made.

    Raises:
        ModelFileError: it does not, or they do not read.
    """
    replay = replay_probes(packed, session, watcher)
    if replay and not replay.passed:
        raise ModelFileError(
            f"{packed.name} does not answer its own golden probes as it did where it was made: "
            f"{replay.flipped} of {len(replay.golden.images)} have another top-1, a probability differs by "
            f"{replay.off_by} ({replay.tolerance:g} is allowed); the file was changed, or this machine "
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
    if not golden.is_prepared_alike(packed.card.input):
        raise ModelFileError(
            f"{packed.name}: images do not become here what they became where it was made (preprocessing_sha256); its "
            f"card was changed, or Pillow {pillow_version} prepares them otherwise: convert the model again, or take "
            "another version of Pillow"
        )
    remember(*facts)
