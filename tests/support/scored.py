"""Answers whose true probabilities are known, and model files whose cards say what their scores are worth."""

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgecnn.confidence import Answers
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.confidence import Confidence
from edgecnn.model_file.container import pack_card, read_model

CONFIDENCE = Confidence(
    temperature=1.7, source="test", images=1000, error_before=0.06, error_after=0.02, wanted_error=0.02, min_score=0.7
)


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def overconfident(count: int, temperature: float, seed: int = 0, classes: int = 5) -> Answers:
    """Labels drawn from a softmax, and the softmax of the same logits times `temperature`: what undoes it is known."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 4, (count, classes))
    chances = softmax(logits).astype(np.float64).cumsum(axis=1)
    labels = (rng.random((count, 1)) * chances[:, -1:] > chances).sum(axis=1)
    return Answers(softmax(logits * temperature), labels.astype(np.int64))


def in_8_bits(answers: Answers) -> Answers:
    """As an int8 softmax of TFLite gives them: in steps of 1/256, at most 255 of them."""
    steps = np.clip(np.round(answers.probabilities * 256), 0, 255)
    return Answers((steps / 256).astype(np.float32), answers.labels)


def write_scored(path: Path, confidence: Confidence | None = CONFIDENCE, model: str = "fashion-mnist") -> Path:
    """A bundled model with another word on its scores."""
    packed = read_model(find_model(model))
    assert packed.card and packed.golden
    card = dataclasses.replace(packed.card, confidence=confidence)
    path.write_bytes(pack_card(packed.flatbuffer, card, packed.golden))
    return path
