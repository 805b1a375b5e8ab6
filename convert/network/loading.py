"""Load a .keras file, or say in one line why not."""

import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from edgecnn.errors import EdgecnnError, ModelFileError
from edgecnn.keras_file import first_clause, loading_keras
from edgecnn.model_file.card import INPUT, PROBABILITIES, ModelCard
from edgecnn.native_output import captured_stderr
from edgecnn.scratch_folder import scratch_folder

from .channels_last import to_channels_last
from .custom_code import CustomCode
from .feature_maps import has_map
from .flattening import flatten, free_name
from .image_input import ImageInput, with_image_input
from .keras2 import read_keras2
from .keras_contents import KerasContents, read_contents
from .layer_requirements import require_known_layers

ALIKE = 2  # images at once wherever a network is tried: Keras traces it anew for another number, for seconds


def load_keras(path: Path) -> keras.Model:
    """Load a .keras file for inference; a model inside it becomes part of one flat graph, see `flatten`.

    Raises:
        ModelFileError: missing, damaged, with weights that are no numbers, or not one image in and class scores out.
    """
    model = _read_keras(path, CustomCode(), lambda _: None)
    _require_shapes(model, path)
    return _flat(model, path)


def load_foreign(
    path: Path, image_size: tuple[int, int] | None, code: CustomCode, progress: Callable[[str], None]
) -> ImageInput:
    """Load a Keras model that was trained elsewhere: a flat graph with images, channels last, of one size as input.

    Args:
        path: the file.
        image_size: height and width, where it takes images of any size.
        code: what may run to read it; its `scope` must be entered.
        progress: is told what was read and changed.

    Raises:
        ModelFileError: missing, damaged, with weights that are no numbers, or not one image in and class scores out.
        InputError: `image_size` is missing, or contradicts the model.
    """
    given = with_image_input(_read_keras(path, code, progress), path, image_size, progress)
    model = given.model
    if len(model.outputs[0].shape) == 4 and model.outputs[0].shape[1:3] == (1, 1):
        scores = keras.layers.Flatten(name=free_name("scores", {layer.name for layer in model.layers}))
        model = keras.Model(model.inputs, scores(model.outputs[0]), name=model.name)
    _require_shapes(model, path)
    _require_runs(model, path)
    flat = to_channels_last(_flat(model, path))
    _require_same_answers(model, flat, path, is_whole=bool(given.whole_type))
    return replace(given, model=flat)


