"""What is said of a model's scores has every figure of its card, and says what the figures are of."""

from dataclasses import replace

from edgecnn.cli.confidence_lines import lines
from edgecnn.model_file.confidence import Confidence

CHOSEN = Confidence(
    0.7512, "validation", 1_200, error_before=0.0351, error_after=0.0112, wanted_error=0.02, min_score=0.95584,
    coverage=0.8012, error=0.0153, error_low=0.0098, error_high=0.0239, other_images=400, other_accepted=0.1225,
)  # fmt: skip
NONE = Confidence(1.0, "test", 900, error_before=0.0351, error_after=0.0351)


def test_a_temperature_and_a_lowest_score_are_said_with_their_figures() -> None:
    assert lines(CHOSEN) == [
        "temperature 0.751, chosen with validation images; expected calibration error 3.5%, with it 1.1% on 1,200 "
        "images",
        "--min-score auto is 0.9558, for 2% of wrong answers: it answers 80.12%, 1.53% of these wrongly (95 % interval "
        "0.98% to 2.39%), and calls the others unknown; of 400 images of no class the trained network answers 12.25%",
    ]


def test_a_score_that_other_images_alone_told_has_no_error() -> None:
    others = replace(CHOSEN, source="representative", wanted_error=None, error=None, error_low=None, error_high=None)
    first, second = lines(others)
    assert "chosen with images of --representative; " in first
    assert second.startswith("--min-score auto is 0.9558: it answers 80.12%, and calls the others unknown; of 400")


def test_a_temperature_of_1_and_no_score_are_said_with_the_reason() -> None:
    assert lines(NONE) == [
        "scores are as the network gives them: no temperature chosen with test images makes them clearly better; "
        "expected calibration error 3.5% on 900 images",
        "no lowest score is recommended: with half of the images answered, more than 10 % of the answers were wrong",
    ]


def test_without_figures_there_is_the_doubt_or_nothing() -> None:
    assert lines(None) == []
    assert lines(None, "too few images") == ["scores are as the network gives them: too few images"]
