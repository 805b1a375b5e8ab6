"""edgecnn beside other ways to run the same int8 network: one image, one thread, p50, all in turn in one process.

    python benchmarks/runtimes.py

Those that are not installed are left out: `pip install ai-edge-litert mediapipe openvino onnx onnxruntime tf2onnx`.
The network is the reference; MediaPipe takes RGB images only, so it and an edgecnn beside it run the reference with
three equal channels.
"""

import contextlib
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from edgecnn.device import Classifier
from edgecnn.model_file.bundled import find_model, sample_images
from edgecnn.model_file.container import read_model

ROOT = Path(__file__).parents[1]
Call = Callable[[], object]


def bare(flatbuffer: bytes, pixels: np.ndarray) -> Call:
    """LiteRT's interpreter: set, invoke, get."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=flatbuffer, num_threads=1)
    interpreter.allocate_tensors()
    given, taken = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    tensor = (pixels ^ 0x80).view(np.int8)[None]

    def call() -> object:
        interpreter.set_tensor(given, tensor)
        interpreter.invoke()
        return interpreter.get_tensor(taken)

    return call


def compiled(flatbuffer: bytes, pixels: np.ndarray) -> Call:
    """LiteRT's CompiledModel on the CPU: write, run, read."""
    from ai_edge_litert.compiled_model import CompiledModel

    model = CompiledModel.from_buffer(flatbuffer)
    given, taken = model.create_input_buffers(0), model.create_output_buffers(0)
    tensor = (pixels ^ 0x80).view(np.int8)[None].copy()

    def call() -> object:
        given[0].write(tensor)
        model.run_by_index(0, given, taken)
        return taken[0].read(10, np.int8)

    return call


def openvino(path: Path, pixels: np.ndarray) -> Call:
    """OpenVINO on the CPU, which reads the .tflite file."""
    import openvino as ov

    request = ov.Core().compile_model(str(path), "CPU", {"INFERENCE_NUM_THREADS": 1}).create_infer_request()
    tensor = (pixels ^ 0x80).view(np.int8)[None]
    return lambda: request.infer([tensor])


