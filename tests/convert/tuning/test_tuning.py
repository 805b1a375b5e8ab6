"""`convert --int8 --qat`: what is exported, what is said of it, and that the parity ladder still sees every fault."""

import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgecnn import EdgecnnError, InputError, ModelFileError
from edgecnn.convert import Conversion, Preprocessing, adopt, convert, load_representative, parity
from edgecnn.convert.tuning.record import TuningRecord
from edgecnn.device import Classifier
from edgecnn.model_file.container import read_model
from edgecnn.model_file.schemes import IoType, Scheme
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.run_directory import RunDirectory
from edgecnn.train import TrainingRun
from tests.support.command_line import Run
from tests.support.depthwise import make_depthwise, pictures_of
from tests.support.foreign import save_pictures
from tests.support.many_operators import noise
from tests.support.planted import change_output, plant


@pytest.fixture(scope="module")
def some(small: Dataset) -> Dataset:
    return dataclasses.replace(small, train=small.train.take(1_000), test=small.test.take(300))


@pytest.fixture(scope="module")
def few(some: Dataset) -> Dataset:
    return dataclasses.replace(some, train=some.train.take(200))


@pytest.fixture(scope="module")
def tuned(small_run: TrainingRun, some: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    run = tmp_path_factory.mktemp("tuned")
    for path in (small_run.model_path, small_run.path / "card.json"):
        shutil.copy(path, run)
    return convert(run, some, qat=1)


@pytest.fixture
def faulty(tuned: Conversion, tmp_path: Path) -> RunDirectory:
    """A copy of the tuned run, to be damaged."""
    return RunDirectory(Path(shutil.copytree(tuned.plain.path.parent, tmp_path / "faulty")))


def test_the_note_says_what_each_step_gained(tuned: Conversion) -> None:
    (note,) = tuned.notes
    assert "on 744 training images: as converted" in note and "rounded together" in note
    figures = [float(figure) for figure in re.findall(r"\d\.\d\de-\d\d", note)]
    assert len(figures) >= 2 and figures == sorted(figures, reverse=True) and figures[-1] < 0.9 * figures[0]


def test_size_and_scheme_stay_and_the_maps_are_close(tuned: Conversion, int8: Conversion) -> None:
    plain, before = (read_model(each.plain.path) for each in (tuned, int8))
    assert abs(len(plain.flatbuffer) - len(before.flatbuffer)) <= 256 and plain.flatbuffer != before.flatbuffer
    assert plain.card and before.card and plain.card.quantization.scheme == "int8"
    worst = [min(layer.sqnr_db for layer in each.layers) for each in (tuned, int8)]
    assert tuned.bit_equal and worst[0] > worst[1] - 3  # a range that is cut costs the largest values
    assert tuned.plain.parity.agreement >= 0.98


def test_the_ladder_passes_and_says_what_was_exported(tuned: Conversion, some: Dataset) -> None:
    report = parity(tuned.plain.path.parent, some, images=50, force=True)
    assert report.passed and not report.ladder.weight_faults and not report.ladder.operator_faults
    (remark,) = [finding for finding in report.findings if finding.cause == "tuned"]
    assert not remark.broken and tuned.notes[0] in remark.words
    assert remark.words in report.json.read_text() and "--qat exported" in report.html.read_text()


def test_uint8_at_both_ends_gives_the_same_answers_but_for_a_few_roundings(
    small_run: TrainingRun, some: Dataset, tmp_path: Path
) -> None:
    ios: tuple[IoType, ...] = ("int8", "uint8")
    made = [convert(small_run.path, some, qat=0, io=io, output=tmp_path / io) for io in ios]
    signed, unsigned = (Classifier(each.plain.path).predict_all(some.test.images, calibrated=False) for each in made)
    # The operators at the ends are others, so a weight that lay halfway may be rounded the other way: tenths of a dB.
    off = np.abs(signed - unsigned)
    assert off.max() <= 4 / 256 and (off < 1e-6).mean() >= 0.99
    for before, after in zip(made[0].layers, made[1].layers, strict=True):
        assert before.sqnr_db == pytest.approx(after.sqnr_db, abs=0.3)


@pytest.mark.parametrize("scheme", ["mixed", "int16x8"])
def test_the_other_schemes_with_8_bit_weights_come_closer_too(
    scheme: Scheme, small_run: TrainingRun, few: Dataset, tmp_path: Path
) -> None:
    made = convert(small_run.path, few, scheme=scheme, qat=0, output=tmp_path / scheme)
    figures = [float(figure) for figure in re.findall(r"\d\.\d\de-\d\d", made.notes[-1])]
    assert len(figures) == 2 and figures[1] < 0.7 * figures[0]
    run = tmp_path / "run"
    shutil.copytree(made.plain.path.parent, run)
    for path in (small_run.model_path, small_run.path / "card.json"):
        shutil.copy(path, run)
    report = parity(run, few, scheme=scheme)
    assert report.passed and not report.ladder.weight_faults and not report.ladder.operator_faults
    assert any(finding.cause == "tuned" for finding in report.findings)
    plant(RunDirectory(run), scheme, 1, one_weight)
    report = parity(run, few, scheme=scheme, force=True)
    assert not report.passed and "channel 5 is changed in 1 of 576 weights" in report.findings[0].words


def test_a_range_that_was_cut_is_no_fault_where_maps_are_returned_in_floats(
    small_run: TrainingRun, few: Dataset, tmp_path: Path
) -> None:
    # One image in twenty is bright; the others use an eighth of the range that they give, so cutting it pays.
    images = np.where(
        np.arange(len(few.train)).reshape(-1, 1, 1, 1) % 20, np.asarray(few.train.images) // 8, few.train.images
    )
    dim = dataclasses.replace(few, train=Split(images.astype(np.uint8), few.train.labels))
    made = convert(small_run.path, dim, scheme="mixed", qat=0, output=tmp_path)
    assert "ranges by error" in made.notes[-1]
    record = TuningRecord.load(RunDirectory(tmp_path).tuning_record("mixed"))
    assert set(record.ranges) == {"conv2d", "max_pooling2d", "conv2d_1", "max_pooling2d_1"}
    for path in (small_run.model_path, small_run.path / "card.json"):
        shutil.copy(path, tmp_path)
    report = parity(tmp_path, dim, images=50, scheme="mixed")
    assert not report.ladder.operator_faults and not [each for each in report.findings if each.cause == "conversion"]


def exchange(weights: np.ndarray, biases: np.ndarray) -> None:
    weights[[3, 7]] = weights[[7, 3]]
    biases[[3, 7]] = biases[[7, 3]]


def one_weight(weights: np.ndarray, biases: np.ndarray) -> None:
    weights[5, 1, 1, 2] += 3 if weights[5, 1, 1, 2] < 100 else -3


def one_bias(weights: np.ndarray, biases: np.ndarray) -> None:
    biases[9] += 40


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (exchange, "exchanged"),
        (one_weight, "channel 5 is changed in 1 of 576 weights"),
        (one_bias, "the bias of channel 9"),
    ],
)
def test_a_fault_in_a_tuned_file_is_seen(change: object, words: str, faulty: RunDirectory, some: Dataset) -> None:
    plant(faulty, "int8", 1, change)  # type: ignore[arg-type]
    report = parity(faulty.path, some, images=50, force=True)
    assert not report.passed and words in report.findings[0].words
    assert "not those that --qat exported" in report.findings[0].words


