"""What the golden probes say on this machine at the start: the proof that a fleet asks each of its devices for."""

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..runtime.probes import replay_probes

if TYPE_CHECKING:
    from ..classifier import Classifier


@dataclass(frozen=True)
class Proof:
    """What became of the golden probes in the very session that classifies.

    Attributes:
        passed: as `edgecnn verify` judges; None for a file that carries no probes.
        time: when they were replayed, seconds since 1970.
        probes: how many there are.
        top1_equal: how many have the same top-1 here as where the model was made.
        max_difference: largest difference of a probability from there; None without probes, or where one is no number.
        tolerance: what healthy kernels may differ by; None without probes.
        signer: who signed the file, as the allowed signers name the key; None where no signature was required.
    """

    passed: bool | None
    time: float
    probes: int
    top1_equal: int
    max_difference: float | None
    tolerance: float | None
    signer: str | None


def prove(classifier: "Classifier") -> Proof:
    """Replay the golden probes of a classifier.

    Raises:
        ModelFileError: they do not read.
    """
    loaded = classifier.loaded
    signer = loaded.signature.signer if loaded.signature else None
    replayed = replay_probes(loaded.packed, loaded.session)
    if replayed is None:
        return Proof(None, time.time(), 0, 0, None, None, signer)
    golden = replayed.golden
    passed = replayed.passed and golden.is_prepared_alike(loaded.input)
    return Proof(
        passed,
        time.time(),
        len(golden.images),
        replayed.top1_equal,
        replayed.max_difference if math.isfinite(replayed.max_difference) else None,
        replayed.tolerance,
        signer,
    )