def _unroll(model: keras.Model) -> None:
    """Repeat the steps of recurrent layers in the graph: a loop is what no calibrated scheme and no delegate takes."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.RNN):
            layer.unroll = True


def _read_keras(path: Path, code: CustomCode, progress: Callable[[str], None]) -> keras.Model:
    if path.is_file():
        with path.open("rb") as file:
            if file.read(8)[4:] == b"TFL3":
                raise ModelFileError(
                    f"{path} is a TFLite model, so it is converted already; edgecnn pack gives it labels and probes"
                )
    contents = read_contents(path)
    require_known_layers(contents)
    model = read_keras2(contents, code, progress) if contents.is_keras_2 else _read_keras3(contents)
    if not model.built or not hasattr(model, "inputs") or not model.inputs:
        _require_layers_follow(model, path)
        raise ModelFileError(
            f"{path} holds a model without a fixed input shape; build it with keras.Input and save it again"
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelFileError(f"{path} must have one input and one output; edgecnn converts image classifiers only")
    _require_float(model, path)
    _require_finite(model, path)
    _unroll(model)
    return model


def _require_float(model: keras.Model, path: Path) -> None:
    """What Keras quantizes needs operators that TFLite does not have; and rounding twice is worse than once."""
    for layer in model._flatten_layers():
        if isinstance(layer.dtype_policy, keras.dtype_policies.QuantizedDTypePolicy):
            raise ModelFileError(
                f"{path}: layer {layer.name} was quantized by Keras itself ({layer.dtype_policy.quantization_mode}); "
                'edgecnn quantizes float networks: give the file that was saved before model.quantize("…")'
            )


def _read_keras3(contents: KerasContents) -> keras.Model:
    advice = f"it was written by {contents.writer}, this is Keras {keras.__version__}"
    if contents.version == keras.__version__:
        advice = f"this Keras, {keras.__version__}, wrote it: if it loads where it was made, copy it again from there"
    try:
        with scratch_folder() as scratch, loading_keras(str(contents.path), advice), captured_stderr():
            return keras.models.load_model(contents.linked_in(Path(scratch)), compile=False)
    except Exception as error:  # whatever a layer of somebody's own raises
        _require_names(contents.path, error, any(layer.has_code for layer in contents.layers))
        if isinstance(error, (EdgecnnError, MemoryError)):
            raise
        raise ModelFileError(f"{contents.path} does not load ({first_clause(error)}); {advice}") from None


def _require_layers_follow(model: keras.Model, path: Path) -> None:
    """Say why a sequence of layers is no graph, where code in the file is to blame: Keras does not."""
    layers = [*getattr(model, "_layers", ())]
    if not layers or not isinstance(layers[0], keras.layers.InputLayer):
        return
    values = layers[0].output
    try:
        for layer in layers[1:]:
            values = layer(values)
    except Exception as error:  # whatever a layer raises
        _require_names(path, error, _has_code(model))


def _has_code(model: keras.Model) -> bool:
    """Whether a Lambda brings its own code, as one of a function without a name does."""
    lambdas = (layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Lambda))
    return any(getattr(layer.function, "__name__", "") == "<lambda>" for layer in lambdas)


def _require_names(path: Path, error: BaseException | None, has_code: bool) -> None:
    """Refuse code that uses names which are not there, where that is what an error came of.

    Args:
        path: of the model.
        error: what reading or running it raised.
        has_code: whether it is code in the file; else that of --custom-objects.
    """
    while error is not None and not isinstance(error, NameError):
        error = error.__cause__ or error.__context__
    name = re.search(r"name '(\w+)' is not defined", str(error))  # TensorFlow raises it anew, without `name`
    if name and has_code:
        raise ModelFileError(
            f"{path}: the code of a Lambda in it uses {name[1]}, which does not lie in the file; where the model "
            "was built, call keras.ops without a Lambda, or give the Lambda a function with a name, which "
            "--custom-objects FILE.py then brings, and save it again"
        ) from None
    if name:
        raise ModelFileError(
            f"{path}: the code of a layer uses {name[1]}, which is not defined; import or define it in the file of "
            "--custom-objects"
        ) from None


def _require_finite(model: keras.Model, path: Path) -> None:
    """An 8-bit file of such weights would answer something, and nobody would notice."""
    for variable in model.weights:
        values = np.asarray(variable, np.float32)
        wrong = int((~np.isfinite(values)).sum())
        if wrong:
            kind = "NaN" if np.isnan(values).any() else "infinite"
            raise ModelFileError(
                f"{path}: {wrong:,} of {values.size:,} values of {variable.path} are {kind}, so its answers mean "
                "nothing; its training diverged, take an earlier epoch or a lower learning rate"
            )


def _require_runs(model: keras.Model, path: Path) -> None:
    """Keras reads models that it cannot run: with names of another backend, or layers that do not fit."""
    try:
        images = np.zeros((ALIKE, *(size or 32 for size in model.inputs[0].shape[1:])), np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it runs is asked here, not what Keras advises
            model.predict_on_batch(images)
    except Exception as error:  # whatever a layer raises
        _require_names(path, error, _has_code(model))
        raise ModelFileError(
            f"{path} cannot be run by TensorFlow: {first_clause(error)}; build it so that "
            "model.predict of two images works with the TensorFlow backend, and save it again"
        ) from None


def _flat(model: keras.Model, path: Path) -> keras.Model:
    model = flatten(model)
    names = {layer.name for layer in model.layers if has_map(layer)}
    for name, what in ((PROBABILITIES, "output"), (INPUT, "input")):
        if name in names:
            raise ModelFileError(f"{path} has a layer called {name!r}, the name of edgecnn's {what}; rename it")
    return model


def _require_shapes(model: keras.Model, path: Path) -> None:
    if len(model.inputs[0].shape) != 4 or len(model.outputs[0].shape) != 2:
        raise ModelFileError(
            f"{path} must map (batch, height, width, channels) to (batch, classes). "
            f"Received: {model.inputs[0].shape} to {model.outputs[0].shape}; give an image classifier"
        )
    if None in model.inputs[0].shape[1:]:
        raise ModelFileError(
            f"{path} must take images of one size. Received: {model.inputs[0].shape}; fix its keras.Input"
        )


def _require_same_answers(given: keras.Model, made: keras.Model, path: Path, is_whole: bool) -> None:
    """Make sure that what was rewritten is still the same network, on images of noise; of whole numbers, if it is."""
    if given is made:
        return
    images = np.random.default_rng(0).uniform(0, 1, (ALIKE, *made.inputs[0].shape[1:])).astype(np.float32)
    # Half precision has 11 bits of mantissa, and bfloat16 8.
    types = {layer.compute_dtype for layer in given._flatten_layers()}
    tolerance = 0.2 if "bfloat16" in types else 0.05 if "float16" in types else 1e-4
    for highest in (1, 255):
        values = np.floor(images * highest) if is_whole else images * highest
        expected, found = (np.asarray(each.predict_on_batch(values), np.float32) for each in (given, made))
        bound = tolerance * max(1.0, float(np.nanmax(np.abs(expected), initial=0)))
        if not np.allclose(expected, found, rtol=0, atol=bound, equal_nan=True):
            raise ModelFileError(
                f"{path} answers otherwise once its layers are rewritten for TFLite (by up to "
                f"{np.abs(expected - found).max():.3g}), so nothing was written; report this model"
            )


def require_card_of(model: keras.Model, card: ModelCard, path: Path) -> None:
    """Make sure that card and model are of one another.

    Raises:
        ModelFileError: another input shape or number of classes.
    """
    shapes = tuple(model.inputs[0].shape[1:]), model.outputs[0].shape[1]
    if shapes != (card.input.shape, len(card.labels)):
        raise ModelFileError(
            f"{path}: the card beside it says {card.input.shape} to {len(card.labels)} classes, the model takes "
            f"{shapes[0]} to {shapes[1]}; they are not of one run: copy both again, or make that run anew"
        )
