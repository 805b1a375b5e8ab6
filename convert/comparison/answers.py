"""What a converted model answers to many images, on as many processors as there are."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.device.runtime.opening import open_beside
from edgecnn.device.runtime.runner import Runner
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.dataset import Images
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.processors import count_processors

from ..network.answer_cache import key_of
from .reference_kernels import ReferenceSession

_MOST_SESSIONS = 8  # each has the network's memory once more
_LEAST_IMAGES = 64  # for which a further session is worth its start,
_LEAST_OF_A_MEGABYTE = 4  # and its memory


def answer_all(
    session: Runner,
    model: PackedModel,
    images: Images,
    spec: InputSpec,
    known: Mapping[bytes, npt.NDArray[Any]] | None = None,
) -> npt.NDArray[np.float32]:
    """Probabilities, float32 (count, classes), of images; the same as `session` alone gives.

    Args:
        session: of `model`, on one thread.
        model: further sessions are of it, where no accelerator computes it.
        images: uint8 (count, height, width, channels).
        spec: how they are prepared.
        known: by `key_of` what the output is for images that need not be run, as its tensor holds it.
    """
    output = session.outputs[PROBABILITIES]
    if not known:
        return output.dequantize(_run_all(session, model, images, spec))
    found = [known.get(key_of(pixels)) for pixels in images]
    new = np.array([row for row, values in enumerate(found) if values is None], np.int64)
    raw = np.empty((len(images), *output.shape[1:]), output.dtype)
    if len(new):
        raw[new] = _run_all(session, model, images[new], spec)
    for row, values in enumerate(found):
        if values is not None:
            raw[row] = values
    return output.dequantize(raw)


def _run_all(session: Runner, model: PackedModel, images: Images, spec: InputSpec) -> npt.NDArray[Any]:
    least = max(_LEAST_IMAGES, _LEAST_OF_A_MEGABYTE * len(model.flatbuffer) // 1_000_000)
    wanted = min(count_processors(), _MOST_SESSIONS, max(1, len(images) // least))
    sessions = [session]
    while len(sessions) < wanted and (other := _beside(session, model)) is not session:
        sessions.append(other)
    output = session.outputs[PROBABILITIES]
    edges = np.linspace(0, len(images), len(sessions) + 1, dtype=np.int64)
    with ThreadPoolExecutor(len(sessions)) as pool:  # the interpreter lets other threads run while it computes
        parts = pool.map(
            lambda one, start, end: one.run_all(images[start:end], spec, output), sessions, edges[:-1], edges[1:]
        )
        return np.concatenate(list(parts))


def _beside(session: Runner, model: PackedModel) -> Runner:
    return session.beside() if isinstance(session, ReferenceSession) else open_beside(session, model)
