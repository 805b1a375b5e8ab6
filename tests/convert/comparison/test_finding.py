"""What a finding says of its place."""

from edgecnn.convert.comparison.finding import Finding


def test_a_finding_is_at_a_layer_or_at_a_rung_alone() -> None:
    tuned = Finding("int8, reference kernels", "", "tuned", "its weights were tuned", False)
    assert tuned.place == "int8, reference kernels"
    assert (
        Finding("Keras", "conv2d", "statistics", "they are those of before any training", True).place == "Keras, conv2d"
    )