def test_a_range_that_was_changed_afterwards_is_seen(faulty: RunDirectory, some: Dataset) -> None:
    change_output(faulty, "int8", 2, gain=0.8)
    report = parity(faulty.path, some, images=50, force=True)
    assert not report.passed and report.ladder.operator_faults


def test_another_conversion_takes_the_record_away(faulty: RunDirectory, some: Dataset) -> None:
    record = faulty.tuning_record("int8")
    assert record.is_file()
    with pytest.raises(EdgecnnError, match="exists already"):
        convert(faulty.path, some, qat=0)
    before = record.read_bytes()
    convert(faulty.path, some, force=True)
    assert not record.exists()
    assert {finding.cause for finding in parity(faulty.path, some, images=50, force=True).findings} <= {"ties", "dead"}
    record.write_bytes(before)  # as a backup may put it back: it is of the same network
    with pytest.raises(ModelFileError, match=r"of another conversion .* remove it if that file was made without --qat"):
        parity(faulty.path, some, images=50, force=True)


def test_a_record_that_is_damaged_or_of_another_network_is_refused(faulty: RunDirectory, some: Dataset) -> None:
    record = faulty.tuning_record("int8")
    other = dataclasses.replace(TuningRecord.load(record), parent_sha256="0" * 64)
    for contents, words in ((other.to_bytes(), "of another conversion"), (record.read_bytes()[:900], "is damaged")):
        record.write_bytes(contents)
        with pytest.raises(ModelFileError, match=words):
            parity(faulty.path, some, images=50, force=True)


