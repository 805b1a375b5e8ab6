"""Insertion and deletion of every explanation, beside methods that edgecnn leaves out and rankings that know nothing.

    python benchmarks/explaining.py

On the first test images of Fashion-MNIST with the bundled model, and on pictures of a patch with a texture on a
coloured ground, made here, with a `compact` network that is trained on them for a minute. There it is known where the
answer is: `on patch` is the share of images in which the hottest pixel is one of the patch's.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from edgecnn.convert import convert
from edgecnn.device.explaining import scoring
from edgecnn.device.explaining.methods import METHODS, prepare
from edgecnn.device.runtime.loaded_model import LoadedModel
from edgecnn.device.runtime.loading import open_model
from edgecnn.device.runtime.tensor_spec import TensorSpec
from edgecnn.errors import ModelFileError
from edgecnn.train import RECIPES, load_dataset, load_fashion_mnist, train
from edgecnn.train.recipes import change_recipe

TEXTURES = ("across", "down", "checks", "dots")
HEIGHT, WIDTH, PATCH = 40, 32, 12
Ask = Callable[[np.ndarray], float]
Heat = Callable[[np.ndarray, int, Ask], np.ndarray]


@dataclass(frozen=True)
class Case:
    """A network with images; `patches` are their top left corners, where they have one."""

    name: str
    loaded: LoadedModel
    images: np.ndarray
    patches: np.ndarray | None


def textured(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures, uint8 (count, height, width, 3), the indices of their textures, and the corners of the patches."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:PATCH, :PATCH]
    dots = (rows % 4 == 1) & (columns % 4 == 1)
    patterns = (rows // 2 % 2, columns // 2 % 2, (rows // 2 + columns // 2) % 2, dots)
    images, corners = [], []
    for number in range(count):
        ground = Image.fromarray(generator.integers(0, 256, (4, 3, 3), np.uint8)).resize((WIDTH, HEIGHT), 2)
        image = np.asarray(ground, np.float32) + generator.normal(0, 12, (HEIGHT, WIDTH, 3))
        top, left = generator.integers(HEIGHT - PATCH), generator.integers(WIDTH - PATCH)
        first = generator.integers(0, 256, 3)
        second = (first + generator.integers(90, 166, 3)) % 256
        pattern = np.asarray(patterns[number % len(TEXTURES)], bool)[:, :, None]
        image[top : top + PATCH, left : left + PATCH] = np.where(pattern, first, second)
        images.append(np.clip(image, 0, 255).astype(np.uint8))
        corners.append((top, left))
    return np.array(images), np.arange(count) % len(TEXTURES), np.array(corners)


def textured_case(folder: Path, count: int) -> Case:
    """Train a network on textures, convert it to int8, and take the first test images."""
    (train_images, train_labels, _), (images, labels, corners) = textured(2400, 0), textured(max(count, 200), 1)
    arrays: dict[str, Any] = {"x_train": train_images, "y_train": train_labels, "x_test": images, "y_test": labels}
    np.savez(folder / "textures.npz", **arrays, labels=np.array(TEXTURES))
    dataset = load_dataset(str(folder / "textures.npz"))
    run = train(
        folder / "run", dataset, architecture="compact", recipe=change_recipe(RECIPES["fast"], batch_size=64), epochs=8
    )
    files = convert(run.path, dataset)
    assert files.activations
    print(f"textures: accuracy {files.plain.parity.accuracy:.1%} in int8")
    return Case("textures", open_model(files.activations.path), images[:count], corners[:count])


def last_maps(loaded: LoadedModel) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """What gives the maps of the last convolution, float32 (height, width, channels), and how many they are."""
    assert loaded.card
    name = [layer.name for layer in loaded.card.feature_maps if layer.shape[0] > 1 and "Conv" in layer.layer][-1]
    tensor: TensorSpec = loaded.session.outputs[name]
    gather = loaded.session.gather(loaded.input)

    def read(pixels: np.ndarray) -> np.ndarray:
        loaded.session.run(gather(pixels))
        return tensor.dequantize(loaded.session.output(tensor))

    return read, tensor.shape[-1]


def enlarged(heat: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    size = pixels.shape[1], pixels.shape[0]
    return np.asarray(Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))


def left_out(loaded: LoadedModel) -> Iterator[tuple[str, Heat, int]]:
    """Methods of the literature that edgecnn has not."""
    maps_of, channels = last_maps(loaded)

    def eigen_cam(pixels: np.ndarray, index: int, ask: Ask) -> np.ndarray:
        """The first principal component of the last maps (Muhammad, Yeasin 2020)."""
        maps = maps_of(pixels)
        flat = maps.reshape(-1, maps.shape[2])
        *_, directions = np.linalg.svd(flat, full_matrices=False)
        heat = (flat @ directions[0]).reshape(maps.shape[:2])
        return enlarged(heat * np.sign(heat.sum()), pixels)

    def score_cam(pixels: np.ndarray, index: int, ask: Ask) -> np.ndarray:
        """The last maps as masks, weighed by the softmax of what they leave of the probability (Wang et al. 2020)."""
        maps = maps_of(pixels)
        black, masks = ask(np.zeros_like(pixels)), []
        for channel in range(maps.shape[2]):
            mask = enlarged(maps[:, :, channel], pixels)
            masks.append((mask - mask.min()) / max(float(np.ptp(mask)), 1e-9))
        rises = np.array([ask(np.rint(pixels * mask[:, :, None]).astype(np.uint8)) for mask in masks]) - black
        weights = np.exp(rises) / np.exp(rises).sum()
        return enlarged(np.maximum((maps * weights).sum(axis=2), 0), pixels)

    yield "Eigen-CAM", eigen_cam, 1
    yield "Score-CAM as published", score_cam, channels + 2


def methods_of(loaded: LoadedModel) -> Iterator[tuple[str, Heat, int]]:
    """All that can explain a network, edgecnn's own first: name, method, and how often it runs the network."""
    for name in METHODS:
        try:
            mapper = prepare(name, loaded)
        except ModelFileError:
            continue
        yield name, mapper.heat_map, mapper.invokes
    yield from left_out(loaded)
    yield "brightness", lambda pixels, _, __: pixels.mean(axis=2), 0
    generator = np.random.default_rng(1)
    yield "random", lambda pixels, _, __: generator.random(pixels.shape[:2]), 0


