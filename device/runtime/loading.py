"""Open a model by path or bundled name, with everything that is known about it."""

import os
import re
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

from edgecnn.errors import DelegateError, EdgecnnWarning, InputError, ModelFileError
from edgecnn.model_file.bundled import bundled_models, find_model
from edgecnn.model_file.container import PackedModel, read_model
from edgecnn.model_file.other_formats import is_saved_model

from .card_fit import require_card_fits
from .loaded_model import LoadedModel
from .opening import open_session
from .probes import require_same_preprocessing
from .run_options import DEFAULTS, RunOptions
from .runner import Runner
from .scores import find_probabilities, understand_scores

# How the sentences about delegates end.
_CPU_ADVICE = re.compile(r"[;,] (or )?use --delegate (cpu|xnnpack).*")


def read_packed(model: str | Path) -> PackedModel:
    """Read and check a .tflite file or a bundled model; see `edgecnn.model_file.container.read_model`.

    Raises:
        ModelFileError: no such file or bundled model, or the file is damaged.
    """
    path = find_model(model)
    model = os.fspath(model)
    if not model:
        raise ModelFileError("the model has an empty name; give a .tflite file or a bundled name")
    if path.is_dir():
        inside = min(path.glob("*.tflite"), key=lambda file: (".activations." in file.name, file.name), default=None)
        advice = f"give a file in it, such as {inside}" if inside else "edgecnn convert makes .tflite files of a run"
        if is_saved_model(path):
            raise ModelFileError(f"{model} is a SavedModel of TensorFlow; edgecnn convert makes a .tflite file of it")
        raise ModelFileError(f"{model} is a folder; {advice}")
    if path.exists() and not path.is_file():
        raise ModelFileError(f"{model} is a pipe, a device or a socket; save the model as a file, and give that")
    if path.is_symlink() and not path.is_file():
        raise ModelFileError(f"{model} is a link to {path.readlink()}, where no file is; give the file itself")
    if not path.is_file():
        bundled = ", ".join(bundled_models())
        raise ModelFileError(f"no model file {model}, and no bundled model of that name; bundled: {bundled}")
    return read_model(path)


def open_model(model: str | Path, options: RunOptions = DEFAULTS, *, judged: bool = True) -> LoadedModel:
    """Load a .tflite file, or a bundled model by name.

    Runtimes crash on damaged files, and nothing but a signature keeps a file from being altered on purpose: a file that
    never ran here is first opened in a child process, where its golden probes must have the right answers. A delegate's
    library runs in a process of its own, or is tried in one; any delegate must give the answers of the golden probes,
    or for a file without them those of the CPU.

    Of a file without a card, labels and input are what `options` say, or its standard metadata, or labels are indices
    and the input is read from the tensor, and an EdgecnnWarning says which.

    Args:
        model: path of a file, or name of a bundled model.
        options: how it is to run.
        judged: refuse a file whose probes are answered otherwise here, or its images prepared otherwise.

    Raises:
        ModelFileError: missing, damaged, refused by the runtime, its card contradicts its tensors, or it is not signed
            as it must be.
        DelegateError: no runtime is installed, or the delegate does not do what is asked for, or computes wrongly.
        InputError: there is no such runtime, `options` describe the file otherwise than it is, or the signers that they
            require do not read.
        MissingExtraError: OpenSSH, which checks signatures, is not installed.
    """
    packed, path = read_packed(model), find_model(model)
    signature = None
    if options.require_signature is not None:
        from edgecnn.model_file.signature import require_signature

        signature = require_signature(packed, options.require_signature)
        options = replace(options, trust=True)  # whoever signed it is trusted: no child needs to try it
    loaded = _load_checked(packed, path, options, judged)
    return replace(loaded, signature=signature) if signature else loaded


def _load_checked(packed: PackedModel, path: Path, options: RunOptions, judged: bool) -> LoadedModel:
    """A model whose delegate computes rightly; or the CPU in its place, where that is allowed."""
    delegate = options.delegate
    if delegate is None:
        return _load(packed, path, options, judged)
    try:
        loaded = _load(packed, path, options, judged)
        if options.probe and delegate.name != "cpu":
            from .delegate_check import require_right_delegate

            beside = replace(options, delegate=delegate.compared_with)
            require_right_delegate(loaded, delegate, partial(_open_on_cpu, packed, beside))
        return loaded
    except DelegateError as error:
        _say_only_this_one_helps(packed, error)
        if not delegate.fallback:
            raise
        warnings.warn(f"{error}; going on with the CPU (--fallback cpu)", EdgecnnWarning, stacklevel=4)
    return _load(packed, path, replace(options, delegate=delegate.compared_with), judged)


