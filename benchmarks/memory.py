"""How much memory a training takes as its data set grows: Fashion-MNIST as PNG files, once and repeated on disk.

python benchmarks/memory.py
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from PIL import Image

from edgecnn.train import load_fashion_mnist

SPLITS = ("train", "test")


def write(folder: Path, repeats: int) -> None:
    """Class folders of PNG files; repetitions are hard links, which a reader cannot tell from copies."""
    data = load_fashion_mnist()
    for name in SPLITS:
        split = data.train if name == "train" else data.test
        for index, (pixels, label) in enumerate(zip(split.images, split.labels, strict=True)):
            place = folder / name / data.labels[label].replace("/", " or ")
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels[:, :, 0]).save(place / f"{index}.png")
            for repeat in range(1, repeats if name == "train" else 1):
                os.link(place / f"{index}.png", place / f"{index}-{repeat}.png")


def peak_mib(folder: Path, output: Path) -> float:
    """Train for one epoch by the command line; the peak of its resident memory."""
    options = ["--image-size", "28", "--color", "grayscale", "--epochs", "1", "--output", str(output)]
    process = subprocess.Popen([sys.executable, "-m", "edgecnn", "train", "--data", str(folder), *options])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise click.ClickException(f"the training ended with exit code {process.returncode}")
    return usage.ru_maxrss / 1024


@click.command()
@click.option("--repeats", default=10, show_default=True, help="How often the larger set holds every image.")
@click.option("--folder", type=click.Path(path_type=Path), help="For the files.  [default: a temporary one]")
def main(repeats: int, folder: Path | None) -> None:
    """Compare the peak memory of a training on 60,000 images and on REPEATS times as many."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        peaks = []
        for times in (1, repeats):
            place = Path(name) / str(times)
            write(place / "data", times)
            peaks.append(peak_mib(place / "data", place / "run"))
            print(f"{60_000 * times:,} images: {peaks[-1]:,.0f} MiB")
    print(f"ratio {peaks[1] / peaks[0]:.3f}")


if __name__ == "__main__":
    main()
