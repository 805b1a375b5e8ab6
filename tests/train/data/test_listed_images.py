"""Images in one folder, labelled by a CSV file or by their own names."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import DataError
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import LabelSource, input_for, load_dataset

SPEC = input_for(16, 16, "rgb", "stretch")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Twelve images, 0.png to 11.png, whose red is ten times their number."""
    (tmp_path / "images" / "sub").mkdir(parents=True)
    for number in range(12):
        place = tmp_path / "images" / ("sub" if number > 9 else ".")
        Image.new("RGB", (16, 16), (10 * number, 0, 0)).save(place / f"{number}.png")
    return tmp_path / "images"


def load(images: Path, text: str, said: list[str] | None = None) -> Dataset:
    (images.parent / "labels.csv").write_text(text)
    progress = [] if said is None else said
    labelled = LabelSource(images.parent / "labels.csv")
    return load_dataset(images, SPEC, labelled=labelled, progress=progress.append)


def shown(dataset: Dataset) -> dict[int, str]:
    """The label of each image, by the number that its red gives away."""
    return {
        int(image[0, 0, 0]) // 10: dataset.labels[label]
        for split in (dataset.train, dataset.test, *([dataset.validation] if dataset.validation else []))
        for image, label in zip(np.asarray(split.images), split.labels, strict=True)
    }


EXPECTED = {number: "even" if number % 2 == 0 else "odd" for number in range(12)}
PLACES = [f"{number}.png" if number < 10 else f"sub/{number}.png" for number in range(12)]


@pytest.mark.parametrize(
    "text",
    [
        "file,label\n" + "".join(f"{PLACES[n]},{EXPECTED[n]}\n" for n in range(12)),
        "".join(f"{EXPECTED[n]};{PLACES[n]}\n" for n in range(12)),
        "id,breed\n" + "".join(f"{n},{EXPECTED[n]}\n" for n in range(12)),
        "label\tsize\timage\n" + "".join(f"{EXPECTED[n]}\t16\timages/{PLACES[n]}\n" for n in reversed(range(12))),
        "\ufefffilename,class\r\n" + "".join(f".\\{PLACES[n]},{EXPECTED[n]}\r\n".replace("/", "\\") for n in range(12)),
        # Numbers of rows are no names of images, though 11 is called 11.png.
        ",file,label\n" + "".join(f"{row},{PLACES[n]},{EXPECTED[n]}\n" for row, n in enumerate(reversed(range(12)))),
        "row,id,label\n" + "".join(f"{row},{n},{EXPECTED[n]}\n" for row, n in enumerate(reversed(range(12)))),
        # As another machine has the folder, and as people who know no case write.
        "path,label\n" + "".join(f"/home/bob/images/{PLACES[n]},{EXPECTED[n]}\n" for n in range(12)),
        "path,label\n"
        + "".join(f"C:\\pets\\images\\{PLACES[n]},{EXPECTED[n]}\n".replace("/", "\\") for n in range(12)),
        "path,label\n" + "".join(f"{PLACES[n].upper()},{EXPECTED[n]}\n" for n in range(12)),
    ],
    ids=[
        *("header", "label first", "without suffix", "three columns", "windows", "row numbers", "row numbers and ids"),
        *("another machine", "another Windows", "capitals"),
    ],
)
def test_a_csv_file_labels_the_images_of_a_folder(text: str, images: Path) -> None:
    said: list[str] = []
    dataset = load(images, text, said)
    assert dataset.labels == ("even", "odd") and shown(dataset) == EXPECTED
    assert np.bincount(dataset.test.labels).tolist() == [1, 1]  # one in five
    assert any("names the files" in line for line in said)


@pytest.mark.parametrize("heading", ["image", "Image", "id"])
def test_a_heading_is_one_though_an_image_is_called_so(heading: str, images: Path) -> None:
    (images / "9.png").rename(images / f"{heading.lower()}.png")
    places = [f"{heading.lower()}.png" if n == 9 else PLACES[n] for n in range(12)]
    rows = "".join(f"{places[n]},{EXPECTED[n]}\n" for n in range(12))
    assert shown(load(images, f"{heading},label\n{rows}")) == EXPECTED
    named = "".join(f"{Path(place).stem},{EXPECTED[n]}\n" for n, place in reversed([*enumerate(places)]))
    assert shown(load(images, named)) == EXPECTED  # all rows name images


def test_whole_paths_are_taken(images: Path) -> None:
    text = "".join(f"{images / PLACES[n]},{EXPECTED[n]}\n" for n in range(12))
    assert shown(load(images, text)) == EXPECTED


