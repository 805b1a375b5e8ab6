"""Images are decoded side by side only as far as memory goes."""

import struct
import subprocess
import sys
import threading
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgecnn import InputError, InputSpec
from edgecnn.device.bulk.prefetch import prepared_images
from edgecnn.device.bulk.sources import ImageFiles
from edgecnn.peak_memory import peak_rss_bytes
from edgecnn.pixels import memory
from edgecnn.pixels.memory import MemoryGate, free_bytes
from edgecnn.pixels.preprocessing import Prepared, prepare_source
from tests.conftest import ON_A_BOARD
from tests.support.command_line import Run, sentence
from tests.support.picture_files import encoded
from tests.support.waiting import PATIENCE

needs_peak = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read from /proc")


def most_at_once(gate: MemoryGate, sizes: list[int], wanted: int = 0) -> int:
    """How many bytes were let through at the same time, at the most; all wait until `wanted` are, for a few seconds."""
    lock, inside, most = threading.Condition(), [0], [0]

    def hold(count: int) -> None:
        with gate.holding(count):
            with lock:
                inside[0] += count
                most[0] = max(most[0], inside[0])
                lock.notify_all()
                lock.wait_for(lambda: most[0] >= wanted, timeout=PATIENCE)
            time.sleep(0.02)
            with lock:
                inside[0] -= count

    threads = [threading.Thread(target=hold, args=(count,)) for count in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE)
        assert not thread.is_alive()
    return most[0]


@pytest.mark.parametrize(("fitting", "most"), [(1, 1), (2, 2), (3, 3)])
def test_as_many_as_fit_are_let_through(fitting: int, most: int) -> None:
    assert most_at_once(MemoryGate(1000 * fitting), [1000] * 12, wanted=1000 * most) == 1000 * most


def test_an_image_larger_than_the_budget_goes_alone() -> None:
    assert most_at_once(MemoryGate(10), [5000, 4000, 3000]) == 5000


