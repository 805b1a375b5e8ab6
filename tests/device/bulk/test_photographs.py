"""Twelve-megapixel photographs fit into the memory of a small board."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.photographs import photograph, save_jpeg

SCRIPT = Path(__file__).parents[2] / "scripts" / "decode_photographs.py"
# 4000 x 3000 pixels in the four bytes that Pillow holds RGB in.
PICTURE_MIB = 4000 * 3000 * 4 / 2**20


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photographs")
    large = photograph(1000, 750).resize((4000, 3000), Image.Resampling.BICUBIC)
    one = save_jpeg(folder / "0.jpg", large)
    return [one, *(Path(shutil.copy(one, folder / f"{number}.jpg")) for number in range(1, 6))]


def growth_mib(decoding: str, threads: int, photographs: list[Path]) -> float:
    command = [sys.executable, SCRIPT, decoding, threads, *photographs]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_decoded_in_full_one_picture_is_held_and_no_copy(photographs: list[Path]) -> None:
    assert PICTURE_MIB < growth_mib("full", 1, photographs) < 1.6 * PICTURE_MIB


@pytest.mark.parametrize("threads", [1, 4])
def test_reduced_they_take_a_sixteenth_each_beside_the_decoder_and_the_file(
    threads: int, photographs: list[Path]
) -> None:
    # Once for all some 10 MiB: Pillow's decoders, the threads; then a picture of 1000 x 750 and the file itself.
    assert growth_mib("reduced", threads, photographs) < 10 + threads * (PICTURE_MIB / 16 + 8)