def test_labels_that_are_numbers_are_told_from_files_and_sorted_as_numbers(images: Path) -> None:
    dataset = load(images, "target,image\n" + "".join(f"{9 + n // 4},{n}\n" for n in range(12)))
    assert dataset.labels == ("9", "10", "11") and shown(dataset) == {n: str(9 + n // 4) for n in range(12)}


def test_a_column_says_the_splits_and_images_that_are_not_listed_are_left_out(images: Path) -> None:
    splits = ["train"] * 6 + ["Validation"] * 2 + ["test"] * 2
    said: list[str] = []
    rows = "".join(f"{PLACES[n]},{EXPECTED[n]},{splits[n]}\n" for n in range(10))
    dataset = load(images, "file,label,split\n" + rows, said)
    assert dataset.validation and (len(dataset.train), len(dataset.validation), len(dataset.test)) == (6, 2, 2)
    assert sorted(np.asarray(dataset.test.images)[:, 0, 0, 0]) == [80, 90]
    assert any("2 images are not in" in line for line in said)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a column of files and one of labels"),
        ("0.png\n1.png\n", "a column of files and one of labels"),
        ("a.png,x\nb.png,y\n", "names no image of"),
        ("0.png,x\n99.png,y\n", "line 2 names 99.png, which is no image"),
        ("99.png,x\n0.png,y\n", "line 1 names 99.png, which is no image"),
        ("0.png,x\n0.png,y\n", "line 2 gives 0.png another label"),
        ("0.png,x\n\n\n1.png\n", "line 4 has 1 columns"),
        ("file,label\n\n0.png,x\n\n\n99.png,y\n", "line 6 names 99.png, which is no image"),
        ("0.png,x\n1.png\n", "line 2 has 1 columns"),
        ("image,a,b\n0.png,1,0\n1.png,0,1\n", "a column of 0 and 1 for each class; give their names in one"),
        ("image,label,split\n0.png,x,holiday\n", "line 2 has the split 'holiday'"),
        ("image,label,split\n0.png,x,test\n1.png,y,test\n", "no train among its splits"),
    ],
)
def test_what_does_not_fit_is_a_sentence(text: str, words: str, images: Path) -> None:
    with pytest.raises(DataError, match=words):
        load(images, text)


def test_a_missing_file_or_one_without_a_folder_is_a_sentence(images: Path) -> None:
    with pytest.raises(DataError, match="cannot read the labels"):
        load_dataset(images, SPEC, labelled=LabelSource(images / "none.csv"))
    with pytest.raises(DataError, match="are of a folder of images"):
        load_dataset(None, labelled=LabelSource(images / "none.csv"))


@pytest.mark.parametrize("pattern", ["cat.{}.jpg", "cat_{}.jpg", "cat ({}).jpg", "cat{}.jpg"])
def test_labels_stand_in_the_names_of_images(pattern: str, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for number in range(5):
            Image.new("RGB", (20, 20)).save(tmp_path / pattern.format(number).replace("cat", name))
    dataset = load_dataset(tmp_path, SPEC, labelled=LabelSource(names=True))
    assert dataset.labels == ("cat", "dog") and np.bincount(dataset.train.labels).tolist() == [4, 4]
    Image.new("RGB", (20, 20)).save(tmp_path / "holiday.jpg")
    with pytest.raises(DataError, match=r"holiday\.jpg: its name is no label with a number"):
        load_dataset(tmp_path, SPEC, labelled=LabelSource(names=True))


def test_of_two_columns_that_may_be_the_images_none_is_guessed(images: Path) -> None:
    rows = "".join(f"{row},{n},{EXPECTED[n]}\n" for row, n in enumerate(reversed(range(12))))
    with pytest.raises(DataError, match=r"columns 1 and 2 both name images of .* call the right one file"):
        load(images, "row,number,label\n" + rows)
    with pytest.raises(DataError, match=r"columns 1 and 2 both name images of .* call the right one file"):
        load(images, "".join(f"{n},{n % 2}\n" for n in range(12)))  # labels 0 and 1 are names of images too


def test_an_empty_label_is_no_class(images: Path) -> None:
    with pytest.raises(DataError, match=r"line 3 gives 1\.png no label; give one, or remove the line"):
        load(images, "file,label\n0.png,even\n1.png,\n")


def test_a_macs_names_are_those_of_the_list(images: Path) -> None:
    for number in range(12):
        (images / PLACES[number]).rename(images / unicodedata.normalize("NFD", f"é{number}.png"))
    text = "".join(f"é{n}.png,{'été' if n % 2 else unicodedata.normalize('NFD', 'été')}er{n % 2}\n" for n in range(12))
    assert load(images, text).labels == ("étéer0", "étéer1")
