"""What the layers of a Keras file need that neither Keras nor the file brings: said by name before anything is read."""

import keras
from keras.src.saving.serialization_lib import in_safe_mode

from edgecnn.errors import ModelFileError

from .foreign_layers import is_known_function
from .keras_contents import KerasContents, StoredLayer

# Of Keras 2, and no layers in Keras 3, or other ones.
_MODELS = ("Functional", "Sequential", "Model")
_OF_KERAS_2 = (
    "Functional Model Sequential TFOpLambda SlicingOpLambda ClassMethod InstanceMethod InstanceProperty "
    "RandomWidth RandomHeight SyncBatchNormalization ThresholdedReLU Policy DTypePolicy"
).split()


def require_known_layers(contents: KerasContents) -> None:
    """Make sure that every layer can be made.

    Call it in the scope of the user's `CustomCode`.

    Raises:
        ModelFileError: one is of a class that is not known, or is code that must not run; the sentence names the
            layer, the Keras that wrote the file, and what helps.
    """
    for layer in contents.layers:
        problem = _problem(layer, contents.is_keras_2)
        if problem:
            raise ModelFileError(f"{contents.path}, written by {contents.writer}: layer {layer.name} {problem}")


def _problem(layer: StoredLayer, is_keras_2: bool) -> str:
    if layer.class_name in ("Lambda", "CodeLayer"):
        return _lambda_problem(layer, is_keras_2)
    if layer.class_name == "KerasLayer":
        return (
            "is a KerasLayer of TensorFlow Hub, a graph without Keras layers, so nothing in it can be read layer by "
            "layer; convert the model to .tflite where it was made (tf.lite.TFLiteConverter) and give that file to "
            "edgecnn pack, or build it on a network of keras.applications"
        )
    function = str(layer.config.get("function"))
    if layer.class_name.endswith("OpLambda") and not is_known_function(function):
        return f"calls tf.{function}, which edgecnn does not run; leave it out where the model was built"
    if _is_known(layer, is_keras_2):
        return ""
    return (
        f"is a {layer.class_name}, a class that Keras does not bring; put that class into a Python file and name it "
        "with --custom-objects FILE.py, which runs that file"
    )


def _is_known(layer: StoredLayer, is_keras_2: bool) -> bool:
    registered = layer.registered or layer.class_name
    if any(keras.saving.get_registered_object(name) is not None for name in (registered, layer.class_name)):
        return True
    if is_keras_2:
        return layer.class_name in _OF_KERAS_2 or hasattr(keras.layers, layer.class_name)
    # Keras 3 writes no modules into .h5, and models are no members of keras.layers.
    is_own = layer.class_name in _MODELS or hasattr(keras.layers, layer.class_name)
    return is_own or layer.module.partition(".")[0] == "keras"


def _lambda_problem(layer: StoredLayer, is_keras_2: bool) -> str:
    if layer.has_code and in_safe_mode() is False:
        return ""
    if layer.has_code and is_keras_2 and keras.saving.get_registered_object(layer.name) is not None:
        return ""
    if layer.has_code:
        code = (
            "is a Lambda, whose code lies in the file; --trust runs that code: use it for a file whose maker you know"
        )
        instead = f", or put a function called {layer.name} into a Python file: with --custom-objects FILE.py it runs"
        return f"{code}{instead} in its place" if is_keras_2 else code
    if keras.saving.get_registered_object(layer.called) is not None:
        return ""
    return (
        f"is a Lambda that calls {layer.called}(), which does not lie in the file; put that function into a Python "
        "file and name it with --custom-objects FILE.py, which runs that file"
    )
