"""What is told of heat and power is what kernel and firmware say, and nothing where they are silent."""

from pathlib import Path

import pytest

from edgecnn.throttling import Throttling, read_throttling, temperature_c, throttling
from tests.support.waiting import PATIENCE

FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_the_hottest_zone_counts_and_what_is_no_reading_does_not(tmp_path: Path) -> None:
    assert temperature_c(tmp_path) is None
    for number, text in enumerate(("48312\n", "61250\n", "", "off\n", "-274000\n", "999999\n")):
        write(tmp_path, f"sys/class/thermal/thermal_zone{number}/temp", text)
    (tmp_path / "sys/class/thermal/thermal_zone9/temp").mkdir(parents=True)
    assert temperature_c(tmp_path) == 61.25


@pytest.mark.parametrize(
    ("text", "now", "since_boot"),
    [
        ("0\n", (), ()),
        ("throttled=0x0\n", (), ()),
        ("50005\n", ("under-voltage", "throttled"), ("under-voltage", "throttled")),
        ("throttled=0x80008", ("soft temperature limit",), ("soft temperature limit",)),
        ("20002", ("frequency capped",), ("frequency capped",)),
        ("f0000", (), ("under-voltage", "frequency capped", "throttled", "soft temperature limit")),
    ],
)
def test_bits_of_the_firmware(text: str, now: tuple[str, ...], since_boot: tuple[str, ...], tmp_path: Path) -> None:
    assert read_throttling(text) == Throttling(now, since_boot)
    write(tmp_path, FIRMWARE, text)
    assert throttling(tmp_path) == Throttling(now, since_boot)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo throttled=0x50000", Throttling((), ("under-voltage", "throttled"))),
        ("echo VCHI initialization failed", None),
        ("echo throttled=0x50000; exit 1", None),
        ("echo throttled=0x50000; exec /bin/sleep 9", None),
    ],
)
def test_where_the_kernel_has_no_file_the_firmwares_program_is_asked(
    script: str, told: Throttling | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgecnn.throttling._SLOWEST_S", 0.2 if "sleep" in script else PATIENCE)
    monkeypatch.setenv("PATH", str(tmp_path))  # a Raspberry Pi has the program elsewhere
    assert throttling(tmp_path) is None
    (tmp_path / "vcgencmd").write_text(f"#!/bin/sh\n[ $1 = get_throttled ] || exit 2\n{script}\n")
    (tmp_path / "vcgencmd").chmod(0o700)
    assert throttling(tmp_path) == told
    write(tmp_path, FIRMWARE, "not a number")
    assert throttling(tmp_path) == told
