"""Who vouches for a model file: OpenSSH's signatures (`ssh-keygen -Y`), which travel in the file.

A signature stands in the zip's comment, behind the seal and a line feed, and is of the whole file as it was before: of
every byte. Keys are the user's own business: here none is made, read or stored.
"""

import base64
import codecs
import contextlib
import hashlib
import os
import shutil
import stat
import struct
import subprocess
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..atomic_files import write_bytes
from ..errors import EdgecnnError, EdgecnnWarning, InputError, MissingExtraError, ModelFileError
from ..scratch_folder import scratch_folder
from .container import PackedModel
from .ssh_armor import BEGIN, read_armor

NAMESPACE = "edgecnn"
_TIMEOUT_S = 60  # a key on a token waits for a touch
_MAX_COMMENT_BYTES = 0xFFFF
_MOST_SIGNERS = 100
_LONGEST_NAME = 1000  # of a signer: it is handed on as an argument
_LINE = "a@example.org ssh-ed25519 AAAA…"


@dataclass(frozen=True)
class Signature:
    """A signature of a model file.

    Attributes:
        signer: the name that the allowed signers have for the key; None where the signature was not checked.
        key_type: such as `ssh-ed25519`.
        fingerprint: of the public key, as `ssh-keygen -l` prints it.
        namespace: what the signature is for: `edgecnn`.
    """

    signer: str | None
    key_type: str
    fingerprint: str
    namespace: str

    def __str__(self) -> str:
        key = f"the {self.key_type} key {self.fingerprint}"
        return f"{self.signer}, with {key}" if self.signer else f"{key} (not checked)"


def read_signature(packed: PackedModel) -> Signature | None:
    """What a file's signature says of itself, unchecked; None for a file that is not signed."""
    if packed.signed is None:
        return None
    key, key_type, namespace = read_armor(packed.signed.armor)
    fingerprint = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    return Signature(None, key_type, f"SHA256:{fingerprint}", namespace)


def require_signature(packed: PackedModel, allowed_signers: str | Path) -> Signature:
    """Make sure that one of the allowed signers signed the file as it is.

    Args:
        packed: the file.
        allowed_signers: a file of lines `NAME [OPTIONS] KEY`, as ssh-keygen(1) says under ALLOWED SIGNERS.

    Raises:
        ModelFileError: it is not signed, by none of them, for something else, or was changed since.
        InputError: `allowed_signers` does not read, or names nobody.
        MissingExtraError: OpenSSH is not installed.
    """
    _require_readable(allowed_signers)
    found = read_signature(packed)
    if found is None or packed.signed is None:
        raise ModelFileError(f"{packed.name} is not signed, and a signature is required; edgecnn sign signs a file")
    if found.namespace != NAMESPACE:
        raise ModelFileError(
            f"{packed.name}: its signature is for {found.namespace!r}, not for {NAMESPACE!r}; sign it with edgecnn sign"
        )
    key = f"the {found.key_type} key {found.fingerprint}"
    with _as_file(packed.signed.armor) as armor:
        names = ("-f", os.path.abspath(allowed_signers), "-s", armor)
        listed = _run("find-principals", *names)
        signers = _names_in(listed) if listed.returncode == 0 else []
        if any(len(signer) > _LONGEST_NAME for signer in signers):
            raise InputError(
                f"{allowed_signers} has a name of more than {_LONGEST_NAME:,} letters for {key}; shorten it"
            )
        if not signers:
            raise ModelFileError(
                f"{packed.name} is signed with {key}, which {allowed_signers} does not allow"
                f"{_why_certificate(names) or _why(listed)}"
            )
        reason, signer = "", ""
        for signer in signers[:_MOST_SIGNERS]:
            checked = _run("verify", *names, "-I", signer, "-n", NAMESPACE, message=packed.signed.message)
            # Where children are not waited for (SIGCHLD is ignored), every exit code reads 0.
            if checked.returncode == 0 and checked.stdout.startswith(b"Good "):
                return Signature(signer, found.key_type, found.fingerprint, found.namespace)
            reason = _why(checked)
    if "incorrect signature" in reason:
        raise ModelFileError(f"{packed.name} was changed after {signer} signed it; get it again from them")
    raise ModelFileError(f"{packed.name}: the signature with {key} does not hold by {allowed_signers}{reason}")