def _load(packed: PackedModel, path: Path, options: RunOptions, judged: bool) -> LoadedModel:
    if packed.card is None:
        return _open_bare(packed, path, options)
    if options.description:
        raise InputError(f"{packed.name} carries a card, which says its labels and input; say nothing else of it")
    _try_first(packed, path, options, judged)
    session = _open_session(packed, path, options)
    probabilities = find_probabilities(packed, session)
    require_card_fits(packed.card, session, probabilities, packed.name)
    if judged:
        require_same_preprocessing(packed)
    return LoadedModel(packed, session, probabilities, packed.card.labels, packed.card.input)


def _try_first(packed: PackedModel, path: Path, options: RunOptions, judged: bool) -> None:
    """Open a file in a child process, once; not a bundled one, which is as trusted as this code."""
    if options.trust or path in bundled_models().values():
        return
    if options.delegate is not None and not options.delegate.is_built_in:
        from edgecnn.model_file.tflite_metadata import custom_operators

        if custom_operators(packed.flatbuffer):
            return  # what only a delegate can compute is tried with the delegate
    from .trial import try_once

    try_once(packed, path, options, judged)


def _open_bare(packed: PackedModel, path: Path, options: RunOptions) -> LoadedModel:
    """A file without a card, by what it says of itself and what `options` say of it."""
    from edgecnn.model_file.tflite_metadata import read_metadata, reads_unset_variables

    from .bare import choose_input, choose_labels
    from .description import Description

    by_library = options.delegate is not None and not options.delegate.is_built_in
    if not by_library:
        _refuse_edge_tpu(packed)
    if reads_unset_variables(packed.flatbuffer):
        raise ModelFileError(
            f"{packed.name} reads variables that nothing in it sets: its weights were left behind when it was "
            "converted, so convert it again with TFLiteConverter.from_concrete_functions, or from_keras_model"
        )
    _try_first(packed, path, options, judged=False)
    session = _open_session(packed, path, options)
    scores, made = understand_scores(packed, session)
    metadata, said = read_metadata(packed.flatbuffer, scores.index), options.description or Description()
    labels, names, unnamed = choose_labels(metadata, said, max(2, scores.shape[-1]), packed.name)
    spec, pixels, unscaled = choose_input(metadata, said, session.input, packed.name)
    notes = "; ".join(filter(None, (metadata.damage, names, made, pixels)))
    if notes:
        warnings.warn(f"{packed.name} carries no card: {notes}", EdgecnnWarning, stacklevel=6)
    assumed = ("labels",) * unnamed + ("input_range",) * unscaled
    return LoadedModel(packed, session, scores, labels, spec, assumed)


def _refuse_edge_tpu(packed: PackedModel) -> None:
    from edgecnn.model_file.tflite_metadata import EDGE_TPU_OP, custom_operators

    if EDGE_TPU_OP in custom_operators(packed.flatbuffer):
        raise ModelFileError(
            f"{packed.name} is compiled for Google's Edge TPU ({EDGE_TPU_OP}), which no CPU can replace: use "
            "--delegate edgetpu where a Coral accelerator is plugged in, or the file that it was compiled from"
        )


def _open_session(packed: PackedModel, path: Path, options: RunOptions) -> Runner:
    if options.delegate is None:
        return _open_on_cpu(packed, options)
    from .delegate_opening import open_delegated

    return open_delegated(packed, path, options.delegate, options, partial(_open_on_cpu, packed))


def _say_only_this_one_helps(packed: PackedModel, error: DelegateError) -> None:
    """Put in place of the advice to use the CPU what helps a file that no CPU runs."""
    from edgecnn.model_file.tflite_metadata import EDGE_TPU_OP, custom_operators

    if EDGE_TPU_OP in custom_operators(packed.flatbuffer):
        reason = _CPU_ADVICE.sub("", str(error))
        raise DelegateError(
            f"{reason}; {packed.name} is compiled for Google's Edge TPU ({EDGE_TPU_OP}): it needs a Coral accelerator "
            "and its library, or take the file that it was compiled from"
        ) from None


def _open_on_cpu(packed: PackedModel, options: RunOptions) -> Runner:
    try:
        return open_session(packed, options)
    except ModelFileError:
        _refuse_edge_tpu(packed)
        raise
