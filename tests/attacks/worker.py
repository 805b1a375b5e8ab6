"""The process that opens attacked files: worker.py ALLOWED_SIGNERS, or - for none; paths on standard input.

For each path it prints a line of JSON: what came of the file, and of the same file where a signature is required. It
does what a process and the child in which it tries files do, without starting them. What crashes the runtime ends it.
"""

import json
import sys
import traceback
import warnings
from typing import Any

import numpy as np

from edgecnn.device import Classifier, verify
from edgecnn.device.runtime.attempt import attempt
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.errors import EdgecnnError
from edgecnn.model_file.container import read_model, sha256


def answer(path: str) -> dict[str, Any]:
    """The sentence with which a file is refused, or what it says of three images."""
    refusal = attempt(path, RunOptions(), True)
    if refusal:
        return {"refused": refusal}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier = Classifier(path, trust=True)
    if classifier.card is None:  # said in a warning, and nothing about it is promised
        return {"bare": [str(one.message) for one in caught]}
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3, *classifier.input.shape), dtype=np.uint8)
    scores = classifier.predict_all(pixels)
    labels = [classifier.classify(one)[0].label for one in pixels]
    return {"labels": labels, "scores": scores.tolist(), **_what_is_known(path, classifier)}


def _what_is_known(path: str, classifier: Classifier) -> dict[str, Any]:
    """Which network it is, how far its answers to its probes are from the written ones, and what verify thinks."""
    verified = verify(path, trust=True)
    return {
        "network": sha256(classifier.loaded.packed.flatbuffer),
        "probes_differ": verified.max_difference,
        "is_doubted": any("its weights may have been changed" in one for one in verified.warnings),
    }


def verdict(path: str, allowed_signers: str) -> dict[str, Any]:
    """What comes of a file, without and with a signature that is required."""
    found: dict[str, Any]
    try:
        found = answer(path)
    except EdgecnnError as error:
        found = {"refused": str(error)}
    except MemoryError:
        found = {"refused": "not enough memory"}
    except BaseException:
        return {"traceback": traceback.format_exc()}
    if allowed_signers != "-":
        found["accepted_as_signed"] = is_accepted(path, allowed_signers)
    return found


def is_accepted(path: str, allowed_signers: str) -> bool:
    """Whether a file passes for one that is signed."""
    from edgecnn.model_file.signature import require_signature

    try:
        require_signature(read_model(path), allowed_signers)
    except EdgecnnError:
        return False
    return True


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(verdict(line.rstrip("\n"), sys.argv[1])), flush=True)