def measure(case: Case, heat: Heat) -> tuple[np.ndarray, float, float]:
    """Of every image insertion and deletion, (images, fills, 2); the share on the patch; CPU ms an image."""
    loaded, gather = case.loaded, case.loaded.session.gather(case.loaded.input)
    found, hits, seconds = [], [], 0.0
    for number, pixels in enumerate(case.images):
        loaded.session.run(gather(pixels))
        index = int(loaded.session.output(loaded.probabilities).argmax())

        def ask(image: np.ndarray, index: int = index) -> float:
            loaded.session.run(gather(image))
            return float(loaded.probabilities.dequantize(loaded.session.output(loaded.probabilities))[index])

        started = time.process_time()
        warm = heat(pixels, index, ask)
        seconds += time.process_time() - started
        own = [score for score in scoring.score(warm, pixels, ask) if score.ranking == "explanation"]
        found.append([(score.insertion, score.deletion) for score in own])
        if case.patches is not None:
            offset = np.unravel_index(warm.argmax(), warm.shape) - case.patches[number]
            hits.append(bool(((offset >= 0) & (offset < PATCH)).all()))
    return np.array(found), float(np.mean(hits)) if hits else float("nan"), 1000 * seconds / len(case.images)


def row(case: Case, name: str, heat: Heat, invokes: int) -> str:
    """A line of Markdown: means, with the standard error of insertion - deletion."""
    found, on_patch, milliseconds = measure(case, heat)
    cells = [name]
    for fill in range(len(scoring.FILLS)):
        insertion, deletion = found[:, fill].T
        gain = insertion - deletion
        error = gain.std(ddof=1) / np.sqrt(len(gain))
        cells += [f"{deletion.mean():.3f}", f"{insertion.mean():.3f}", f"{gain.mean():.3f} ± {error:.3f}"]
    cells += [f"{on_patch:.0%}"] * (case.patches is not None)
    return f"| {' | '.join([*cells, str(invokes), f'{milliseconds:.1f}'])} |"


@click.command()
@click.option("--count", default=200, show_default=True, help="Images of each set.")
def main(count: int) -> None:
    """Print a table for each set: deletion, insertion and their difference with each fill, invokes and CPU time."""
    with tempfile.TemporaryDirectory() as folder:
        fashion = np.asarray(load_fashion_mnist().test.images[:count])
        cases = [Case("Fashion-MNIST", open_model("fashion-mnist.activations"), fashion, None)]
        cases.append(textured_case(Path(folder), count))
        for case in cases:
            fills = [f"{fill}: {what}" for fill in scoring.FILLS for what in ("deletion", "insertion", "difference")]
            header = [case.name, *fills, *["on patch"] * (case.patches is not None), "invokes", "CPU ms"]
            print(f"\n| {' | '.join(header)} |\n|{' --- |' * len(header)}")
            for method in methods_of(case.loaded):
                print(row(case, *method), flush=True)


if __name__ == "__main__":
    main()
