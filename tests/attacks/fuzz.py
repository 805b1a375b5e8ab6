"""Alters model files and sees what edgecnn makes of them: `make fuzz FILES=10000`, and 500 of them in `make test`.

fuzz.py [--files N] [--seed S] [--python PATH] [--keep FOLDER]: files that end otherwise than with a sentence or the
healthy file's answers are kept; exits 1 if there is one. PATH is another Python, such as one with tflite-runtime.
"""

import argparse
import collections
import contextlib
import json
import os
import random
import resource
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT)] if str(ROOT) not in sys.path else []

from tests.attacks.mutator import Attack, altered  # noqa: E402

TINY = Path(__file__).with_name("tiny.tflite")
BASES = (TINY, ROOT / "edgecnn" / "models" / "fashion-mnist.int8.tflite")
_MEMORY_BYTES = 4 << 30  # an altered shape must not take a machine down
_PATIENCE_S = 20
# So far int8's probes may be off where the same runtime made them; beyond it `verify` has to doubt the file.
_SAME_RUNTIME = 0.02


@dataclass
class Counts:
    """What came of the files.

    Attributes:
        outcomes: how many were refused, answered alike, and so on.
        kinds: how many of each kind there were.
        failures: what must not be, in words.
    """

    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    kinds: collections.Counter[str] = field(default_factory=collections.Counter)
    failures: list[str] = field(default_factory=list)


class Worker:
    """A process that opens files, and is started again when one of them ended it."""

    def __init__(self, python: str, allowed_signers: str) -> None:
        self._command = [python, str(Path(__file__).with_name("worker.py")), allowed_signers]
        self._process: subprocess.Popen[str] | None = None

    def verdict(self, path: Path) -> dict[str, Any] | None:
        """What came of a file; None where the process crashed or hung."""
        process = self._process or self._start()
        assert process.stdin and process.stdout
        with contextlib.suppress(BrokenPipeError):  # it died already: there is nothing to read either
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], _PATIENCE_S)
        line = process.stdout.readline() if ready else ""
        if not line:
            self.stop()
            return None
        found: dict[str, Any] = json.loads(line)
        return found

    def _start(self) -> "subprocess.Popen[str]":
        pipe, quiet = subprocess.PIPE, subprocess.DEVNULL
        self._process = subprocess.Popen(
            self._command, stdin=pipe, stdout=pipe, stderr=quiet, text=True, env=environment(), preexec_fn=limit_memory
        )
        return self._process

    def stop(self) -> None:
        """End the process."""
        if self._process:
            self._process.kill()
            with contextlib.suppress(BrokenPipeError):
                self._process.communicate()
            self._process.wait()
            self._process = None


def limit_memory() -> None:
    """Called in a child before its program runs."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def environment() -> dict[str, str]:
    """For processes that open files: this tree's edgecnn, and nobody's cache."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": "/dev/null"}


def signed_bases(folder: Path) -> tuple[list[bytes], str]:
    """The healthy files, signed where there is OpenSSH, and the file of allowed signers, or `-`."""
    bases = [path.read_bytes() for path in BASES]
    if shutil.which("ssh-keygen") is None:
        return bases, "-"
    key = folder / "key"
    quiet: dict[str, Any] = {"check": True, "capture_output": True}
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], **quiet)
    (folder / "allowed").write_text(f"fuzz {key.with_suffix('.pub').read_text()}")
    signed = []
    for data in bases:
        made = subprocess.run(["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", "edgecnn"], input=data, **quiet)
        comment = data[-86:] + b"\n" + made.stdout
        signed.append(data[:-88] + len(comment).to_bytes(2, "little") + comment)
    return signed, str(folder / "allowed")


def attacks(bases: list[bytes], files: int, seed: int) -> Iterator[tuple[int, int, Attack]]:
    """Number, number of the base, and the altered file; the tiny one four times of five."""
    for number in range(files):
        rng = random.Random(f"{seed} {number}")
        base = 0 if rng.random() < 0.8 else 1
        yield number, base, altered(bases[base], rng)


