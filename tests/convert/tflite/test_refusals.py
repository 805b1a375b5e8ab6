"""Why TensorFlow does not convert a network is said in words about its layers, not about its compiler."""

import pytest

from edgecnn.convert.tflite.refusals import reason

LAYERS = ["stem", "stem_2", "cube"]


def place(operator: str, path: str) -> str:
    """As the compiler prints where it is."""
    return f'loc(fused["{operator}:", "{path}@__inference_answer_42"] at fused["StatefulPartitionedCall:"])'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            f"{place('MaxPool3D', 'model_1/cube_1/MaxPool3D')}\nTF Select ops: MaxPool3D, Erf\nDetails: ...",
            "layer cube needs MaxPool3D, Erf, which TFLite does not have; build the network without it",
        ),
        (
            "error: 'tf.Erf' op is neither a custom op nor a flex op",
            "it needs Erf, which TFLite does not have; build the network without it",
        ),
        (f"error: {place('Conv2D', 'model/stem_2_1/Conv2D')}", "it fails at layer stem_2 (Conv2D)"),
        (f"error: {place('Conv2D', 'model/other/Conv2D')}", "it fails at model/other/Conv2D (Conv2D)"),
        ("WARNING: nothing of that\n\n<unknown>:0: error: it is too large\nmore", "it is too large"),
        (f"error: {'x' * 400}", "x" * 300),
        (
            "Quantization not yet supported for op: 'HARD_SWISH'.\n",
            "Quantization not yet supported for op: 'HARD_SWISH'",
        ),
        (
            "I0000 00:00:1796074482.119827   13819 devices.cc:67] Number of eligible GPUs: 0\n"
            "2026-11-30 21:34:13.5: W tensorflow/core/x.cc:12] slow\nIt is too large.\n",
            "It is too large",
        ),
        ("WARNING: nothing of that\n", "it does not say why"),
        ("", "it does not say why"),
    ],
)
def test_the_layer_and_what_is_the_matter_are_named(text: str, words: str) -> None:
    assert reason(text, LAYERS) == words
