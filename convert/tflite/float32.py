"""The float32 flatbuffer of a Keras model, which every calibrated scheme is made of: converted once for all of them.

With names that TensorFlow keeps to itself. Where it lacks one, importing this raises ImportError and each scheme is
converted from the model, by `converter_of`.
"""

import keras
import tensorflow as tf
from tensorflow.compiler.mlir.lite.debug.debug_options_pb2 import DebugOptions
from tensorflow.lite.python.conversion_metadata_schema_py_generated import ModelType
from tensorflow.lite.python.convert import mlir_quantize
from tensorflow.lite.python.lite import QuantizationMode, TFLiteSavedModelConverterV2
from tensorflow.lite.python.optimize.calibrator import Calibrator, add_intermediate_tensors

from edgecnn.free_memory import give_back_memory

from .calibration_ranges import require_ranges
from .saved_model import saved

_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
_NO_GRAPH = tf.compat.v1.GraphDef()  # it is asked for fake quantization alone, which no network has here
for _name in ("_convert_from_saved_model", "_convert_and_export_metrics", "_optimize_tflite_model", "_quantize"):
    if not hasattr(TFLiteSavedModelConverterV2, _name):
        raise ImportError(f"TensorFlow's converter has no {_name}")


def to_float32(model: keras.Model) -> bytes:
    """The flatbuffer that `FromFloat32` starts from: as TensorFlow's converter has it before it quantizes."""
    with saved(model) as folder:
        # Its own `convert` loads the folder twice more, for its statistics.
        converter = TFLiteSavedModelConverterV2(folder, {tf.saved_model.SERVING}, [_SIGNATURE])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter._optimize_tflite_model = lambda flatbuffer, *_, **__: flatbuffer
        flatbuffer: bytes = converter._convert_from_saved_model(_NO_GRAPH)
    give_back_memory()
    return flatbuffer


class FromFloat32(TFLiteSavedModelConverterV2):
    """TensorFlow's converter, but for its first step: gives the same bytes as from the model itself.

    Not for `dynamic` and `float16`, which are rounded in the first step.
    """

    def __init__(self, flatbuffer: bytes) -> None:
        """Take what `to_float32` returned."""
        super().__init__("")
        self.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        self._metadata.environment.modelType = ModelType.TF_SAVED_MODEL
        self._flatbuffer = flatbuffer

    def convert(self) -> bytes:
        """Do as the settings say, and add what TensorFlow says of a conversion."""
        flatbuffer: bytes = self._convert_and_export_metrics(FromFloat32._finish)
        return flatbuffer

    def _finish(self) -> bytes:
        mode = QuantizationMode(self.optimizations, self.target_spec, self.representative_dataset, _NO_GRAPH)
        flatbuffer: bytes = self._optimize_tflite_model(self._flatbuffer, mode, DebugOptions())
        return flatbuffer

    def _quantize(
        self,
        result: bytes,
        input_type: tf.DType,
        output_type: tf.DType,
        activations_type: tf.DType,
        bias_type: tf.DType,
        allow_float: bool,
        enable_variable_quantization: bool,
        debug_options: DebugOptions,
    ) -> bytes:
        """As TensorFlow does it, but that the ranges are looked at in between, and found once for 16 bits too."""
        per_tensor = self._experimental_disable_per_channel
        dense_per_tensor = self._experimental_disable_per_channel_quantization_for_dense_layers
        calibrator = Calibrator(add_intermediate_tensors(result))
        calibrated = calibrator.calibrate(self.representative_dataset)
        require_ranges(calibrated)
        quantized: bytes
        if activations_type != tf.int16:
            quantized = mlir_quantize(
                calibrated,
                per_tensor,
                input_data_type=input_type,
                output_data_type=output_type,
                enable_variable_quantization=enable_variable_quantization,
                disable_per_channel_for_dense_layers=dense_per_tensor,
                debug_options_str=debug_options.SerializeToString(),
            )
            return quantized
        quantized = calibrator.calibrate_and_quantize(
            lambda: iter(()),  # it has seen them
            input_type,
            output_type,
            allow_float,
            activations_type,
            bias_type,
            disable_per_channel=per_tensor,
            disable_per_channel_quantization_for_dense_layers=dense_per_tensor,
        )
        return quantized
