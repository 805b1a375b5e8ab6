"""Golden probes survive packing, and their hash covers every step of the preprocessing."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgecnn import InputSpec, ModelFileError
from edgecnn.model_file.golden import Golden, preprocessing_sha256


@pytest.fixture
def golden() -> Golden:
    images = np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1)
    scores = np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)
    return Golden(images, scores, scores[::-1], "some-runtime 1.0", "abc")


def test_probes_survive_packing(golden: Golden) -> None:
    found = Golden.from_bytes(golden.to_bytes(), "m.tflite")
    np.testing.assert_array_equal(found.images, golden.images)
    np.testing.assert_array_equal(found.keras, golden.keras)
    np.testing.assert_array_equal(found.host, golden.host)
    assert (found.host_runtime, found.preprocessing_sha256) == ("some-runtime 1.0", "abc")


def test_same_probes_give_the_same_bytes(golden: Golden) -> None:
    assert golden.to_bytes() == golden.to_bytes()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"nonsense" * 20])
def test_damaged_probes_are_a_sentence(data: bytes) -> None:
    with pytest.raises(ModelFileError, match="golden probes do not read"):
        Golden.from_bytes(data, "m.tflite")


CHANGES: list[dict[str, Any]] = [
    {"fit": "stretch"},
    {"resize_filter": "bicubic"},
    {"scale": (1 / 256,)},
    {"offset": (0.5,)},
    {"background": "light"},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_hash_notices_any_other_preprocessing(spec: InputSpec, change: dict[str, Any]) -> None:
    images = np.resize(np.arange(256, dtype=np.uint8), (2, 28, 28, 1))
    assert preprocessing_sha256(replace(spec, **change), images) != preprocessing_sha256(spec, images)
