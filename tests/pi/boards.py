"""Emulated Raspberry Pis: Debian's ARM Python under qemu-user, with a Pi's processor description in front of it.

No root image, no chroot: Debian's own packages are unpacked into a folder, and `qemu-aarch64 -L FOLDER` looks up every
path there first, /proc/cpuinfo too. That is how a board is told from another, and LiteRT does not start without one.
What a board starts runs on this machine, not under emulation; so its sys.executable is a script that starts qemu.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.pi.debian import PYTHON, compile_modules, do, unpack

LITERT, TFLITE_RUNTIME = "ai-edge-litert==2.3.0", "tflite-runtime==2.14.0"
# Starts a board's Python; beside it, so that Python finds its own files from there.
_STARTER = "usr/bin/python-of-the-board"


@dataclass(frozen=True)
class Board:
    """A Raspberry Pi.

    Attributes:
        model: as in /proc/device-tree/model.
        debian: name of its architecture among Debian's.
        machine: name of its architecture among wheels'.
        qemu: the emulator's program.
        cpu: what it emulates; never `max`, whose SME makes XNNPACK's int8 results wrong in QEMU 7.2.
        part: of the processor, in /proc/cpuinfo.
        features: its instructions, in /proc/cpuinfo.
        compiler: of C++ for it, that runs here; the package has the compiler's name with g++ in front.
        packages: of Debian; where there are wheels, only Python itself.
        wheels: what pip installs.
    """

    model: str
    debian: str
    machine: str
    qemu: str
    cpu: str
    part: str
    features: str
    compiler: str
    packages: tuple[str, ...]
    wheels: tuple[str, ...]


_NEON = "fp asimd evtstrm crc32 cpuid"
_DOT = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
_ARM32 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm"
_BARE = (f"python{PYTHON}", "libstdc++6")
_DRAWING = ("matplotlib", "contourpy", "cycler", "fonttools", "kiwisolver", "packaging", "pyparsing",
            "python-dateutil", "six")  # fmt: skip
_TESTING = ("pytest", "iniconfig", "packaging", "pluggy", "pygments")
_LITERT_NEEDS = ("backports.strenum", "flatbuffers", "ml_dtypes", "protobuf", "tqdm", "typing-extensions")
_MODERN = (LITERT, *_LITERT_NEEDS, "numpy>=2,<3", "pillow", "click", *_DRAWING, *_TESTING)
# No wheels of numpy, Pillow and matplotlib for armv7l: Debian's own, as a user of 32-bit Raspberry Pi OS has them.
_DEBIAN = (*_BARE, "libatomic1", "python3-numpy", "python3-pil", "python3-matplotlib", "python3-click")

BOARDS = {
    "pi5": Board("Raspberry Pi 5 Model B Rev 1.0", "arm64", "aarch64", "qemu-aarch64", "cortex-a76", "0xd0b", _DOT,
                 "aarch64-linux-gnu-g++", _BARE, _MODERN),
    "pi4": Board("Raspberry Pi 4 Model B Rev 1.5", "arm64", "aarch64", "qemu-aarch64", "cortex-a72", "0xd08", _NEON,
                 "aarch64-linux-gnu-g++", _BARE, _MODERN),
    "pi2": Board("Raspberry Pi 2 Model B Rev 1.1", "armhf", "armv7l", "qemu-arm", "cortex-a7", "0xc07", _ARM32,
                 "arm-linux-gnueabihf-g++", _DEBIAN, (TFLITE_RUNTIME, *_TESTING)),
}  # fmt: skip


class Lab:
    """A folder with the boards that have been built in it; what is there already is used again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def build(self, names: Iterable[str], wheel: Path) -> None:
        """Set up the boards, what they need side by side, and install the project's own `wheel` on them."""
        boards = {name: BOARDS[name] for name in names}
        for board in boards.values():
            _require(board.qemu, "qemu-user")
            _require(board.compiler, f"g++-{board.compiler.removesuffix('-g++')}")
        by_machine = {board.machine: board for board in boards.values()}.values()
        with ThreadPoolExecutor() as pool:
            downloads = [pool.submit(get, board) for board in by_machine for get in (self._unpack, self._site)]
        for download in downloads:
            download.result()
        for name, board in boards.items():
            _describe(board, self._root(name), self._sysroot(board))
            project = self.folder / f"project-{name}"
            shutil.rmtree(project, ignore_errors=True)
            shutil.unpack_archive(wheel, project, "zip")
            compile_modules(project)

    def run(
        self,
        name: str,
        *arguments: str,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
        timeout_s: float = 600,
    ) -> "subprocess.CompletedProcess[str]":
        """Run the board's Python with `arguments`, in `folder` or where no edgecnn lies that is not the wheel's."""
        board = BOARDS[name]
        path = [self.folder / f"project-{name}", self.folder / f"site-{board.machine}"]
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "OPENBLAS_NUM_THREADS": "1",  # what counts instructions counts one thread
            "MPLCONFIGDIR": str(self.folder / f"matplotlib-{name}"),
            "CXX": board.compiler,
            **(variables or {}),
        }
        settings = self._root(name) / "etc/matplotlibrc"  # Debian's; a link to it leads out of the root
        if settings.is_file():
            environment["MATPLOTLIBRC"] = str(settings)
        elsewhere = folder or self.folder / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        command = [str(self._root(name) / _STARTER), *arguments]
        return subprocess.run(
            command, env=environment, cwd=elsewhere, capture_output=True, text=True, timeout=timeout_s
        )

    def _root(self, name: str) -> Path:
        return self.folder / f"board-{name}"

    def _sysroot(self, board: Board) -> Path:
        return self.folder / f"sysroot-{board.debian}"

    def _unpack(self, board: Board) -> None:
        """Debian's packages for the board's architecture."""
        if not self._sysroot(board).is_dir():
            unpacked = unpack(board.debian, board.packages, self.folder)
            compile_modules(unpacked / "usr/lib")
            unpacked.rename(self._sysroot(board))

    def _site(self, board: Board) -> None:
        """Wheels for the board's architecture, by this machine's pip."""
        target = self.folder / f"site-{board.machine}"
        if target.is_dir():
            return
        tags = [f"manylinux_2_{minor}_{board.machine}" for minor in (36, 35, 34, 31, 28, 27, 17)]
        platforms = [part for tag in (*tags, f"manylinux2014_{board.machine}") for part in ("--platform", tag)]
        unpacked = self.folder / f".site-{board.machine}"
        do(
            sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--no-compile", "--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp",
            "--abi", f"cp{PYTHON.replace('.', '')}", "--abi", "abi3", "--abi", "none", *platforms,
            "--target", str(unpacked), *board.wheels,
        )  # fmt: skip
        compile_modules(unpacked)
        unpacked.rename(target)


def _require(program: str, package: str) -> None:
    if shutil.which(program):
        return
    do("apt-get", "update", "-qq")
    do("apt-get", "install", "-y", "-qq", "--no-install-recommends", package)


def _describe(board: Board, root: Path, sysroot: Path) -> None:
    """The board's own root: the architecture's files, hard-linked, and what /proc and /sys say of the board."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(sysroot, root, symlinks=True, copy_function=os.link)
    core = (
        f"BogoMIPS\t: 108.00\nFeatures\t: {board.features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        f"CPU variant\t: 0x0\nCPU part\t: {board.part}\nCPU revision\t: 1\n\n"
    )
    (root / "proc/device-tree").mkdir(parents=True, exist_ok=True)
    cores = "".join(f"processor\t: {number}\n{core}" for number in range(4))
    (root / "proc/cpuinfo").write_text(f"{cores}Model\t\t: {board.model}\n")
    (root / "proc/device-tree/model").write_text(f"{board.model}\0")
    python = f'"{root}/usr/bin/python{PYTHON}"'
    (root / _STARTER).write_text(f'#!/bin/sh\nexec {board.qemu} -cpu {board.cpu} -L "{root}" -0 "$0" {python} "$@"\n')
    (root / _STARTER).chmod(0o755)
