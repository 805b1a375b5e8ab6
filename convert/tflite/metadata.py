"""Standard TFLite metadata (schema M001), by which other people's software reads a classifier."""

import flatbuffers
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.container import LABELS, add_header

_NAME = b"TFLITE_METADATA"


def with_metadata(flatbuffer: bytes, card: ModelCard) -> bytes:
    """Add name, normalization and labels to a model of one input and one output.

    Returns:
        A flatbuffer with edgecnn's header; its labels are in the file `labels.txt` that is packed behind it.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    entry = flatbuffer_utils.schema_fb.MetadataT()
    entry.name, entry.buffer = _NAME, len(model.buffers)
    buffer = flatbuffer_utils.schema_fb.BufferT()
    buffer.data = list(_metadata(card))
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return add_header(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))


def _metadata(card: ModelCard) -> bytes:
    builder = flatbuffers.Builder()
    builder.Finish(_model(card).Pack(builder), b"M001")
    return bytes(builder.Output())


def _model(card: ModelCard) -> "schema.ModelMetadataT":
    graph = schema.SubGraphMetadataT()
    graph.inputTensorMetadata, graph.outputTensorMetadata = [_image(card)], [_scores()]
    model = schema.ModelMetadataT()
    model.name = card.name
    model.description = f"Image classifier of {len(card.labels)} classes."
    model.subgraphMetadata = [graph]
    return model


def _image(card: ModelCard) -> "schema.TensorMetadataT":
    """RGB images, and how a float32 input is fed: `value = (pixel - mean) / std`; a uint8 input takes bytes."""
    properties = schema.ImagePropertiesT()
    properties.colorSpace = schema.ColorSpaceType.RGB
    normalization = schema.NormalizationOptionsT()
    normalization.mean = [-offset / scale for scale, offset in zip(card.input.scale, card.input.offset, strict=True)]
    normalization.std = [1 / scale for scale in card.input.scale]
    unit = schema.ProcessUnitT()
    unit.optionsType, unit.options = schema.ProcessUnitOptions.NormalizationOptions, normalization
    tensor = schema.TensorMetadataT()
    tensor.name, tensor.description = "image", f"RGB, {card.input.height} x {card.input.width} pixels."
    tensor.content = _content(schema.ContentProperties.ImageProperties, properties)
    tensor.processUnits = [unit]
    ends = [(offset, 255 * scale + offset) for scale, offset in zip(card.input.scale, card.input.offset, strict=True)]
    tensor.stats = _stats([min(end) for end in ends], [max(end) for end in ends])
    return tensor


def _scores() -> "schema.TensorMetadataT":
    labels = schema.AssociatedFileT()
    labels.name, labels.description = LABELS, "Class names in output order."
    labels.type = schema.AssociatedFileType.TENSOR_AXIS_LABELS
    tensor = schema.TensorMetadataT()
    tensor.name, tensor.description = "probability", "Probability of each class."
    tensor.content = _content(schema.ContentProperties.FeatureProperties, schema.FeaturePropertiesT())
    tensor.associatedFiles = [labels]
    tensor.stats = _stats([0.0], [1.0])
    return tensor


def _content(kind: int, properties: object) -> "schema.ContentT":
    content = schema.ContentT()
    content.contentPropertiesType, content.contentProperties = kind, properties
    return content


def _stats(low: list[float], high: list[float]) -> "schema.StatsT":
    stats = schema.StatsT()
    stats.min, stats.max = low, high
    return stats
