"""Give another tool's .tflite file a card and golden probes, so that nobody needs to say twice what it leaves out."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.atomic_files import write_bytes
from edgecnn.bounded_zip import read_members
from edgecnn.errors import InputError, ModelFileError
from edgecnn.model_file.card import ModelCard, Provenance, Quantization
from edgecnn.model_file.container import CARD, GOLDEN, LABELS, OLD_GOLDEN, add_header, pack_card
from edgecnn.model_file.golden import Golden
from edgecnn.model_file.golden_probes import COUNT, ProbeModels, golden_probes, most_bytes
from edgecnn.model_file.tflite_graph import read_graph, scheme_of
from edgecnn.model_file.tflite_metadata import associated_files
from edgecnn.optional_packages import version_of
from edgecnn.pixels.dataset import Split
from edgecnn.pixels.folder_images import read_folder
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.sanity import one_class
from edgecnn.scratch_folder import scratch_folder
from edgecnn.zip_errors import ZIP_ERRORS

from .prediction import are_probabilities
from .runtime.loaded_model import LoadedModel
from .runtime.loading import open_model
from .runtime.probes import replay_probes
from .runtime.run_options import DEFAULTS, RunOptions
from .runtime.scores import require_numbers

_MOST_IMAGES = 500
_TAKES = "--representative takes a folder of images like those the model will see"
_MOST_FILES_BYTES = 16 << 20  # of what lies behind the model: label files
_OUR_OWN = (CARD, LABELS, GOLDEN, OLD_GOLDEN)


@dataclass(frozen=True)
class Packed:
    """What was written.

    Attributes:
        path: the file.
        card: what it says of itself.
        probes: how many golden probes are in it.
        host_runtime: name and version of what made their answers.
        from_images: whether the probes are the caller's images, not patterns made here.
    """

    path: Path
    card: ModelCard
    probes: int
    host_runtime: str
    from_images: bool


def pack_model(
    model: str | Path,
    output: str | Path,
    options: RunOptions = DEFAULTS,
    representative: str | Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Packed:
    """Write `model` with a card and golden probes to `output`, replacing what is there.

    The answers of the probes are those of the runtime here: they show that another machine runs the file as this one
    does, not that either is right.

    Args:
        model: a .tflite file without a card.
        output: the file to write.
        options: how it runs, and what is said of it.
        representative: a folder of images like those it will see; None for patterns.
        progress: is told what is left out.

    Raises:
        ModelFileError: missing, damaged, refused by the runtime, it has a card, or it would answer otherwise with one.
        InputError: neither the file nor `options` say its labels, or what its pixels become.
        DataError: `representative` holds no image that can be read.
        OutputError: `output` cannot be written.
    """
    loaded = open_model(model, options)
    name = loaded.packed.name
    if loaded.card is not None:
        raise ModelFileError(f"{name} carries a card already; edgecnn info {name} shows it")
    if loaded.assumed:
        missing = " and ".join(f"--{field.replace('_', '-')}" for field in loaded.assumed)
        raise InputError(f"{name} does not say all that its card must; say it with {missing}")
    images = read_folder(representative, loaded.input, _TAKES, progress, _MOST_IMAGES) if representative else None
    images = patterns(loaded.input) if images is None else images
    flatbuffer, files = split_files(loaded.packed.flatbuffer)
    for unnamed in set(files) - associated_files(flatbuffer):
        progress(f"left out: {unnamed!r} behind the model, which its metadata does not name")
        del files[unnamed]
    flatbuffer = add_header(flatbuffer)
    golden = choose_answers(loaded, images, most_bytes(len(flatbuffer)))
    if not all(are_probabilities(scores, loaded.probabilities.scale) for scores in golden.host):
        progress("warning: its scores do not sum to 1: they are no probabilities")
    if representative:
        answers = np.bincount(golden.host.argmax(axis=1), minlength=len(loaded.labels))
        for suspicion in one_class(answers, loaded.labels, loaded.input):
            progress(f"warning: {suspicion.words}")
    card = ModelCard(
        name=Path(model).stem,
        labels=loaded.labels,
        input=loaded.input,
        quantization=Quantization(scheme_of(read_graph(flatbuffer, name))),
        provenance=Provenance(
            edgecnn=version_of("edgecnn"),
            keras="",
            tensorflow="",
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            parent_sha256=loaded.packed.flatbuffer_sha256,
        ),
    )
    # Stored: other tools read their label files in no other way.
    content = pack_card(flatbuffer, card, golden.to_bytes(), stored=bool(files), more=files)
    _require_same_answers(content, name, options)
    write_bytes(output, content)
    return Packed(Path(output), card, len(golden.images), golden.host_runtime, representative is not None)


def _require_same_answers(content: bytes, name: str, options: RunOptions) -> None:
    """Make sure that what is about to be written answers its probes as `name`, which it was made from, did."""
    with scratch_folder() as folder:
        path = Path(folder, "packed.tflite")
        write_bytes(path, content)
        as_packed = replace(options, trust=True, description=None, require_signature=None)
        try:
            loaded = open_model(path, as_packed, judged=False)
            replayed = replay_probes(loaded.packed, loaded.session)
        except ModelFileError:  # whose sentence names a file that nobody has seen
            replayed = None
    if replayed is None or not replayed.passed:
        raise ModelFileError(
            f"{name} would answer otherwise with a card than it does without, so nothing is written; that is a fault "
            "of edgecnn: please report it"
        )


def split_files(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """The flatbuffer of another tool's file, and the files in the zip behind it; what does not read stays as it is."""
    try:
        members, _ = read_members(data, _MOST_FILES_BYTES)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            start = min(entry.header_offset for entry in archive.infolist())
        return data[:start], {name: member for name, member in members.items() if name not in _OUR_OWN}
    except ZIP_ERRORS:  # ValueError: nothing is in it
        return data, {}


def patterns(spec: InputSpec) -> Pixels:
    """Plain colours with gradients over them, from fixed seeds: uint8 (count, height, width, channels)."""
    rng = np.random.default_rng(0)
    y, x = (axis[..., None] for axis in np.mgrid[: spec.height, : spec.width] / max(spec.height, spec.width))
    slopes = rng.uniform(-200, 200, (4 * COUNT, 2, spec.channels))
    planes = rng.uniform(0, 255, (4 * COUNT, spec.channels))
    images = np.empty((4 * COUNT, *spec.shape), np.uint8)
    for image, plane, (across, down) in zip(images, planes, slopes, strict=True):  # in floats one at a time
        image[:] = np.clip(plane + across * x + down * y, 0, 255)
    return images


def choose_answers(loaded: LoadedModel, images: Pixels, limit: int) -> Golden:
    """The images that tell most about a device, with the answers of `loaded`, in at most `limit` bytes.

    Args:
        loaded: the model.
        images: to choose among, uint8 (count, height, width, channels).
        limit: see `edgecnn.model_file.golden_probes.most_bytes`.

    Raises:
        ModelFileError: an answer is no number.
    """

    def answers(some: Pixels) -> npt.NDArray[np.float32]:
        return require_numbers(loaded.probabilities_of(some), loaded.packed.name)

    found = answers(images)
    split = Split(images, found.argmax(axis=1).astype(np.int64))
    models = ProbeModels(answers, answers, loaded.session.runtime)
    return golden_probes(split, found, found, models, loaded.input, 0, limit)
