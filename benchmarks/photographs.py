"""Classifying twelve-megapixel JPEGs: images a second and peak memory, beside a bare loop of Pillow.

    python benchmarks/photographs.py

Each figure is of a process of its own. What is measured is reading, decoding and preparing for an input of 224 x 224;
no network runs. The first images of a process are not timed.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

from edgecnn import InputSpec
from edgecnn.device.bulk.prefetch import prepared_images
from edgecnn.device.bulk.sources import ImageFiles

WIDTH, HEIGHT, SIDE = 4000, 3000, 224
AUTOMATIC = 0  # threads: as many as free memory allows
SPEC = InputSpec(SIDE, SIDE, 3, "rgb", "crop", "bilinear", (1 / 255,) * 3, (0.0,) * 3, "any", "reduced")


def write_photographs(folder: Path, count: int) -> None:
    """JPEGs of noise of several sizes, about as large as a camera's."""
    generator = np.random.default_rng(0)
    for number in range(count):
        scene = np.full((HEIGHT, WIDTH, 3), 128, np.float32)
        for grain in (6, 40, 300, 1500):
            noise = generator.normal(128, 30, (grain, grain, 3)).clip(0, 255).astype(np.uint8)
            layer = Image.fromarray(noise).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
            scene += (np.asarray(layer, np.float32) - 128) * (1 if grain < 300 else 0.4)
        Image.fromarray(scene.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.jpg", quality=90)


def prepare_all(names: list[str], how: str, threads: int) -> None:
    """What is measured: `edgecnn` as a card says, or a loop that opens, converts and resizes with Pillow alone."""
    if how.startswith("edgecnn"):
        spec = replace(SPEC, jpeg_decoding="full") if how == "edgecnn, full" else SPEC
        asked = None if threads == AUTOMATIC else threads
        for _, outcome in prepared_images(ImageFiles(names), spec, decode_threads=asked):
            if isinstance(outcome, Exception):
                raise outcome
        return
    for name in names:
        with Image.open(name) as image:
            if how == "Pillow, draft":
                image.draft("RGB", (SIDE, SIDE))
            image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR).tobytes()


def measure_here(folder: Path, how: str, threads: int) -> None:
    """Print images a second and the growth of the peak, of this process."""
    names = sorted(str(path) for path in folder.glob("*.jpg"))
    before = memory_mib("VmRSS")
    prepare_all(names[:2], how, threads)
    started = time.perf_counter()
    prepare_all(names, how, threads)
    rate = len(names) / (time.perf_counter() - started)
    peak = memory_mib("VmHWM")
    print(json.dumps({"rate": rate, "peak_mib": peak, "growth_mib": peak - before}))


def memory_mib(name: str) -> float:
    """A figure of this process; unlike getrusage's it begins anew with the program that a process runs."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1]) / 1024


def measure(folder: Path, how: str, threads: int) -> dict[str, Any]:
    """The same, in a process of its own."""
    command = [sys.executable, __file__, "--child", how, "--threads", str(threads), "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@click.command()
@click.option("--count", default=24, show_default=True, help="How many photographs.")
@click.option("--rounds", default=3, show_default=True, help="Of all rows, in turn; the best rate of each counts.")
@click.option("--folder", type=click.Path(path_type=Path), help="For the photographs.  [default: a temporary one]")
@click.option("--child", hidden=True)
@click.option("--threads", default=0, hidden=True)
def main(count: int, rounds: int, folder: Path | None, child: str | None, threads: int) -> None:
    """Print a table: what decodes, with how many threads, images a second, and MiB of memory at the peak."""
    if child and folder:
        measure_here(folder, child, threads)
        return
    rows = [("Pillow, full", 1), ("Pillow, draft", 1)]
    rows += [(how, number) for how in ("edgecnn, full", "edgecnn, reduced") for number in (1, 2, 4, AUTOMATIC)]
    with tempfile.TemporaryDirectory(dir=folder) as name:
        write_photographs(Path(name), count)
        size = sum(path.stat().st_size for path in Path(name).glob("*.jpg")) / count / 1e6
        print(f"{count} photographs of {WIDTH} x {HEIGHT}, {size:.1f} MB each; {os.cpu_count()} processors")
        found = [[measure(Path(name), *row) for row in rows] for _ in range(rounds)]
    for (how, number), *of_row in zip(rows, *found, strict=True):
        rate, peak = max(one["rate"] for one in of_row), max(one["peak_mib"] for one in of_row)
        growth = max(one["growth_mib"] for one in of_row)
        print(
            f"{how:17} {number or 'auto':>4} threads {rate:7.1f} images/s, peak {peak:4.0f} MiB, of which decoding "
            f"{growth:4.0f}"
        )


if __name__ == "__main__":
    main()
