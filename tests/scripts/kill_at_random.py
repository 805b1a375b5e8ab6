"""Kill classify, train and convert at random moments, and look whether any file that they leave is torn.

    python tests/scripts/kill_at_random.py FOLDER --kills 50

Moments are drawn in a command's own processor time, which a busy machine does not stretch. With --fork the processes
are copies of this one, with TensorFlow imported: a kill takes seconds, and more of them fall where files are written.

Each command goes on where the one before was killed (--resume, or anew with --force); what it has written when it ends
at last must be what a run leaves that nobody killed. Takes minutes: by hand or nightly, not with the tests.
"""

import argparse
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from edgecnn.cli.app import run as run_edgecnn
from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.container import read_model
from edgecnn.native_output import silence_tensorflow

# Of a folder: what stands there, None while it is unfinished; raises where a file is torn.
Check = Callable[[Path], Any]
_FORK: list[bool] = []
_used: list[float] = []  # processor time of each process


def classified(folder: Path) -> Any:
    """The rows of the results."""
    path = next(folder.glob("results.*"), None)
    if path is None:
        return None
    if path.suffix == ".parquet":
        from pyarrow import parquet

        return parquet.read_table(path).to_pylist()
    text = path.read_text()
    return [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else text.splitlines()


def trained(folder: Path) -> Any:
    """The figures of the finished training; its other files are whole at any moment."""
    run = folder / "run"
    for archive in (run / "model.keras", run / "checkpoint.npz"):
        if archive.exists():
            with zipfile.ZipFile(archive) as whole:
                assert whole.testzip() is None, f"{archive} is torn"
    if (run / "card.json").exists():
        ModelCard.load(run / "card.json")
    for picture in run.glob("*.png"):
        Image.open(picture).load()
    if not (run / "confusion.png").exists() or (run / "checkpoint.npz").exists():
        return None
    figures = json.loads((run / "metrics.json").read_text())
    return figures["accuracy"], figures["loss"], (run / "history.csv").read_text().count("\n")


def converted(folder: Path) -> Any:
    """The networks in the packed files; each is sealed, so that it is whole or refused."""
    run = folder / "run"
    packed = {path.name: read_model(path) for path in run.glob("model.*.tflite")}
    assert all(one.card and one.golden for one in packed.values())
    return {name: one.flatbuffer for name, one in packed.items()} if len(packed) == 2 else None


def write_photos(folder: Path, count: int) -> None:
    """Images of noise, whose names say which."""
    folder.mkdir()
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (64, 64), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04}.png")


def write_data(path: Path) -> None:
    """A few hundred images of two classes: dark and light."""
    generator = np.random.default_rng(0)
    labels = np.arange(600) % 2
    images = (generator.integers(0, 120, (600, 28, 28)) + 120 * labels[:, None, None]).astype(np.uint8)
    names = np.array(["dark", "light"])
    np.savez(path, x_train=images[:500], y_train=labels[:500], x_test=images[500:], y_test=labels[500:], labels=names)


def classify(suffix: str) -> Callable[[Path], list[str]]:
    return lambda _: ["classify", "fashion-mnist", "../photos", "--output", f"results{suffix}", "--resume"]


def train(place: Path) -> list[str]:
    how = "--resume" if (place / "run" / "checkpoint.npz").exists() else "--force"
    return ["train", "--data", "../data.npz", "--output", "run", "--epochs", "4", "--architecture", "reference", how]


def convert(_: Path) -> list[str]:
    return ["convert", "run", "--data", "../data.npz", "--int8", "--calibration-images", "50", "--force"]


COMMANDS: dict[str, tuple[Callable[[Path], list[str]], Check]] = {
    "classify.csv": (classify(".csv"), classified),
    "classify.jsonl": (classify(".jsonl"), classified),
    "classify.parquet": (classify(".parquet"), classified),
    "train": (train, trained),
    "convert": (convert, converted),
}


