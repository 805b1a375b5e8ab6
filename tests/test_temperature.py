"""A temperature makes scores as often right as they say, and no class another."""

import numpy as np
import pytest

from edgecnn.temperature import apply_temperature, calibration_error, fit_temperature, reliability
from tests.support.scored import in_8_bits, overconfident, softmax


@pytest.mark.parametrize("true", [0.6, 1.0, 2.5])
def test_the_temperature_that_spoiled_the_scores_is_found(true: float) -> None:
    answers = overconfident(20_000, true)
    # Its standard error is about 1 % on so many images.
    assert fit_temperature(answers.probabilities, answers.labels) == pytest.approx(true, rel=0.04)


def test_it_is_that_of_the_least_cross_entropy() -> None:
    answers = overconfident(400, 1.9, seed=3)

    def loss(temperature: float) -> float:
        powers = answers.probabilities.astype(float) ** (1 / temperature)
        shares = powers / powers.sum(axis=1, keepdims=True)
        return float(np.mean([-np.log(row[label]) for row, label in zip(shares, answers.labels, strict=True)]))

    found = fit_temperature(answers.probabilities, answers.labels)
    tried = np.exp(np.linspace(np.log(0.06), np.log(19), 300))
    assert loss(found) <= min(map(loss, tried)) + 1e-9


@pytest.mark.parametrize("true", [1.6, 2.4])
def test_scores_in_8_bits_get_one_of_their_own(true: float) -> None:
    rounded, unseen = in_8_bits(overconfident(6000, true)), in_8_bits(overconfident(6000, true, seed=1))
    temperature = fit_temperature(rounded.probabilities, rounded.labels)
    before, after = (calibration_error(unseen.best(each), unseen.right) for each in (1.0, temperature))
    assert after < before / 2 and after < 0.04


def test_images_that_are_all_right_or_all_wrong_leave_the_scores_alone() -> None:
    answers = overconfident(50, 2.0)
    best = answers.probabilities.argmax(axis=1)
    assert fit_temperature(answers.probabilities, best) == 1.0
    assert fit_temperature(answers.probabilities, (best + 1) % 5) == 1.0


@pytest.mark.parametrize("temperature", [0.05, 0.7, 3.0, 20.0])
def test_no_image_gets_another_class(temperature: float) -> None:
    rng = np.random.default_rng(2)
    near = np.full((1000, 4), 0.25, np.float32)
    near[np.arange(1000), rng.integers(0, 4, 1000)] = np.nextafter(np.float32(0.25), np.float32(1))
    for scores in (near, softmax(rng.normal(0, 8, (1000, 4))), in_8_bits(overconfident(1000, 3.0)).probabilities):
        scaled = apply_temperature(scores, temperature)
        np.testing.assert_array_equal(scaled.argmax(axis=1), scores.argmax(axis=1))
        np.testing.assert_allclose(scaled.sum(axis=1), 1, atol=1e-5)


def test_it_is_the_softmax_of_the_logits_over_the_temperature() -> None:
    logits = np.random.default_rng(4).normal(0, 3, (50, 6))
    np.testing.assert_allclose(apply_temperature(softmax(logits), 2.2), softmax(logits / 2.2), rtol=1e-4)


def test_one_image_and_many_give_the_same_and_zeros_stay_zeros() -> None:
    scores = in_8_bits(overconfident(30, 4.0)).probabilities
    scores[7] = 0
    scaled = apply_temperature(scores, 1.3)
    np.testing.assert_array_equal(scaled, np.stack([apply_temperature(row, 1.3) for row in scores]))
    assert not scaled[7].any() and (scaled[scores == 0] == 0).all() and np.isfinite(scaled).all()


def test_images_of_whose_scores_8_bits_leave_nothing_do_not_count() -> None:
    answers = overconfident(300, 2.0)
    zeros = np.zeros((40, answers.probabilities.shape[1]), np.float32)
    more = np.concatenate([zeros, answers.probabilities]), np.concatenate([np.arange(40) % 3, answers.labels])
    assert fit_temperature(*more) == fit_temperature(answers.probabilities, answers.labels) > 1.2
    assert fit_temperature(zeros, np.zeros(40, np.int64)) == 1


def test_the_calibration_error_is_that_of_the_paper() -> None:
    answers = overconfident(777, 2.0, seed=9)
    scores, right = answers.best(), answers.right
    expected = 0.0
    for number in range(1, 16):
        bin_ = [(s, r) for s, r in zip(scores, right, strict=True) if (number - 1) / 15 < s <= number / 15]
        if bin_:
            accuracy = sum(bool(r) for _, r in bin_) / len(bin_)
            expected += len(bin_) / 777 * abs(accuracy - sum(float(s) for s, _ in bin_) / len(bin_))
    assert calibration_error(scores, right) == pytest.approx(expected, abs=1e-6)
    assert sum(images for images, _, _ in reliability(scores, right)) == 777


def test_scores_at_the_ends_of_bins_belong_to_the_lower_one() -> None:
    counts = [images for images, _, _ in reliability(np.array([0.0, 1.0, 1 / 3]), np.ones(3, bool))]
    assert counts == [1, 0, 0, 0, 1, *[0] * 9, 1]
