"""What the scores of a converted model are worth: its rounding makes others of Keras' own."""

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.confidence import Answers, JudgedScores, measure_confidence, why_unmeasured
from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.confidence import HeldOut
from edgecnn.pixels.dataset import Dataset
from edgecnn.validation_images import validation_of_run


def judge_converted_scores(
    probabilities: npt.NDArray[np.float32],
    card: ModelCard,
    dataset: Dataset,
    answer: Callable[[Pixels], npt.NDArray[np.float32]],
) -> JudgedScores:
    """Choose the temperature and the lowest score of a converted model, with the images that its training chose with.

    Args:
        probabilities: what it says of the test split, (images, classes).
        card: of the network before conversion.
        dataset: what that was trained on, or people's own images for one that was trained elsewhere.
        answer: what it says of other images.
    """
    answers, source, validation = Answers(probabilities, dataset.test.labels), _source(card), None
    held_out = validation_of_run(dataset, card.training) if card.training else None
    if held_out is not None:
        validation, source = Answers(answer(np.asarray(held_out.images)), held_out.labels), "validation"
    before = card.confidence
    # Other images are not at hand: where they took part, as many of the classes' images are answered as before.
    others = before if before and before.other_images else None
    coverage = others.coverage if others else None
    confidence = measure_confidence(answers, source, validation=validation, coverage=coverage)
    if confidence and others:
        confidence = dataclasses.replace(
            confidence,
            wanted_error=others.wanted_error,
            other_images=others.other_images,
            other_accepted=others.other_accepted,
        )
        if others.min_score is None:  # no score told them apart
            confidence = dataclasses.replace(
                confidence, min_score=None, coverage=None, error=None, error_low=None, error_high=None
            )
    return JudgedScores(confidence, why_unmeasured(answers, validation))


def _source(card: ModelCard) -> HeldOut:
    return "test" if card.training else "representative"
