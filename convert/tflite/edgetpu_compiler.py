"""Call Google's Edge TPU compiler, and carry the card over to what it writes."""

import shutil
import subprocess
from pathlib import Path

from edgecnn.atomic_files import write_bytes
from edgecnn.errors import EdgecnnError, ModelFileError
from edgecnn.model_file.container import add_header, pack_card, read_model
from edgecnn.scratch_folder import scratch_folder

COMPILER = "edgetpu_compiler"
_TIMEOUT_S = 600


def find_compiler() -> str | None:
    """The compiler's path; None where it is not installed."""
    return shutil.which(COMPILER)


def compiled_path(path: Path) -> Path:
    """`model.int8.edgetpu.tflite` for `model.int8.tflite`."""
    return path.with_name(f"{path.stem}.edgetpu.tflite")


def compile_packed(compiler: str, path: Path) -> Path:
    """Compile a packed int8 model for the Edge TPU.

    Returns:
        A packed model beside `path`, with its card, labels and golden probes, and a SHA-256 of its own.

    Raises:
        ModelFileError: it carries no card.
        EdgecnnError: the compiler fails, hangs, or writes nothing; the message has its last words.
        OutputError: the result cannot be written.
    """
    source = read_model(path)
    if source.card is None or source.golden is None:
        raise ModelFileError(f"{path} carries no card, so the compiled file would have none; convert it with edgecnn")
    with scratch_folder() as folder:
        bare = Path(folder) / "model.tflite"
        bare.write_bytes(source.flatbuffer)
        command = [compiler, "--out_dir", folder, str(bare)]
        try:
            result = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EdgecnnError(f"{COMPILER} does not run ({error}); install it again") from None
        made = Path(folder) / "model_edgetpu.tflite"
        if result.returncode or not made.is_file():
            reason = (result.stderr.strip() or result.stdout.strip() or "no reason given").splitlines()[-1]
            raise EdgecnnError(f"{COMPILER} refuses {path}: {reason}")
        flatbuffer = add_header(made.read_bytes())
    write_bytes(compiled_path(path), pack_card(flatbuffer, source.card, source.golden))
    return compiled_path(path)
