"""A gate fails with a sentence, and no gate passes everything by accident."""

import dataclasses

import pytest

from edgecnn import InputError
from edgecnn.convert import Conversion, Gate
from edgecnn.rounding import round_apart


def test_gates_fail_with_a_sentence(int8: Conversion) -> None:
    found = dataclasses.replace(int8.plain.parity, keras_accuracy=0.9, accuracy=0.895, agreement=0.99)
    assert Gate().failures(found) == Gate(0.5, 99).failures(found) == []
    assert "drops by 0.50 points, at most 0.4 may" in Gate(max_drop=0.4).failures(found)[0]
    assert "99.00%" in Gate(min_agreement=99.3).failures(found)[0]
    assert Gate(min_accuracy=89.5).failures(found) == []
    assert "89.50% of the images are right, 90 % are asked for" in Gate(min_accuracy=90).failures(found)[0]
    close = dataclasses.replace(found, keras_accuracy=0.9, accuracy=0.895 - 2e-5, agreement=0.99299)
    (agreement,) = Gate(min_agreement=99.3).failures(close)
    assert "on 99.299% of the images, 99.3 % are asked for" in agreement
    assert "89.498% of the images are right, 89.5 % are" in Gate(min_accuracy=89.5).failures(close)[0]
    assert round_apart(99.336, 99.3359) == "99.3359" and round_apart(0.334, 0.3345) == "0.335"
    assert round_apart(0.05, 0.0500001, "g") == "0.0500001" and round_apart(0.05, 1.21e-06, "g") == "1.2e-06"
    assert "drops by 0.502 points, at most 0.5 may" in Gate(max_drop=0.5).failures(close)[0]


def test_an_accuracy_that_is_not_lost_proves_nothing_where_keras_is_wrong(int8: Conversion) -> None:
    found = dataclasses.replace(int8.plain.parity, keras_accuracy=0.1, accuracy=0.1, agreement=1.0)
    assert Gate(min_agreement=99).failures(found, ["at chance"]) == []
    assert "Keras itself looks wrong: at chance" in Gate(max_drop=1).failures(found, ["at chance"])[0]


@pytest.mark.parametrize("value", [float("nan"), -1.0, 101.0])
def test_gates_that_would_pass_everything_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="must be 0 to 100"):
        Gate(max_drop=value)
    with pytest.raises(InputError, match="must be 0 to 100"):
        Gate(min_agreement=value)
    with pytest.raises(InputError, match="must be 0 to 100"):
        Gate(min_accuracy=value)