@pytest.mark.parametrize("name", ["weights_1", "biases_0", "ranges", "words"])
def test_a_record_that_somebody_changed_is_refused(name: str, faulty: RunDirectory) -> None:
    record = faulty.tuning_record("int8")
    with np.load(record) as file:
        arrays = dict(file)
    arrays[name] = np.array("tuned: perfect") if name == "words" else arrays[name][:-1]
    np.savez(record, **arrays)
    with pytest.raises(ModelFileError, match=r"is damaged \(its numbers were changed\); convert the run again"):
        TuningRecord.load(record)


def test_a_record_of_before_there_was_a_digest_is_refused_as_that(faulty: RunDirectory) -> None:
    record = faulty.tuning_record("int8")
    with np.load(record) as file:
        arrays = {name: file[name] for name in file.files if name != "sha256"}
    np.savez(record, **arrays)
    with pytest.raises(ModelFileError, match="it has no digest, as those of an earlier edgecnn"):
        TuningRecord.load(record)


def test_of_a_record_that_is_gone_it_is_said_that_it_may_be_missing(faulty: RunDirectory, some: Dataset) -> None:
    faulty.tuning_record("int8").unlink()
    report = parity(faulty.path, some, images=50, force=True)
    assert not report.passed and "put model.int8.tuned.npz back beside the file" in report.findings[0].words


def test_depthwise_convolutions_are_tuned_on_the_images_at_hand_and_that_is_said(tmp_path: Path) -> None:
    run = make_depthwise(tmp_path)
    pictures = pictures_of(tmp_path)
    made = convert(run.path, pictures, qat=0, force=True, calibration_images=40)
    assert any("tuned on the images that it is compared on" in note for note in made.notes)
    assert not parity(run.path, pictures, images=50, force=True).ladder.weight_faults


def test_an_operator_that_is_not_simulated_is_named(tmp_path: Path) -> None:
    import keras

    image = keras.Input((16, 16, 3))
    x = keras.layers.Conv2DTranspose(4, 3, strides=2)(image)
    x = keras.layers.Dense(2, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
    keras.Model(image, x).save(tmp_path / "up.keras")
    run = adopt(tmp_path / "up.keras", ("a", "b"), tmp_path / "run", Preprocessing((1 / 255,), (0.0,)))
    save_pictures(tmp_path / "photos", noise(40))
    images = load_representative(tmp_path / "photos", RunDirectory(run).read_card())
    with pytest.raises(EdgecnnError, match="--qat does not know the operator TRANSPOSE_CONV of this network"):
        convert(run, images, qat=0, calibration_images=8)
    assert not RunDirectory(run).conversion_files()


def test_too_few_images_are_refused(small_run: TrainingRun, some: Dataset, tmp_path: Path) -> None:
    few = dataclasses.replace(some, train=Split(some.train.images[:31], some.train.labels[:31]))
    with pytest.raises(InputError, match="--qat needs 32 training images at least"):
        convert(small_run.path, few, qat=0, calibration_images=10, output=tmp_path)
    for wrong in (-1, True, 1.5):
        with pytest.raises(InputError, match="0 or more"):
            convert(small_run.path, some, qat=wrong, output=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="goes with the schemes mixed, int8, int16x8; leave it out for dynamic"):
        convert(small_run.path, some, scheme="dynamic", qat=1, output=tmp_path)


def test_options_that_contradict_each_other(small_run: TrainingRun, edgecnn: Run) -> None:
    for options, words in (
        (("--float32", "--qat"), "--qat goes with --mixed, --int8, --int16x8; add one"),
        (("--auto", "--qat", "2", "--max-drop", "1"), "--auto tries --qat itself"),
    ):
        outcome = edgecnn("convert", small_run.path, *options)
        assert outcome.exit_code == 2 and words in outcome.stderr
