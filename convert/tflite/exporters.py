"""How TensorFlow converts to each scheme: one exporter a row of `edgecnn.model_file.schemes.SCHEMES`, of its name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from edgecnn.model_file.schemes import IoType


@dataclass(frozen=True)
class ExportInput:
    """What an exporter works on.

    Attributes:
        converter: of the model, for float32 with built-in operators; its settings may be changed.
        calibration: the representative data set, float32 (count, height, width, channels), as the model is fed.
        io: of input and output, for schemes with a choice of them.
    """

    converter: tf.lite.TFLiteConverter
    calibration: npt.NDArray[np.float32]
    io: IoType

    def representative(self) -> Iterator[list[npt.NDArray[np.float32]]]:
        """The calibration images one by one, as TensorFlow asks for them."""
        for image in self.calibration:
            yield [image[None]]


Exporter = Callable[[ExportInput], bytes]
EXPORTERS: dict[str, Exporter] = {}
# Those whose converter may be `FromFloat32`.
OF_FLOAT32 = {"float32", "mixed", "int8", "int16x8"}


def _exports(scheme: str) -> Callable[[Exporter], Exporter]:
    """Enter a function into `EXPORTERS`; it returns a flatbuffer, and may raise what TensorFlow raises."""

    def enter(exporter: Exporter) -> Exporter:
        EXPORTERS[scheme] = exporter
        return exporter

    return enter


def _convert(converter: tf.lite.TFLiteConverter) -> bytes:
    flatbuffer: bytes = converter.convert()
    return flatbuffer


@_exports("float32")
def _float32(source: ExportInput) -> bytes:
    return _convert(source.converter)


@_exports("float16")
def _float16(source: ExportInput) -> bytes:
    source.converter.optimizations = [tf.lite.Optimize.DEFAULT]
    source.converter.target_spec.supported_types = [tf.float16]
    return _convert(source.converter)


@_exports("dynamic")
def _dynamic(source: ExportInput) -> bytes:
    source.converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return _convert(source.converter)


@_exports("mixed")
def _mixed(source: ExportInput) -> bytes:
    from . import mixed  # litert-quantizer takes a while to load

    return mixed.quantize(_convert(source.converter), source.calibration)


@_exports("int8")
def _int8(source: ExportInput) -> bytes:
    converter = source.converter
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = source.representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.as_dtype(source.io)
    return _convert(converter)


@_exports("int16x8")
def _int16x8(source: ExportInput) -> bytes:
    converter = source.converter
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = source.representative
    operators = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    converter.target_spec.supported_ops = [operators]
    converter.inference_input_type = converter.inference_output_type = tf.int16
    return _convert(converter)
