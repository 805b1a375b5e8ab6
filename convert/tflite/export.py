"""From a Keras model to a TFLite flatbuffer."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgecnn.errors import EdgecnnError, OutputError
from edgecnn.model_file.container import add_header
from edgecnn.model_file.schemes import IoType
from edgecnn.native_output import captured_stderr

from .biases import with_own_biases
from .exporters import EXPORTERS, OF_FLOAT32, ExportInput
from .refusals import reason
from .relu6 import without_unreached_relu6
from .saved_model import converter_of
from .shared_zero_points import with_zero_points_shared


def to_flatbuffer(
    model: keras.Model,
    scheme: str,
    calibration: npt.NDArray[np.float32],
    io: IoType = "int8",
    dense_per_tensor: bool = False,
    float32: Callable[[], bytes] | None = None,
) -> bytes:
    """Convert a model with named outputs (see `with_named_outputs`).

    Only built-in operators are allowed, so nothing appears that a Pi cannot run.

    Args:
        model: takes float32 images (batch, height, width, channels), returns a dict.
        scheme: what is approximated; `edgecnn.model_file.schemes.SCHEMES` has the price of each.
        calibration: the representative dataset, float32 (count, height, width, channels), as the model is fed.
        io: of `int8`'s input and output.
        dense_per_tensor: give a dense layer one scale instead of one a channel: a little less close, and what
            tflite-runtime 2.14 needs for `dynamic`. `mixed` always does.
        float32: gives what `to_float32` makes of the model, where that may be at hand.

    Returns:
        A flatbuffer with edgecnn's header.

    Raises:
        EdgecnnError: TensorFlow cannot convert the model; the message has its reason.
        OutputError: there is no room for temporary files.
    """
    if scheme not in EXPORTERS:
        raise EdgecnnError(f"{scheme} has no exporter; convert/tflite/exporters.py lacks one of that name")

    def export() -> bytes:
        with _converter(model, scheme, float32) as converter:
            converter._experimental_disable_per_channel_quantization_for_dense_layers = dense_per_tensor
            return EXPORTERS[scheme](ExportInput(converter, calibration, io))

    return add_header(with_zero_points_shared(without_unreached_relu6(_explained(export, model, scheme))))


def to_float32_flatbuffer(model: keras.Model, float32: Callable[[], bytes]) -> bytes:
    """A flatbuffer that computes what that of the scheme `float32` does, without TensorFlow's last touches.

    Those leave out what is there twice and write a few facts, for which they copy a large network several times.

    Args:
        model: see `to_flatbuffer`.
        float32: likewise.

    Raises:
        EdgecnnError: as `to_flatbuffer` does.
        OutputError: likewise.
    """

    def export() -> bytes:
        try:
            return float32()
        except ImportError:
            with converter_of(model) as converter:
                return EXPORTERS["float32"](ExportInput(converter, _no_images(model), "float32"))

    return _explained(export, model, "float32")


def _explained(export: Callable[[], bytes], model: keras.Model, scheme: str) -> bytes:
    """What `export` makes, or in words why TensorFlow refuses."""
    flatbuffer, refusal = b"", None
    with captured_stderr() as native:
        try:
            flatbuffer = export()
        except OutputError:  # a full disk is nobody's refusal
            raise
        except Exception as error:  # TensorFlow's own ConverterError has no narrower base
            refusal = error
    if refusal:
        is_ours = isinstance(refusal, EdgecnnError)
        layers = [layer.name for layer in model.layers]
        why = str(refusal) if is_ours else reason(f"{native.text}\n{refusal}", layers)
        raise EdgecnnError(f"TensorFlow cannot convert the model to {scheme}: {why}{_other_way(model, scheme)}") from (
            refusal
        )
    return flatbuffer


def _no_images(model: keras.Model) -> npt.NDArray[np.float32]:
    return np.empty((0, *model.inputs[0].shape[1:]), np.float32)


def _converter(
    model: keras.Model, scheme: str, float32: Callable[[], bytes] | None
) -> AbstractContextManager[tf.lite.TFLiteConverter]:
    """The short way, from what several schemes share, or the long one from the model; both make the same bytes."""
    if scheme in OF_FLOAT32:
        with suppress(ImportError):
            from .float32 import FromFloat32, to_float32

            shared = float32() if float32 else to_float32(model)
            return nullcontext(FromFloat32(with_own_biases(shared) if scheme == "int16x8" else shared))
    return converter_of(model)


def _other_way(model: keras.Model, refused: str) -> str:
    """What can be done instead, once it is known to work."""
    if refused == "float32":
        return ""
    try:
        to_flatbuffer(model, "float32", _no_images(model))
    except EdgecnnError:
        return ""
    return "; --float32 can be converted"
