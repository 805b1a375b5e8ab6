"""Sign a model file."""

import warnings
from pathlib import Path

from edgecnn.atomic_files import claimed, write_bytes
from edgecnn.errors import EdgecnnWarning, InputError, ModelFileError
from edgecnn.model_file.bundled import bundled_models
from edgecnn.model_file.container import PackedModel, unpack
from edgecnn.model_file.signature import Signature, make_signature, read_signature, with_signature
from edgecnn.model_file.tflite_metadata import custom_operators

from .runtime.loading import open_model, read_packed
from .runtime.probes import replay_probes
from .runtime.run_options import RunOptions
from .verification import doubts


def sign_model(model: str | Path, key: str | Path) -> tuple[Path, Signature]:
    """Put a signature into a .tflite file with a card, in the place of any that it has.

    Whoever requires the signature tries the file no more. So it is tried here, as on any machine where it never ran:
    its golden probes must have the right answers. One that only an accelerator can compute is signed with a warning,
    and so is one of which `verify` warns.

    Args:
        model: path of a file.
        key: a private SSH key's file, or a public key's whose private one an agent holds.

    Returns:
        The file, and what its signature says.

    Raises:
        ModelFileError: missing, damaged, or without a card; refused by the runtime, or its probes contradict it.
        DelegateError: no runtime is installed.
        InputError: `key` cannot be used, or `model` is a bundled one.
        MissingExtraError: OpenSSH is not installed.
        OutputError: the file cannot be written, or is being written or compared by another process.
    """
    read_packed(model)  # a missing or damaged one is told first
    path, bundled = Path(model), bundled_models()
    if not path.is_file() or path.resolve() in {one.resolve() for one in bundled.values()}:
        source = bundled.get(str(model), path)
        raise InputError(f"{model} is part of edgecnn and is not written to; copy {source} and sign the copy")
    target = path.resolve()  # a link stays one
    with claimed([target], force=True):  # what a conversion writes meanwhile would be lost
        return path, _sign(target, read_packed(model), key)


def _sign(path: Path, packed: PackedModel, key: str | Path) -> Signature:
    if packed.card is None:
        raise ModelFileError(f"{packed.name} carries no card to sign; edgecnn pack writes a copy that does")
    _require_right_answers(packed, path)
    unsigned = packed.signed.message if packed.signed else packed.content
    data = with_signature(packed, unsigned, make_signature(unsigned, key))
    again = unpack(data, packed.name)  # what is written reads back, or nothing is written
    signature = read_signature(again)
    if signature is None or again.signed is None or again.signed.message != unsigned:
        raise ModelFileError(f"{packed.name} cannot be signed; convert the model again")
    write_bytes(path, data)
    return signature


def _require_right_answers(packed: PackedModel, path: Path) -> None:
    if custom_operators(packed.flatbuffer):
        words = f"{packed.name} is computed by an accelerator alone: what it answers was not looked at; verify it there"
        warnings.warn(words, EdgecnnWarning, stacklevel=3)
        return
    loaded = open_model(path)
    if loaded.packed.content != packed.content:
        raise ModelFileError(f"{packed.name} was exchanged while it was signed; sign it again")
    found = replay_probes(loaded.packed, loaded.session)
    for words in doubts(loaded, found, RunOptions()) if found else ():
        warnings.warn(f"{packed.name} is signed as it is: {words}", EdgecnnWarning, stacklevel=3)
