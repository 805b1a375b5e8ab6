"""How long training takes until it is as good as the tutorial's, the notebook's way and with `--recipe fast`.

    python benchmarks/training.py

Runs both ways in turn, each in a process of its own. The clock runs while the network is trained, from the first
step to the last, tracing included; loading the data and evaluating on the test images are outside.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

TARGET = 0.9127  # the tutorial's test accuracy
WAYS = ("notebook", "fast")


class Clock:
    """Wall and CPU seconds that the training took, and what the test images said after each epoch."""

    def __init__(self, evaluate: Callable[[], float]) -> None:
        self._evaluate = evaluate
        self._wall = self._cpu = 0.0
        self.epochs: list[dict[str, float]] = []

    def run(self) -> None:
        """Start, or go on."""
        self._started = time.perf_counter(), time.process_time()

    def finish_epoch(self) -> None:
        """Stop for the time of an evaluation."""
        self._wall += time.perf_counter() - self._started[0]
        self._cpu += time.process_time() - self._started[1]
        self.epochs.append({"wall": self._wall, "cpu": self._cpu, "accuracy": self._evaluate()})
        self.run()


def notebook(seed: int) -> list[dict[str, float]]:
    """The tutorial's own lines: Adam, batches of 32, until 98 % of the training images are right."""
    from edgecnn.native_output import silence_tensorflow

    silence_tensorflow()
    import keras

    from edgecnn.train import load_fashion_mnist

    data = load_fashion_mnist()
    train_images, test_images = np.asarray(data.train.images) / 255.0, np.asarray(data.test.images) / 255.0
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D(2, 2),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D(2, 2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    clock = Clock(lambda: float(model.evaluate(test_images, data.test.labels, verbose=0)[1]))

    def stop(epoch: int, logs: dict[str, float]) -> None:
        clock.finish_epoch()
        if logs["accuracy"] >= 0.98:
            model.stop_training = True

    clock.run()
    callback = keras.callbacks.LambdaCallback(on_epoch_end=stop)
    model.fit(train_images, data.train.labels, epochs=30, verbose=0, callbacks=[callback])
    return clock.epochs


def fast(seed: int) -> list[dict[str, float]]:
    """`edgecnn train --recipe fast`, saving and checkpoints included."""
    from edgecnn.convert import KerasModel
    from edgecnn.train import Epoch, load_fashion_mnist, train

    data = load_fashion_mnist()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        clock = Clock(lambda: KerasModel(path / "model.keras").evaluate(data.test).accuracy)

        class Timed:
            def tell(self, message: str) -> None:
                pass

            def start(self, device: str, parameters: int, steps: int, epochs: int, images: int) -> None:
                clock.run()

            def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
                pass

            def finish_epoch(self, epoch: Epoch) -> None:
                clock.finish_epoch()

        train(path, data, recipe="fast", seed=seed, progress=Timed())
    return clock.epochs


def measure(way: str, seed: int) -> list[dict[str, float]]:
    """One training in a process of its own."""
    command = [sys.executable, __file__, "--way", way, "--seed", str(seed)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    epochs: list[dict[str, float]] = json.loads(output.splitlines()[-1])
    return epochs


def reached(epochs: list[dict[str, float]]) -> dict[str, float] | None:
    """The first epoch after which the test accuracy is the tutorial's."""
    return next((epoch for epoch in epochs if epoch["accuracy"] >= TARGET), None)


def spread(values: list[float], digits: int) -> str:
    """Median and range."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def report(found: dict[str, list[list[dict[str, float]]]]) -> None:
    """Print what was measured."""
    for way, runs in found.items():
        first = [epoch for epoch in map(reached, runs) if epoch]
        print(f"{way}:")
        print(f"  images/s              {spread([60_000 * len(run) / run[-1]['wall'] for run in runs], 0)}")
        print(f"  epochs                {spread([len(run) for run in runs], 0)}")
        print(f"  test accuracy, last   {spread([100 * run[-1]['accuracy'] for run in runs], 2)} %")
        print(f"  test accuracy, best   {spread([100 * max(e['accuracy'] for e in run) for run in runs], 2)} %")
        for clock in ("wall", "cpu"):
            print(f"  {clock:4} s to the stop     {spread([run[-1][clock] for run in runs], 1)}")
            if first:
                text = spread([epoch[clock] for epoch in first], 1)
                print(f"  {clock:4} s to {TARGET:.2%}      {text}, reached in {len(first)} of {len(runs)} runs")
            else:
                print(f"  {clock:4} s to {TARGET:.2%}      not reached")
    pairs = [(slow[-1], reached(quick)) for slow, quick in zip(found["notebook"], found["fast"], strict=True)]
    for clock in ("wall", "cpu"):
        ratios = [slow[clock] / quick[clock] for slow, quick in pairs if quick]
        if ratios:
            print(f"notebook's stop / fast's {TARGET:.2%}, {clock}: {spread(ratios, 1)}")


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each way is trained.")
@click.option("--way", type=click.Choice(WAYS), help="Train once, this way, and print JSON.")
@click.option("--seed", default=0)
def main(rounds: int, way: str | None, seed: int) -> None:
    """Time both ways of training, in turn."""
    if way:
        print(json.dumps({"notebook": notebook, "fast": fast}[way](seed)))
        return
    found: dict[str, Any] = {name: [] for name in WAYS}
    for seed in range(1, rounds + 1):
        for name in WAYS:
            found[name].append(measure(name, seed))
            print(f"round {seed}: {name} {found[name][-1][-1]}", file=sys.stderr)
    report(found)


if __name__ == "__main__":
    main()
