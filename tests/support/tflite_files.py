"""Real .tflite files as other tools make them: by TensorFlow's converter, with metadata by its published schema."""

import functools
import io
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest


def colour_network(last: str = "softmax", *, units: int = 3, mean: float = 0.0, std: float = 1.0) -> Any:
    """A Keras model that names red, green and blue pictures, of pixels normalized by `mean` and `std`.

    Args:
        last: activation of the scores.
        units: 3, or 1 for "is it blue".
        mean: its input is (pixel - mean) / std.
        std: likewise.
    """
    keras = pytest.importorskip("keras", reason="boards have no TensorFlow")
    image = keras.Input((8, 8, 3))
    # Averages of normalized pixels are taken back to -1 to 1; what is most wins.
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    scores = keras.layers.Dense(units, activation=last, name="scores")(pooled)
    model = keras.Model(image, scores)
    gain = 8 * std / 255
    kernel = np.eye(3, dtype=np.float32) * gain if units == 3 else np.array([[0], [0], [gain]], np.float32)
    bias = np.full(units, gain * (mean - 127.5) / std, np.float32)
    model.layers[-1].set_weights([kernel, bias])
    return model


def converted(model: Any, quantized: str = "") -> bytes:
    """What TensorFlow's own converter makes; `quantized` is uint8 or int8 for all-integer, or float16."""
    tf = pytest.importorskip("tensorflow", reason="boards have no TensorFlow")
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if quantized == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    elif quantized:
        rng = np.random.default_rng(0)
        ends = [np.zeros((1, 8, 8, 3), np.float32), np.ones((1, 8, 8, 3), np.float32)]
        batches = [*ends, *(rng.random((1, 8, 8, 3), np.float32) for _ in range(20))]
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([batch] for batch in batches)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = getattr(tf, quantized)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of statistics that a converted Keras model needs not
        return bytes(converter.convert())


@functools.cache
def converted_colours(
    last: str = "softmax", quantized: str = "", *, units: int = 3, mean: float = 0.0, std: float = 1.0
) -> bytes:
    """`colour_network(...)` as TensorFlow's converter makes it, once for each of them in a process of tests."""
    return converted(colour_network(last, units=units, mean=mean, std=std), quantized)


def with_metadata(
    flatbuffer: bytes,
    *,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    files: Mapping[str, str] | None = None,
    labels: str | Sequence[tuple[str, str, str]] = "",
    calibrated: bool = False,
    rgb: bool = False,
    output: int = -1,
) -> bytes:
    """Add standard metadata by the published schema's own writer, and its files in a zip behind.

    Args:
        flatbuffer: a model of one input; what is said of scores is said of its last output.
        mean: of the normalization; none for no normalization.
        std: likewise.
        files: contents by name.
        labels: the name of the file with class names; none if empty. Or several: name, locale, and what its names are
            of, `AXIS` or `VALUE`.
        calibrated: whether it asks for a calibration of the scores.
        rgb: whether it says that the input is RGB.
        output: which one has the scores.
    """
    import flatbuffers
    from mediapipe.tasks.metadata import metadata_schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    pixels, scores, graph = schema.TensorMetadataT(), schema.TensorMetadataT(), schema.SubGraphMetadataT()
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    if mean:
        options, unit = schema.NormalizationOptionsT(), schema.ProcessUnitT()
        options.mean, options.std = list(mean), list(std)
        unit.optionsType, unit.options = schema.ProcessUnitOptions.NormalizationOptions, options
        pixels.processUnits = [unit]
    scores.associatedFiles = []
    for name, locale, kind in [(labels, "", "AXIS")] * bool(labels) if isinstance(labels, str) else labels:
        file = schema.AssociatedFileT()
        file.name, file.locale = name, locale or None
        file.type = getattr(schema.AssociatedFileType, f"TENSOR_{kind}_LABELS")
        scores.associatedFiles.append(file)
    if calibrated:
        unit = schema.ProcessUnitT()
        unit.optionsType = schema.ProcessUnitOptions.ScoreCalibrationOptions
        unit.options = schema.ScoreCalibrationOptionsT()
        scores.processUnits = [unit]
    if rgb:
        pixels.content, image = schema.ContentT(), schema.ImagePropertiesT()
        image.colorSpace = schema.ColorSpaceType.RGB
        pixels.content.contentPropertiesType = schema.ContentProperties.ImageProperties
        pixels.content.contentProperties = image
    graph.inputTensorMetadata = [pixels]
    graph.outputTensorMetadata = [schema.TensorMetadataT() for _ in model.subgraphs[0].outputs]
    graph.outputTensorMetadata[output] = scores
    top = schema.ModelMetadataT()
    top.subgraphMetadata = [graph]
    builder = flatbuffers.Builder()
    builder.Finish(top.Pack(builder), b"M001")
    entry, buffer = flatbuffer_utils.schema_fb.MetadataT(), flatbuffer_utils.schema_fb.BufferT()
    entry.name, entry.buffer, buffer.data = b"TFLITE_METADATA", len(model.buffers), list(builder.Output())
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    tail = io.BytesIO()
    with zipfile.ZipFile(tail, "w") as archive:
        for name, text in (files or {}).items():
            archive.writestr(name, text)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model)) + (tail.getvalue() if files else b"")


def compiled_for_edge_tpu(flatbuffer: bytes) -> bytes:
    """A model whose last operator is the one that Google's compiler writes; only a Coral accelerator computes it."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    code = model.operatorCodes[model.subgraphs[0].operators[-1].opcodeIndex]
    code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, b"edgetpu-custom-op"
    for operator in model.subgraphs[0].operators:
        operator.builtinOptions, operator.builtinOptionsType = None, 0
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def with_constants_behind(flatbuffer: bytes) -> bytes:
    """The same model with the content of every buffer behind the tables, as quantizers write large ones."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    contents = {index: bytes(one.data) for index, one in enumerate(model.buffers) if one.data is not None}
    for index in contents:
        model.buffers[index].data, model.buffers[index].offset, model.buffers[index].size = None, 2, 1
    # Offsets and sizes of eight bytes each stand there already: the tables are as long with others.
    end = len(flatbuffer_utils.convert_object_to_bytearray(model))
    behind = b""
    for index, content in contents.items():
        behind += bytes(-(end + len(behind)) % 16)
        model.buffers[index].offset, model.buffers[index].size = end + len(behind), len(content)
        behind += content
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model)) + behind
