"""How warm the machine is, and whether it slows itself down: as far as its kernel or firmware says."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SLOWEST_S = 2.0
# Bits of the Raspberry Pi's firmware; 16 higher, that it was so since the machine started.
_BITS = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}


@dataclass(frozen=True)
class Throttling:
    """What a Raspberry Pi's firmware says of its power and heat.

    Attributes:
        now: what holds it back: under-voltage, frequency capped, throttled, soft temperature limit.
        since_boot: what did since the machine started.
    """

    now: tuple[str, ...]
    since_boot: tuple[str, ...]


def temperature_c(root: Path = Path("/")) -> float | None:
    """That of the hottest part that the kernel knows, in degrees Celsius; None where it knows none.

    Args:
        root: where `sys` is.
    """
    readings = []
    for zone in sorted(root.glob("sys/class/thermal/thermal_zone*/temp")):
        try:
            readings.append(int(zone.read_text()) / 1000)
        except (OSError, ValueError):  # a sensor that is switched off
            continue
    # What no silicon lives through is no reading.
    return max((one for one in readings if -60 < one < 150), default=None)


def throttling(root: Path = Path("/")) -> Throttling | None:
    """What the firmware says, by the kernel's file or by vcgencmd(1); None on other machines.

    Args:
        root: where `sys` is.
    """
    for file in sorted(root.glob("sys/devices/platform/soc*/*firmware/get_throttled")):
        try:
            return read_throttling(file.read_text())
        except (OSError, ValueError):
            continue
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        said = subprocess.run([program, "get_throttled"], capture_output=True, text=True, timeout=_SLOWEST_S)
        return read_throttling(said.stdout) if said.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def read_throttling(text: str) -> Throttling:
    """What a number of the firmware means.

    Args:
        text: as the kernel's file has it, such as `50005`, or vcgencmd, such as `throttled=0x50005`.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"(?:throttled=)?(?:0x)?([0-9a-fA-F]{1,8})", text.strip())
    if not found:
        raise ValueError("no number of the firmware")
    bits = int(found[1], 16)
    now, before = (tuple(words for bit, words in _BITS.items() if bits >> bit + shift & 1) for shift in (0, 16))
    return Throttling(now, before)
