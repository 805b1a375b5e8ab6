"""A delegate that begins to lie late is found out, and what it has said since it last told the truth is marked."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import ContradictionError, DelegateError, EdgecnnWarning, InputError
from edgecnn.device import Classifier, Delegate, FeatureExtractor
from edgecnn.device.bulk.classify_many import classify_many
from edgecnn.device.bulk.sources import ImageFiles
from edgecnn.device.map_reader import MapReader
from edgecnn.device.runtime.audit import Audit
from edgecnn.pixels.dataset import Dataset
from tests.support.command_line import Run, printed, sentence
from tests.support.processes import in_a_fork

LOADING = 1 + 12  # calls: a first run and the golden probes
NEVER = 1e-12  # a rate at which chance chooses no image: the first three and the last remain


def lying(library: str, audit: float | None, **options: int) -> Delegate:
    return Delegate(library, tuple((name, str(value)) for name, value in {"wrong": 1, **options}.items()), audit=audit)


@pytest.fixture(scope="module")
def photos(fashion: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number, image in enumerate(fashion.test.images[:12]):
        Image.fromarray(image[:, :, 0]).save(folder / f"{number:02}.png")
    return folder


@pytest.mark.parametrize("options", [{"after": LOADING + 6}, {"after": LOADING - 5, "every": 10}])
def test_lies_that_begin_late_end_the_run(options: dict[str, int], library: str, fashion: Dataset) -> None:
    classifier = Classifier("fashion-mnist", delegate=lying(library, 1.0, **options))
    images = fashion.test.images[:40]
    with pytest.raises(ContradictionError, match=r"contradicts the CPU at image \d+: a probability is off by 0\.\d+"):
        classifier.predict_all(images)
    with pytest.raises(ContradictionError):  # and it is not asked again
        classifier.classify(np.asarray(images[0]))


def test_one_that_is_right_is_never_accused(library: str, fashion: Dataset) -> None:
    classifier = Classifier("fashion-mnist", delegate=Delegate(library, audit=0.5))
    classifier.predict_all(fashion.test.images[:200])
    assert classifier.audit and classifier.audit.images == 200 and not classifier.audit.unconfirmed
    # 1.5 + 98.5 ± 7 at one standard deviation; six of them.
    assert 58 < classifier.audit.compared < 142


def test_a_fork_while_another_thread_is_audited_does_not_wait_for_it(library: str, fashion: Dataset) -> None:
    classifier = Classifier("fashion-mnist", delegate=Delegate(library, audit=1.0))
    assert classifier.audit
    with classifier.audit._lock:  # as a thread holds it that the child process does not have
        assert in_a_fork(lambda: classifier.classify(np.asarray(fashion.test.images[45]))[0].label == "Sneaker") == 0


def test_of_a_few_images_more_than_one_in_a_hundred_is_looked_at_unless_somebody_chose(
    library: str, fashion: Dataset
) -> None:
    classifier, on_cpu = Classifier("fashion-mnist", delegate=Delegate(library)), Classifier("fashion-mnist")

    def compared(audit: Audit | None) -> int:
        assert audit is not None
        classifier.audit = audit
        classifier.predict_all(fashion.test.images[:100])
        return audit.compared

    own = compared(classifier.audit)
    chosen = Audit(classifier.loaded, on_cpu.loaded.session, NEVER)
    assert compared(chosen) in (3, 4)  # the first three, and the last where it has ended
    left_open = (Audit(classifier.loaded, on_cpu.loaded.session, NEVER, is_asked_for=False) for _ in range(2))
    # One in a hundred would be 12; this is 3 * (3 + 3 / 4 + ... + 3 / 100) = 40 ± 5.
    assert 20 < own + sum(map(compared, left_open)) < 70


def test_the_last_image_is_looked_at_and_the_doubtful_ones_are_named(library: str, photos: Path) -> None:
    classifier = Classifier("fashion-mnist", delegate=lying(library, NEVER, after=LOADING + 7))
    names: list[str] = []
    answers = (Path(one.name).name for one in classify_many(classifier, ImageFiles([str(photos)])))
    with pytest.raises(ContradictionError, match=r"answers after image 3, where both agreed last") as raised:
        names.extend(answers)
    assert names == [f"{number:02}.png" for number in range(12)]
    assert [Path(name).name for name in raised.value.unconfirmed] == names[3:]


def labels_in(results: Path) -> list[str]:
    """The first label of each row."""
    if results.suffix == ".parquet":
        from pyarrow import parquet

        return [row["label_1"] for row in parquet.read_table(results).to_pylist()]
    if results.suffix == ".jsonl":
        return [json.loads(line)["predictions"][0]["label"] for line in results.read_text().splitlines()]
    return [row["label_1"] for row in csv.DictReader(results.read_text().splitlines())]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_doubtful_rows_are_marked_and_made_anew(
    suffix: str, library: str, photos: Path, tmp_path: Path, edgecnn: Run
) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    output, honest = tmp_path / f"answers{suffix}", tmp_path / f"honest{suffix}"
    late = ("--delegate-option", "wrong=1", "--delegate-option", f"after={LOADING + 7}", "--audit", str(NEVER))
    result = edgecnn("classify", "fashion-mnist", photos, "-o", output, "--delegate", library, *late)
    assert "contradicts the CPU" in sentence(result) and not output.exists()
    assert "not confirmed: 9 rows, marked in" in result.stderr
    rows = [json.loads(line) for line in (tmp_path / f".answers{suffix}.partial").read_text().splitlines()[1:]]
    assert [row.get("unconfirmed", False) for row in rows] == [False] * 3 + [True] * 9
    again = edgecnn("classify", "fashion-mnist", photos, "-o", output, "--resume", "--delegate", "cpu")
    assert again.exit_code == 0 and "(3 images were done before)" in again.stdout
    assert edgecnn("classify", "fashion-mnist", photos, "-o", honest, "--delegate", "cpu").exit_code == 0
    assert labels_in(output) == labels_in(honest) and len(labels_in(output)) == 12


def test_answers_that_were_printed_are_named_too(library: str, photos: Path, edgecnn: Run) -> None:
    late = ("--delegate-option", "wrong=1", "--delegate-option", f"after={LOADING + 7}", "--audit", str(NEVER))
    asked = ("classify", "fashion-mnist", photos, "--delegate", library, *late)
    assert f"not confirmed: 9 answers, {photos / '03.png'} to {photos / '11.png'}" in edgecnn(*asked).stderr
    rows = json.loads(printed(edgecnn(*asked, "--json"), 1))
    assert [row.get("unconfirmed", False) for row in rows] == [False] * 3 + [True] * 9


def test_evaluate_and_benchmark_end_too(library: str, few: Path, edgecnn: Run) -> None:
    late = ("--delegate", library, "--delegate-option", "wrong=1", "--delegate-option", "after=90", "--audit", "50%")
    evaluated = edgecnn("evaluate", "fashion-mnist", "--data", few, *late)
    assert "contradicts the CPU" in sentence(evaluated) and "accuracy" not in evaluated.stdout
    measured = edgecnn("benchmark", "fashion-mnist", "--runs", 60, *late)
    assert "contradicts the CPU" in sentence(measured) and not measured.stdout


def test_where_all_was_confirmed_or_nothing_that_is_what_is_said(
    library: str, photos: Path, tmp_path: Path, edgecnn: Run
) -> None:
    asked = ("classify", "fashion-mnist", photos, "-o", tmp_path / "a.csv", "--delegate", library, "--audit", "1")
    result = edgecnn(*asked, "--delegate-option", "wrong=1", "--delegate-option", f"after={LOADING + 7}")
    assert f"not confirmed: none of the rows in {tmp_path / '.a.csv.partial'}; --resume makes what is" in result.stderr
    classifier = Classifier("fashion-mnist", delegate=lying(library, 1.0, after=LOADING))
    with pytest.raises(ContradictionError, match=r"at image 1: .*; none of its answers is to be trusted: use"):
        classifier.classify(photos / "00.png")


@pytest.mark.parametrize("rate", ["2", "-1%", "101%", "some", "nan"])
def test_a_rate_that_is_no_share_is_wrong_usage(rate: str, edgecnn: Run) -> None:
    result = edgecnn("classify", "fashion-mnist", "x.png", "--delegate", "x.so", f"--audit={rate}")
    assert result.exit_code == 2 and "no share of the images; write 0 to 1, or 0% to 100%" in result.stderr


def test_an_audit_needs_something_to_compare(edgecnn: Run) -> None:
    for rate in (1.5, -0.1, float("nan"), "1%"):
        with pytest.raises(InputError, match="audit must be a share of the images, 0 to 1"):
            Delegate("xnnpack", audit=rate)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="nothing to audit"):
        Delegate("cpu", audit=0.1)
    for command in ("classify", "benchmark"):
        images = ("x.png",) if command == "classify" else ()
        result = edgecnn(command, "fashion-mnist", *images, "--audit", "0.1")
        assert result.exit_code == 2 and "--audit goes with" in result.stderr


LATE = ("--delegate-option", "wrong=1", "--audit", str(NEVER))


def test_feature_maps_are_looked_at_too(library: str, photos: Path, tmp_path: Path, edgecnn: Run) -> None:
    drawn = ("features", "fashion-mnist.activations", photos, "-o", tmp_path / "drawn", "--delegate", library, *LATE)
    result = edgecnn(*drawn, "--delegate-option", f"after={LOADING + 7}")
    assert "contradicts the CPU at image 12" in sentence(result) and not (tmp_path / "drawn").exists()
    extractor = FeatureExtractor("fashion-mnist.activations", delegate=Delegate(library, audit=1.0))
    pixels = np.asarray(Image.open(photos / "00.png"))
    assert extractor.audit is not None
    maps = extractor.extract(pixels).maps
    loaded, changed = extractor.loaded, maps["max_pooling2d"].copy()
    (tensor,) = [one for name, one in loaded.session.outputs.items() if name == "max_pooling2d"]
    right = np.rint(changed / tensor.scale + tensor.zero_point).astype(tensor.dtype)
    with loaded.session.lock:
        scores = loaded.session.output(loaded.probabilities)
    extractor.audit.look(pixels[:, :, None], scores, [(tensor, right)])
    wrong = right[..., ::-1].copy()  # right probabilities beside maps of other filters
    with pytest.raises(
        ContradictionError, match=r"feature maps of max_pooling2d are off by \d+\.\d\d% where 20% is allowed"
    ):
        extractor.audit.look(pixels[:, :, None], scores, [(tensor, wrong)])


def test_explanations_are_looked_at_too(library: str, photos: Path, tmp_path: Path, edgecnn: Run) -> None:
    asked = ("explain", "fashion-mnist", photos / "00.png", "-o", tmp_path / "why", "--delegate", library, *LATE)
    result = edgecnn(*asked, "--delegate-option", f"after={LOADING + 40}")
    assert "contradicts the CPU" in sentence(result) and not list(tmp_path.glob("why/*.png"))
    assert edgecnn(*asked, "--delegate-option", f"after={LOADING + 4000}").exit_code == 0


def test_live_maps_are_looked_at_too(library: str, fashion: Dataset) -> None:
    classifier = Classifier("fashion-mnist.activations", delegate=lying(library, 1.0, after=LOADING + 6))
    reader = MapReader(classifier.loaded, classifier.audit)
    with pytest.raises(ContradictionError):
        [reader.read(np.asarray(pixels), ["max_pooling2d_1"]) for pixels in fashion.test.images[:12]]


def test_honest_maps_of_one_image_after_the_other_are_never_accused(library: str, fashion: Dataset) -> None:
    classifier = Classifier("fashion-mnist.activations", delegate=Delegate(library, audit=1.0))
    reader = MapReader(classifier.loaded, classifier.audit)
    for pixels in fashion.test.images[:12]:
        reader.read(np.asarray(pixels), ["max_pooling2d_1"])
    assert classifier.audit and classifier.audit.compared == 12


def test_maps_of_an_image_that_failed_are_not_those_of_the_one_before(library: str, fashion: Dataset) -> None:
    fails = (("fail_invoke", "1"), ("after", str(LOADING + 1)))
    classifier = Classifier("fashion-mnist.activations", delegate=Delegate(library, fails, isolate=False, audit=0))
    reader = MapReader(classifier.loaded)
    images = iter(np.asarray(fashion.test.images[:40]))
    assert reader.read(next(images), ["conv2d"])
    shown: list[np.ndarray] = []
    with pytest.raises(DelegateError):
        [reader.read(shown.append(pixels) or pixels, ["conv2d"]) for pixels in images]  # type: ignore[func-returns-value]
    with pytest.raises(DelegateError):
        reader.read(shown[-1], ["conv2d"])


def test_what_the_cpu_computes_once_it_has_taken_over_is_confirmed(library: str, fashion: Dataset) -> None:
    options = (("fail_invoke", "1"), ("after", str(LOADING + 7)))
    delegate = Delegate(library, options, fallback=True, isolate=False, audit=NEVER)
    classifier = Classifier("fashion-mnist", delegate=delegate)
    with pytest.warns(EdgecnnWarning, match="going on with the CPU"):
        assert [classifier.classify(image) for image in np.asarray(fashion.test.images[:20])]
    assert classifier.audit and classifier.audit.images > 3 and not classifier.audit.unconfirmed