def make_signature(message: bytes, key: str | Path) -> bytes:
    """What `ssh-keygen -Y sign` makes of `message`.

    Args:
        message: a whole model file, unsigned.
        key: a private key's file, or a public key's whose private one an agent holds.

    Raises:
        InputError: `key` cannot be used.
        MissingExtraError: OpenSSH is not installed.
    """
    if not Path(key).is_file():
        raise InputError(f"no key file {key}; give an SSH key's path with --key (ssh-keygen -t ed25519 makes one)")
    made = _run("sign", "-f", os.path.abspath(key), "-n", NAMESPACE, message=message)
    if made.returncode or not made.stdout.startswith(BEGIN.encode()):
        raise InputError(f"{key} does not sign{_why(made)}; give a private key, or a public one that ssh-agent holds")
    return made.stdout


def with_signature(packed: PackedModel, unsigned: bytes, armor: bytes) -> bytes:
    """The bytes of a model file with a signature in the place of any that it has.

    Args:
        packed: the file, for its comment.
        unsigned: its bytes without a signature.
        armor: what `make_signature` returned.

    Raises:
        ModelFileError: the signature is longer than a zip's comment can be.
    """
    comment = packed.seal + b"\n" + armor
    if len(comment) > _MAX_COMMENT_BYTES:
        raise ModelFileError(f"{packed.name}: a signature of {len(armor):,} bytes does not fit; use another key")
    return unsigned[: -2 - len(packed.seal)] + struct.pack("<H", len(comment)) + comment


def _require_readable(allowed_signers: str | Path) -> None:
    try:
        if not Path(allowed_signers).is_file():  # ssh-keygen reads it several times: a pipe would not do
            raise InputError(f"no file of allowed signers {str(allowed_signers)!r}; it has lines such as {_LINE}")
        lines = Path(allowed_signers).read_bytes().splitlines()
        mode = os.stat(allowed_signers).st_mode
    except TypeError:
        raise InputError(f"require_signature must be a path. Received: {allowed_signers!r}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot read the allowed signers {str(allowed_signers)!r}: {reason}") from None
    if lines and lines[0].startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"{allowed_signers} begins with a byte order mark; save it as UTF-8 without one")
    if not any(line.strip() and not line.lstrip().startswith(b"#") for line in lines):
        raise InputError(f"{allowed_signers} allows nobody to sign; it needs a line such as {_LINE}")
    if mode & stat.S_IWOTH and os.name != "nt":
        words = f"every user here can write {allowed_signers}, and so allow anybody; end that with chmod o-w"
        warnings.warn(words, EdgecnnWarning, stacklevel=4)


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A file with `content` while it lasts: ssh-keygen reads a signature from nowhere else."""
    with scratch_folder() as folder:
        path = Path(folder, "signature")
        write_bytes(path, content)
        yield str(path)


def _run(action: str, *arguments: str, message: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    program = shutil.which("ssh-keygen")
    if program is None:
        raise MissingExtraError("signatures need ssh-keygen, which is not installed: sudo apt install openssh-client")
    command = [program, "-Y", action, *arguments]
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        return subprocess.run(command, input=message, capture_output=True, timeout=_TIMEOUT_S, env=environment)
    except subprocess.TimeoutExpired:
        raise EdgecnnError(
            f"ssh-keygen gave no answer within {_TIMEOUT_S} s; a key on a token waits for a touch, another for its "
            "passphrase: let ssh-agent hold it"
        ) from None
    except OSError as error:
        raise EdgecnnError(f"ssh-keygen does not start ({error.strerror}); install openssh-client again") from None


def _names_in(listed: "subprocess.CompletedProcess[bytes]") -> list[str]:
    """Whom ssh-keygen finds for a key: it lists those whom a line leaves out by `!` too."""
    names = listed.stdout.decode(errors="replace").splitlines()
    return [name for name in names if not name.startswith("!")]


def _why_certificate(names: Sequence[str]) -> str:
    """Why a certificate is taken for nobody, in brackets: ssh-keygen says so on demand alone; nothing for a key."""
    asked = _run("find-principals", "-v", *names)
    said = [line.partition("not authorized: ")[2] for line in asked.stderr.decode(errors="replace").splitlines()]
    reasons = dict.fromkeys("".join(filter(str.isprintable, reason)) for reason in said if reason)
    return f" ({'; '.join(reasons)[:300]})" if reasons else ""


def _why(result: "subprocess.CompletedProcess[bytes]") -> str:
    """What ssh-keygen said, in brackets; nothing where it says no more than is said already."""
    noise = ("Signing data", "No principal matched", "@", "Could not verify", "sig_find_principals")
    lines = result.stderr.decode(errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip() and not line.startswith(noise)]
    text = "; ".join("".join(letter for letter in line if letter.isprintable()) for line in said[-3:])[:300]
    return f" ({text})" if text else ""