def test_the_place_of_an_image_that_fails_is_free_again() -> None:
    gate = MemoryGate(10)
    for _ in range(2):
        with pytest.raises(ValueError, match="damaged"), gate.holding(5000):
            raise ValueError("damaged")
    assert most_at_once(gate, [5000]) == 5000


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of /proc and /sys/fs/cgroup; it says nothing yet."""
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path / "groups")
    monkeypatch.setattr(memory, "_GROUPS_HERE", tmp_path / "here")
    return tmp_path


def group(folder: Path, *files: tuple[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files:
        (folder / name).write_text(f"{content}\n")


def test_free_memory_is_what_the_system_and_the_control_group_leave(system: Path) -> None:
    assert free_bytes() == 512 << 20  # a system that says nothing
    (system / "meminfo").write_text("MemTotal:  427000 kB\nMemFree:  10000 kB\nMemAvailable:  290000 kB\n")
    assert free_bytes() == 290_000 * 1024
    group(system / "groups", ("memory.max", "max"), ("memory.current", 1000))
    assert free_bytes() == 290_000 * 1024
    group(system / "groups", ("memory.max", 5000))
    assert free_bytes() == 4000
    group(system / "groups", ("memory.stat", "anon 300\ninactive_file 200\nactive_file 500"))
    assert free_bytes() == 4200  # what was read of files is given back


def test_free_memory_is_what_the_tightest_group_leaves(system: Path) -> None:
    (system / "meminfo").write_text("MemAvailable:  290000 kB\n")
    (system / "here").write_text("0::/user.slice/mine.service\n")
    group(system / "groups" / "user.slice" / "mine.service", ("memory.max", "max"), ("memory.current", 10))
    group(system / "groups" / "user.slice", ("memory.max", 9000), ("memory.current", 2000))
    assert free_bytes() == 7000
    (system / "here").write_text("5:cpu:/\n4:blkio,memory:/docker/abc\n0::/\n")
    old = system / "groups" / "memory"
    group(old / "docker" / "abc", ("memory.limit_in_bytes", 6000), ("memory.usage_in_bytes", 1500),
          ("memory.stat", "inactive_file 7\ntotal_inactive_file 100"))  # fmt: skip
    group(old, ("memory.limit_in_bytes", 9223372036854771712), ("memory.usage_in_bytes", 1500))
    assert free_bytes() == 4600


def claim(width: int, height: int) -> bytes:
    """A PNG of 4 x 4 pixels that claims to be larger."""
    data = bytearray(encoded(Image.new("RGB", (4, 4))))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


@needs_peak
@pytest.mark.parametrize(
    ("limited_by", "free"), [("meminfo", "300 MiB"), ("group", "200 MiB"), ("nothing", "1,024 MiB")]
)
def test_what_does_not_fit_into_memory_is_refused_before_it_is_decoded(
    limited_by: str, free: str, edgecnn: Run, system: Path
) -> None:
    if limited_by != "nothing":
        (system / "meminfo").write_text(f"MemAvailable: {300 << 10} kB\n")
    if limited_by == "group":
        group(system / "groups", ("memory.max", 900 << 20), ("memory.current", 700 << 20))
    (system / "large.png").write_bytes(claim(11_900, 10_000) if limited_by != "nothing" else claim_with_alpha())
    Path("/proc/self/clear_refs").write_text("5")  # the peak of the tests before is forgotten
    before = peak_rss_bytes()
    said = sentence(edgecnn("classify", "fashion-mnist", system / "large.png"))
    assert f"{system}/large.png: an image of 11,900 x 10,000 pixels needs " in said and f", {free} are " in said
    assert (peak_rss_bytes() or 0) - (before or 0) < 100 << 20


def claim_with_alpha() -> bytes:
    data = bytearray(claim(11_900, 10_000))
    data[25] = 6  # RGBA
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def test_a_reduced_photograph_needs_less(spec: InputSpec, system: Path) -> None:
    (system / "meminfo").write_text(f"MemAvailable: {60 << 10} kB\n")
    photo = Image.effect_noise((4000, 3000), 60).convert("RGB")
    (system / "photo.jpg").write_bytes(encoded(photo, "JPEG"))
    assert prepare_source(system / "photo.jpg", replace(spec, jpeg_decoding="reduced"))
    for progressive in (False, True):
        if progressive:
            (system / "photo.jpg").write_bytes(encoded(photo, "JPEG", progressive=True))
        how = replace(spec, jpeg_decoding="reduced" if progressive else "full")
        with pytest.raises(
            InputError, match=r"4,000 x 3,000 pixels needs [67]. MiB of memory to be decoded, 60 MiB are"
        ):
            prepare_source(system / "photo.jpg", how)


def test_many_that_fit_one_after_another_are_not_refused(spec: InputSpec, system: Path) -> None:
    (system / "meminfo").write_text(f"MemAvailable: {80 << 10} kB\n")
    for number in range(6):
        (system / f"{number}.png").write_bytes(
            encoded(Image.new("RGB", (3000, 2500), (number, 0, 0)), compress_level=1)
        )
    outcomes = [outcome for _, outcome in prepared_images(ImageFiles([str(system)]), spec)]
    assert len(outcomes) == 6 and all(isinstance(outcome, Prepared) for outcome in outcomes)


MODES: dict[str, tuple[str, str, dict[str, Any]]] = {  # what is written, how
    "gray": ("L", "PNG", {}), "bilevel": ("1", "PNG", {}), "palette": ("P", "PNG", {}), "colours": ("RGB", "PNG", {}),
    "transparent": ("RGBA", "PNG", {}), "key": ("P", "PNG", {"transparency": 1}), "print": ("CMYK", "JPEG", {}),
    "photo": ("RGB", "JPEG", {}), "progressive": ("RGB", "JPEG", {"progressive": True}), "deep": ("I;16", "PNG", {}),
    "lossy": ("RGB", "WEBP", {"method": 0}), "scan": ("RGB", "TIFF", {"compression": "tiff_lzw"}),
}  # fmt: skip


@needs_peak
@pytest.mark.parametrize("kind", MODES)
def test_no_more_memory_is_taken_than_was_said(kind: str, tmp_path: Path) -> None:
    mode, file, options = MODES[kind]
    gray = Image.linear_gradient("L").resize((3000, 2400))
    image = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257) if mode == "I;16" else gray.convert(mode)
    (tmp_path / "image").write_bytes(encoded(image, file, **options))
    command = [sys.executable, str(Path(__file__).parents[1] / "scripts" / "peak_memory.py"), str(tmp_path / "image")]
    said, taken = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    # What an emulator makes of the program's instructions is memory of the process too.
    assert taken < said + ((16 if ON_A_BOARD else 6) << 20) and said < 2.2 * taken