def onnx(model: Path, images: np.ndarray, folder: Path) -> Call:
    """onnxruntime: the Keras network exported to ONNX, and quantized to int8 by its own tool on 100 images."""
    import keras
    import onnxruntime
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    network = keras.models.load_model(model, compile=False)
    network(images[:1] / np.float32(255))  # it must have been called once
    network.export(folder / "float32.onnx", format="onnx", verbose=False)
    name = onnxruntime.InferenceSession(folder / "float32.onnx").get_inputs()[0].name

    class Images(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left: Iterator[np.ndarray] = iter(images[:100] / np.float32(255))

        def get_next(self) -> dict[str, np.ndarray] | None:
            image = next(self._left, None)
            return None if image is None else {name: image[None]}

    quantize_static(folder / "float32.onnx", folder / "int8.onnx", Images(), weight_type=QuantType.QInt8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "int8.onnx", options)
    tensor = images[:1] / np.float32(255)
    return lambda: session.run(None, {name: tensor})


def in_colour(model: Path, folder: Path) -> Path:
    """The network for RGB images, converted for MediaPipe: a third of the first kernel for each channel."""
    import keras

    from edgecnn.convert import Preprocessing, adopt, convert, load_representative

    network = keras.models.load_model(model, compile=False)
    layers = [keras.Input((28, 28, 3)), *(type(x).from_config(x.get_config()) for x in network.layers)]
    coloured = keras.Sequential(layers)
    weights = network.get_weights()
    weights[0] = np.repeat(weights[0] / 3, 3, axis=2)
    coloured.set_weights(weights)
    coloured.save(folder / "rgb.keras")
    labels = read_model(find_model("fashion-mnist")).card
    assert labels
    run = adopt(folder / "rgb.keras", labels.labels, folder / "rgb", Preprocessing((1 / 255,), (0.0,)))
    photos = load_representative(sample_images()[0].parent, labels_card(run))
    made = convert(run, photos, target="mediapipe", calibration_images=len(photos.train), activations=False)
    return made.plain.path


def labels_card(run: Path) -> Any:
    """The card of a run directory."""
    from edgecnn import ModelCard

    return ModelCard.load(run / "card.json")


def mediapipe(path: Path, pixels: np.ndarray, stack: contextlib.ExitStack) -> Call:
    """MediaPipe's ImageClassifier, from pixels to the label."""
    from mediapipe import Image, ImageFormat
    from mediapipe.tasks.python import BaseOptions, vision

    base = BaseOptions(model_asset_path=str(path))
    options = vision.ImageClassifierOptions(base, max_results=1)
    classifier = stack.enter_context(vision.ImageClassifier.create_from_options(options))
    return lambda: classifier.classify(Image(image_format=ImageFormat.SRGB, data=pixels))


def times_us(calls: dict[str, Call], rounds: int, each: int) -> dict[str, list[float]]:
    """The median of `each` calls in a row, in microseconds, for every round; the ways take turns."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            taken = []
            for _ in range(each):
                started = time.perf_counter()
                call()
                taken.append(1e6 * (time.perf_counter() - started))
            found[name].append(statistics.median(taken))
    return found


SCRIPT = """
import sys, numpy as np
from PIL import Image
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(model_path=sys.argv[1], num_threads=1)
interpreter.allocate_tensors()
given, taken = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
pixels = np.asarray(Image.open(sys.argv[2]).convert("L").resize((28, 28)))
interpreter.set_tensor(given["index"], (pixels ^ 0x80).view(np.int8).reshape(1, 28, 28, 1))
interpreter.invoke()
scores = interpreter.get_tensor(taken["index"])[0]
print(sys.argv[2], int(scores.argmax()), (int(scores.max()) + 128) / 256)
"""


# Starts processes in turn; small itself, because a child's peak memory begins with its parent's.
RUNNER = """
import json, os, subprocess, sys, time
ways, found = json.loads(sys.argv[1]), {}
for _ in range(int(sys.argv[2])):
    for name, command in ways.items():
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, name
        found.setdefault(name, []).append((time.perf_counter() - started, usage.ru_maxrss / 1024))
print(json.dumps(found))
"""


def processes(rounds: int) -> None:
    """`edgecnn classify one.png` beside a bare script that does the same, as whole processes."""
    image = str(next(path for path in sample_images() if "sneaker" in path.name))
    program = Path(sys.executable).with_name("edgecnn")
    ways = {
        "bare script": [sys.executable, "-c", SCRIPT, str(find_model("fashion-mnist")), image],
        "edgecnn classify": [str(program), "classify", "fashion-mnist", image],
    }
    command = [sys.executable, "-I", "-S", "-c", RUNNER, json.dumps(ways), str(rounds)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for name, runs in found.items():
        seconds, mebibytes = (statistics.median(run[place] for run in runs) for place in (0, 1))
        print(f"{name:40} {seconds:8.3f} s  {mebibytes:6.1f} MiB")
    for place, what in enumerate(("time", "memory")):
        ratios = [ours[place] / bare[place] for bare, ours in zip(*found.values(), strict=True)]
        print(f"edgecnn classify / bare script: {statistics.median(ratios):.2f} of its {what}")


@click.command()
@click.option("--rounds", default=30, show_default=True, help="How often every way has its turn.")
@click.option("--each", default=100, show_default=True, help="Calls a turn.")
def main(rounds: int, each: int) -> None:
    """Time edgecnn beside other runtimes."""
    here = {name for name in ("mediapipe", "openvino", "onnxruntime", "tf2onnx") if importlib.util.find_spec(name)}
    path, keras_model = find_model("fashion-mnist"), ROOT / "tests/parity/reference/model.keras"
    packed, classifier = read_model(path), Classifier("fashion-mnist")
    images = np.random.default_rng(0).integers(0, 256, (100, 28, 28, 1), dtype=np.uint8)
    pixels = images[0]
    calls: dict[str, Call] = {
        "LiteRT interpreter, bare": bare(packed.flatbuffer, pixels),
        "edgecnn Classifier.classify": lambda: classifier.classify(pixels),
        "LiteRT CompiledModel": compiled(packed.flatbuffer, pixels),
    }
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if "openvino" in here:
            calls["OpenVINO"] = openvino(path, pixels)
        if {"onnxruntime", "tf2onnx"} <= here:
            calls["onnxruntime"] = onnx(keras_model, images, folder)
        if "mediapipe" in here:
            coloured = in_colour(keras_model, folder)
            rgb, photo = Classifier(coloured), np.repeat(pixels, 3, axis=2)
            calls["edgecnn Classifier.classify, RGB"] = lambda: rgb.classify(photo)
            calls["MediaPipe ImageClassifier, RGB"] = mediapipe(coloured, photo, stack)
        found = times_us(calls, rounds, each)
        calls.clear()
    ours = found["edgecnn Classifier.classify"]
    for way, microseconds in found.items():
        compared = found["edgecnn Classifier.classify, RGB"] if way.endswith("RGB") else ours
        ratio = statistics.median(mine / other for mine, other in zip(compared, microseconds, strict=True))
        print(f"{way:40} {statistics.median(microseconds):8.1f} us   edgecnn takes {ratio:.2f} of it")
    processes(rounds)


if __name__ == "__main__":
    main()
