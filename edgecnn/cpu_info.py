"""What this machine's processor is and can do, as Linux says it."""

import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CpuInfo:
    """A processor.

    Attributes:
        model: its name; on a Raspberry Pi the board's, elsewhere the machine's kind where none is told.
        flags: the instructions that it has beyond the oldest.
        threads: how many run at once; 0 where it is not known.
    """

    model: str
    flags: frozenset[str]
    threads: int


def read_cpu_info(root: Path = Path("/")) -> CpuInfo | None:
    """What /proc/cpuinfo says; None where it cannot be read.

    Args:
        root: where /proc is found; a test has its own.
    """
    try:
        lines = (root / "proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return None
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return CpuInfo(
        model=fields.get("Model") or fields.get("model name") or platform.machine(),
        flags=frozenset((fields.get("flags") or fields.get("Features") or "").split()),
        threads=sum(line.startswith("processor") for line in lines),
    )