def judge(found: dict[str, Any], healthy: dict[str, Any], attack: Attack, path: Path) -> tuple[str, str]:
    """The outcome of a file, and what is wrong with it, if anything."""
    if "traceback" in found:
        return "traceback", found["traceback"]
    if "refused" in found:
        sentence = found["refused"]
        fine = sentence.isprintable() and 10 < len(sentence) < 1500
        return "refused", "" if fine else f"no sentence: {sentence!r}"
    if "bare" in found:
        return "runs as a file without a card", "" if any(
            "carries no card" in one for one in found["bare"]
        ) else "without a word"
    if (found["labels"], found["scores"]) == (healthy["labels"], healthy["scores"]):
        return "answers as before", ""
    if attack.is_resealed and found["network"] != healthy["network"]:
        # Whoever changes weights and computes every digest anew is told by a signature, and by the probes as far as
        # these go: what becomes of other images, of noise above all, nobody has promised.
        if found["is_doubted"]:
            return "another network, which verify doubts", ""
        if found["probes_differ"] <= _SAME_RUNTIME:
            return "another network, its probes as before", ""
    return "other answers", f"answers {found} instead of {healthy}"


def refused_by_a_fresh_process(python: str, path: Path) -> tuple[str, str]:
    """What crashed the worker must be a sentence where it is tried in a child process."""
    image = ROOT / "edgecnn" / "samples" / "test-0009-sneaker.png"
    command = [python, "-m", "edgecnn", "classify", str(path), str(image)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env=environment(),
        preexec_fn=limit_memory,
        timeout=300,
        cwd=path.parent,
    )
    text = done.stderr.strip()
    if done.returncode == 1 and text.startswith("Error: ") and "\n" not in text:
        return "crashes a runtime, refused by the trial", ""
    return "crash", f"exit code {done.returncode}: {text[-2000:]} {done.stdout[-200:]}"


def fuzz(files: int, seed: int = 0, python: str = sys.executable, keep: Path | None = None) -> Counts:
    """Alter `files` files, open each, and count.

    Args:
        files: how many.
        seed: which ones.
        python: what opens them.
        keep: a folder for those that end as they must not.
    """
    counts = Counts()
    with tempfile.TemporaryDirectory(prefix="edgecnn-fuzz-") as name:
        folder = Path(name)
        bases, allowed = signed_bases(folder)
        worker, healthy, path = Worker(python, allowed), [], folder / "model.tflite"
        try:
            for data in bases:
                path.write_bytes(data)
                found = worker.verdict(path)
                assert found and "labels" in found and found.get("accepted_as_signed", True), found
                healthy.append(found)
            for number, base, attack in attacks(bases, files, seed):
                path.write_bytes(attack.data)
                outcome, wrong = _outcome(worker, python, healthy[base], attack, path, attack.data == bases[base])
                counts.outcomes[outcome] += 1
                counts.kinds[attack.kind] += 1
                if wrong:
                    counts.failures.append(f"seed {seed}, file {number}, {attack.kind}: {wrong}")
                    _keep(keep, f"{seed}-{number}", attack.data)
        finally:
            worker.stop()
    return counts


def _outcome(
    worker: Worker, python: str, healthy: dict[str, Any], attack: Attack, path: Path, is_same: bool
) -> tuple[str, str]:
    found = worker.verdict(path)
    if found is None:
        return refused_by_a_fresh_process(python, path)
    if found.get("accepted_as_signed") and not is_same:
        return "accepted as signed", "an altered file passes for signed"
    return judge(found, healthy, attack, path)


def _keep(folder: Path | None, name: str, data: bytes) -> None:
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.tflite").write_bytes(data)


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--keep", type=Path, default=ROOT / "build" / "fuzz")
    options = parser.parse_args()
    counts = fuzz(options.files, options.seed, options.python, options.keep)
    for name, count in [*counts.outcomes.most_common(), ("", 0), *counts.kinds.most_common()]:
        print(f"{count:7,}  {name}" if name else "")
    for failure in counts.failures:
        print(f"\n{failure}", file=sys.stderr)
    return 1 if counts.failures else 0


if __name__ == "__main__":
    sys.exit(main())