def edgecnn(arguments: list[str], folder: Path, seconds: float | None = None) -> int:
    """Run a command line in `folder`, killed after so many seconds; its exit code, -9 if it was killed."""
    with tempfile.TemporaryFile() as words:
        process = _copy(arguments, folder, words) if _FORK else _start(arguments, folder, words)
        code, spent = None, 0.0
        while code is None:
            time.sleep(0.002)
            if seconds is not None and _processor_seconds(process) > seconds:
                os.kill(process, signal.SIGKILL)
            ended, status, used = os.wait4(process, os.WNOHANG)
            if ended:
                code, spent = os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
        words.seek(0)
        assert code in (0, -9), f"{' '.join(arguments)}: {words.read().decode()}"
    _used.append(spent)
    return code


def _start(arguments: list[str], folder: Path, words: IO[bytes]) -> int:
    command = [sys.executable, "-m", "edgecnn", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=words).pid


def _copy(arguments: list[str], folder: Path, words: IO[bytes]) -> int:
    process = os.fork()
    if not process:
        os.chdir(folder)
        os.dup2(words.fileno(), 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["edgecnn", *arguments]
        try:
            run_edgecnn()
        except SystemExit as end:
            os._exit(int(end.code or 0))
        os._exit(1)
    return process


def _processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def torture(name: str, arguments: Callable[[Path], list[str]], check: Check, folder: Path, kills: int) -> None:
    """Run once in peace, then under kills; say how many there were.

    Raises:
        AssertionError: a file is torn, or the end differs from that of the run in peace.
    """
    peace, war = folder / f"{name}-peace", folder / f"{name}-war"
    for place in (peace, war):
        if name == "convert":
            shutil.copytree(folder / "trained" / "run", place / "run")
        place.mkdir(exist_ok=True)
    assert edgecnn(arguments(peace), peace) == 0
    duration, expected = _used[-1], check(peace)
    assert expected is not None
    killed = ends = begun = 0
    while killed < kills:
        code = edgecnn(arguments(war), war, random.uniform(0, 1.1 * duration))
        killed += code == -9
        begun += any(path.is_file() for path in war.rglob("*.partial")) or any(war.rglob("checkpoint.npz"))
        found = check(war)
        if found is not None:
            assert found == expected, f"{name}: the end differs"
            ends += 1
            clear(war, name)
    if check(war) is None:
        assert edgecnn(arguments(war), war) == 0
        assert check(war) == expected, f"{name}: the end differs"
    left = [path.name for path in war.rglob(".*")]
    moments = f"{killed} kills within {duration:.1f} s of processor time, {begun} when something had been written"
    print(f"{name}: {moments}, {ends} runs ended in between; nothing torn; left: {left}", flush=True)


def import_tensorflow() -> None:
    """What commands that train and convert import first; without a thread yet, so that a copy of this process works."""
    silence_tensorflow()
    for module in ("edgecnn.train", "edgecnn.train.training", "edgecnn.convert.pipeline", "edgecnn.train.fitting.fit"):
        importlib.import_module(module)
    _FORK.append(True)


def clear(folder: Path, name: str) -> None:
    """Remove what was written, so that the next run begins anew."""
    outputs = {"train": "run/*", "convert": "run/model.*.tflite"}.get(name, "results.*")
    for path in folder.glob(outputs):
        path.unlink()


def main() -> None:
    """Torture each command in a folder of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="an empty folder to work in")
    parser.add_argument("commands", nargs="*", metavar="COMMAND", default=list(COMMANDS), help=", ".join(COMMANDS))
    parser.add_argument("--kills", type=int, default=50, help="for each command")
    parser.add_argument("--images", type=int, default=2000, help="for classify")
    parser.add_argument("--fork", action="store_true", help="copies of a process that has imported TensorFlow")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random.seed(options.seed)
    if options.fork:
        import_tensorflow()
    folder: Path = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    write_photos(folder / "photos", options.images)
    write_data(folder / "data.npz")

    if "convert" in options.commands:
        (folder / "trained").mkdir()
        assert edgecnn(train(folder / "trained"), folder / "trained") == 0
    for name in options.commands:
        arguments, check = COMMANDS[name]
        torture(name, arguments, check, folder, options.kills)


if __name__ == "__main__":
    main()
