"""edgecnn classify: a line an image, and a bad image does not lose the others."""

import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from edgecnn.model_file.bundled import sample_images
from edgecnn.pixels.dataset import Dataset
from tests.support.command_line import Run, printed, sentence

BOOT = sample_images()[0]


def test_classify_prints_a_line_an_image_in_the_order_given(edgecnn: Run) -> None:
    result = edgecnn("classify", "fashion-mnist", *sample_images())
    lines = result.stdout.splitlines()
    assert result.exit_code == 0 and result.stderr == ""
    assert [line.split(": ")[0] for line in lines] == [str(path) for path in sample_images()]
    assert lines[0].startswith(f"{BOOT}: Ankle boot 9")


def test_classify_json_is_json_alone(edgecnn: Run) -> None:
    result = edgecnn("classify", "fashion-mnist", BOOT, "--top", "3", "--json")
    (found,) = json.loads(printed(result))
    assert found["image"] == str(BOOT) and len(found["predictions"]) == 3
    assert found["predictions"][0]["label"] == "Ankle boot" and found["predictions"][0]["index"] == 9


@pytest.mark.parametrize("name", ["", "x" * 300 + ".png", "missing/*.png"])
def test_an_impossible_name_does_not_lose_the_other_images(name: str, edgecnn: Run) -> None:
    result = edgecnn("classify", "fashion-mnist", name, BOOT)
    assert result.exit_code == 1 and "Ankle boot" in result.stdout
    assert len(result.stderr.splitlines()) == 1 and result.stderr.startswith("Error: ")


def test_pattern_skips_folders_that_it_matches(edgecnn: Run, tmp_path: Path) -> None:
    shutil.copy(BOOT, tmp_path / "boot.png")
    (tmp_path / "empty").mkdir()
    assert edgecnn("classify", "fashion-mnist", tmp_path / "*").exit_code == 0


def test_folder_with_films_and_documents_gives_its_images_only(edgecnn: Run, tmp_path: Path) -> None:
    shutil.copy(BOOT, tmp_path / "boot.png")
    for name in ("manual.pdf", "clip.mpg", "drawing.eps", "data.h5"):
        (tmp_path / name).write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0")
    result = edgecnn("classify", "fashion-mnist", tmp_path)
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize("threads", ["0", "257", "50000"])
def test_threads_out_of_range_are_refused(threads: str, edgecnn: Run) -> None:
    assert sentence(edgecnn("classify", "fashion-mnist", BOOT, "--threads", threads), exit_code=2)


def test_folder_named_like_a_bundled_model_does_not_hide_it(
    edgecnn: Run, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fashion-mnist").mkdir()
    assert edgecnn("verify", "fashion-mnist").exit_code == 0
    assert printed(edgecnn("compare", "fashion-mnist", "fashion-mnist.activations", "--data", few))


def test_classify_reads_standard_input(edgecnn: Run) -> None:
    result = edgecnn("classify", "fashion-mnist", "-", input=BOOT.read_bytes())
    assert result.exit_code == 0 and result.stdout.startswith("-: Ankle boot")


def test_classify_takes_folders_and_patterns(edgecnn: Run) -> None:
    folder = edgecnn("classify", "fashion-mnist", BOOT.parent)
    pattern = edgecnn("classify", "fashion-mnist", BOOT.parent / "*.png")
    assert printed(folder) == printed(pattern) and len(folder.stdout.splitlines()) == len(sample_images())


@pytest.mark.parametrize("threads", ["1", "3"])
def test_any_number_of_decoding_threads_gives_the_same_answers_in_order(edgecnn: Run, threads: str) -> None:
    plain = edgecnn("classify", "fashion-mnist", BOOT.parent)
    assert printed(edgecnn("classify", "fashion-mnist", BOOT.parent, "--decode-threads", threads)) == printed(plain)
    assert edgecnn("classify", "fashion-mnist", BOOT.parent, "--decode-threads", "0").exit_code == 2


def test_one_bad_image_is_reported_and_the_others_classified(edgecnn: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    result = edgecnn("classify", "fashion-mnist", BOOT, bad, tmp_path / "missing.png", BOOT)
    assert result.exit_code == 1 and len(result.stdout.splitlines()) == 2
    assert result.stderr.splitlines() == [
        f"Error: {bad}: the file is empty (0 bytes); copy it again",
        f"Error: {tmp_path / 'missing.png'}: no such file; check the path",
    ]


def test_bad_image_in_json_leaves_valid_json(edgecnn: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    result = edgecnn("classify", "fashion-mnist", tmp_path / "bad.png", BOOT, "--json")
    bad, good = json.loads(result.stdout)
    assert result.exit_code == 1 and good["predictions"]
    assert bad["image"] == str(tmp_path / "bad.png") and "not an image" in bad["error"]


def test_folder_without_images_is_a_sentence(edgecnn: Run, tmp_path: Path) -> None:
    assert "holds no images" in sentence(edgecnn("classify", "fashion-mnist", tmp_path))


@pytest.fixture
def photo(tmp_path: Path, fashion: Dataset) -> Path:
    """An ankle boot on a light ground, in colour, larger than the model's input."""
    dark = Image.fromarray(255 - fashion.test.images[0, :, :, 0]).resize((280, 280), Image.Resampling.BICUBIC)
    dark.convert("RGB").save(tmp_path / "photo.jpg", quality=95)
    return tmp_path / "photo.jpg"


def test_light_background_gets_a_note(edgecnn: Run, photo: Path) -> None:
    plain = edgecnn("classify", "fashion-mnist", photo)
    assert plain.exit_code == 0 and "--invert yes" in plain.stderr


@pytest.mark.parametrize("how", ["yes", "auto"])
def test_inverting_a_light_background_gives_the_right_answer(how: str, edgecnn: Run, photo: Path) -> None:
    inverted = edgecnn("classify", "fashion-mnist", photo, "--invert", how)
    assert "Ankle boot" in printed(inverted) and inverted.stderr == ""


def cut_jpeg() -> bytes:
    whole = io.BytesIO()
    Image.linear_gradient("L").save(whole, "JPEG")
    return whole.getvalue()[:-99]


def test_an_image_that_is_cut_off_is_one_sentence(edgecnn: Run, tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes(cut_jpeg())
    assert "cut.jpg" in sentence(edgecnn("classify", "fashion-mnist", tmp_path / "cut.jpg"))
