"""What this machine has, what that means for a model, and the line that installs what is missing."""

import ctypes.util
import importlib.util
import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from ..runtime.delegates import LIBRARIES
from ..runtime.runtimes import RUNTIMES, is_installed

# What a processor calls its 8-bit dot products in /proc/cpuinfo.
_DOT_PRODUCTS = ("asimddp", "avx512_vnni", "avx_vnni")
_NEON = ("asimd", "neon")
_PLOTTING, _CAMERA = "matplotlib", "picamera2"


@dataclass(frozen=True)
class Check:
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


def examine(root: Path = Path("/")) -> tuple[Check, ...]:
    """Look at the machine.

    Args:
        root: where /proc and /sys are found; a test has its own.
    """
    return (
        Check("system", platform.platform()),
        Check("board", _board(root)),
        Check(
            "python", f"{platform.python_version()} on {platform.machine()}, {os.sysconf('SC_PAGE_SIZE'):,} byte pages"
        ),
        _processor(root),
        *_runtimes(),
        _numpy(),
        *_delegates(),
        _package("drawing", _PLOTTING, "features and benchmark --png", "pip install matplotlib"),
        _package("camera", _CAMERA, "taking photographs", "sudo apt install python3-picamera2"),
        _package(
            "training", "tensorflow", "train, convert and parity", 'on a training box: pip install "edgecnn[train]"'
        ),
    )


def _board(root: Path) -> str:
    try:
        return (root / "proc/device-tree/model").read_text(errors="replace").strip("\0\n ")
    except OSError:
        return "no Raspberry Pi"


def _processor(root: Path) -> Check:
    try:
        lines = (root / "proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return Check("processor", "unknown: /proc/cpuinfo cannot be read")
    named = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = (named.get("flags") or named.get("Features") or "").split()
    name = named.get("model name") or named.get("Model") or platform.machine()
    dots = [flag for flag in _DOT_PRODUCTS if flag in flags]
    if dots:
        words = "with LiteRT, int8 is about twice as fast as float32 here; edgecnn benchmark measures it"
        return Check("processor", f"{name}, {os.cpu_count()} cores, 8-bit dot products ({dots[0]})", True, words)
    simd = "NEON, " if any(flag in flags for flag in _NEON) else ""
    words = "int8 is about as fast as float32 here, and a quarter of its size"
    return Check("processor", f"{name}, {os.cpu_count()} cores, {simd}no 8-bit dot products", True, words)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _runtimes() -> list[Check]:
    there = [name for name in RUNTIMES if is_installed(name)]
    checks = [Check("runtime", f"{name} {_version(RUNTIMES[name][0])}") for name in there]
    if not there:
        advice = 'pip install ai-edge-litert (on 32-bit Raspberry Pi OS: pip install tflite-runtime "numpy<2")'
        return [Check("runtime", "none", False, advice)]
    return checks


def _numpy() -> Check:
    only_old = is_installed("tflite-runtime") and not is_installed("litert")
    if only_old and int(np.__version__.partition(".")[0]) >= 2:
        return Check("numpy", np.__version__, False, 'tflite-runtime needs numpy below 2: pip install "numpy<2"')
    return Check("numpy", np.__version__)


def _delegates() -> list[Check]:
    checks = []
    for name, library in LIBRARIES.items():
        found = ctypes.util.find_library(library.removeprefix("lib").partition(".so")[0])
        advice = "" if found else "for a Coral accelerator, from Coral's archive: sudo apt install libedgetpu1-std"
        checks.append(Check(f"delegate {name}", found or f"no {library}", True, advice))
    sdk = _version("ai-edge-litert-sdk-intel")
    needed = not sdk and platform.machine() == "x86_64"
    advice = "for an Intel NPU: pip install ai-edge-litert-sdk-intel" if needed else ""
    checks.append(Check("delegate npu", f"ai-edge-litert-sdk-intel {sdk}" if sdk else "no SDK", True, advice))
    return checks


def _package(name: str, package: str, needed_for: str, install: str) -> Check:
    if importlib.util.find_spec(package):
        return Check(name, f"{package} {_version(package)}".strip())
    return Check(name, f"no {package}", True, f"for {needed_for}: {install}")
