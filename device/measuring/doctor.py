"""What this machine has, what that means for a model, and the line that installs what is missing."""

import ctypes.util
import importlib.util
import mmap
import os
import platform
import sys
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from edgecnn.cpu_info import read_cpu_info
from edgecnn.errors import DelegateError
from edgecnn.optional_packages import why_unusable

from ..camera_program import PACKAGE, PROGRAMS, find_camera_program
from ..runtime.accelerators import ACCELERATORS, Accelerator
from ..runtime.runtimes import INSTALL_ONE, RUNTIMES, find_runtime, is_installed, refuse_numpy

# What a processor calls its 8-bit dot products in /proc/cpuinfo.
_DOT_PRODUCTS = ("asimddp", "avx512_vnni", "avx_vnni")
_NEON = ("asimd", "neon")


@dataclass(frozen=True)
class Finding:
    """One thing about this machine.

    Attributes:
        name: what was looked at.
        found: what is there, in words.
        ok: whether all that needs it works.
        advice: the line that mends it, or what it means; empty where there is nothing to say.
    """

    name: str
    found: str
    ok: bool = True
    advice: str = ""


def examine_machine(root: Path = Path("/")) -> tuple[Finding, ...]:
    """Look at the machine.

    Args:
        root: where /proc and /sys are found; a test has its own.
    """
    return (
        Finding("system", platform.platform()),
        Finding("board", _read_board(root)),
        Finding("python", f"{platform.python_version()} on {platform.machine()}, {mmap.PAGESIZE:,} byte pages"),
        _find_processor(root),
        *_find_runtimes(),
        _find_numpy(),
        *(_find_accelerator(name, row) for name, row in ACCELERATORS.items() if row.library or row.package),
        _find_package(
            "drawing", "matplotlib", "features, explain, report and benchmark --png", "pip install matplotlib"
        ),
        *_find_camera(sys.platform),
        _find_package(
            "training", "tensorflow", "train, convert and parity", 'on a training box: pip install "edgecnn[train]"'
        ),
    )


def _read_board(root: Path) -> str:
    try:
        return (root / "proc/device-tree/model").read_text(errors="replace").strip("\0\n ")
    except OSError:
        return "no Raspberry Pi"


def _find_processor(root: Path) -> Finding:
    info = read_cpu_info(root)
    if info is None:
        return Finding("processor", "unknown: /proc/cpuinfo cannot be read")
    processor = f"{info.model}, {os.cpu_count()} cores"
    dot_products = [flag for flag in _DOT_PRODUCTS if flag in info.flags]
    if dot_products:
        meaning = "with LiteRT, int8 is about twice as fast as float32 here; edgecnn benchmark measures it"
        return Finding("processor", f"{processor}, 8-bit dot products ({dot_products[0]})", True, meaning)
    neon = "NEON, " if info.flags.intersection(_NEON) else ""
    meaning = "int8 is about as fast as float32 here, and a quarter of its size"
    return Finding("processor", f"{processor}, {neon}no 8-bit dot products", True, meaning)


def _find_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _find_runtimes() -> list[Finding]:
    installed = [name for name in RUNTIMES if is_installed(name)]
    if not installed:
        return [Finding("runtime", "none", False, INSTALL_ONE)]
    found = [Finding("runtime", f"{name} {_find_version(RUNTIMES[name].package)}") for name in installed]
    failure = _why_not_loaded(installed[0])  # the one that is taken
    if failure:
        found[0] = replace(found[0], found=f"{found[0].found} cannot be loaded", ok=False, advice=failure)
    return found


def _why_not_loaded(name: str) -> str:
    """Why a runtime cannot be loaded; empty where it can, or where the finding on NumPy says why."""
    if refuse_numpy(name, np.__version__):
        return ""
    try:
        find_runtime(name)
    except DelegateError as error:
        return str(error)
    return ""


def _find_numpy() -> Finding:
    first = next((name for name in RUNTIMES if is_installed(name)), None)
    refusal = refuse_numpy(first, np.__version__) if first else ""
    return Finding("numpy", np.__version__, not refusal, refusal)


def _find_accelerator(name: str, row: Accelerator) -> Finding:
    if row.library:
        presence = ctypes.util.find_library(row.library.removeprefix("lib").partition(".so")[0])
    else:
        package_version = _find_version(row.package)
        presence = f"{row.package} {package_version}" if package_version else None
    can_have = not presence and (not row.machines or platform.machine() in row.machines)
    return Finding(
        f"delegate {name}", presence or f"no {row.library or row.package}", True, row.install if can_have else ""
    )


def _find_camera(system: str) -> tuple[Finding, ...]:
    """What takes pictures with that of a Raspberry Pi, which only Linux has."""
    if system != "linux":
        return ()
    program = find_camera_program()
    needed = "" if program else f"for live --source camera: sudo apt install {PACKAGE}"
    python = _find_package("picamera2", "picamera2", "frames in Python", "sudo apt install python3-picamera2")
    return Finding("camera", program or f"no {PROGRAMS[0]}", True, needed), python


def _find_package(name: str, package: str, needed_for: str, install: str) -> Finding:
    if importlib.util.find_spec(package):
        unusable = why_unusable(f"{package}.figure") if package == "matplotlib" else ""
        if unusable:
            return Finding(name, f"{package} {_find_version(package)} cannot be loaded", False, unusable)
        return Finding(name, f"{package} {_find_version(package)}".strip())
    return Finding(name, f"no {package}", True, f"for {needed_for}: {install}")
