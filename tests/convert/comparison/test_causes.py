"""What the figures of a layer speak for, and where the trouble begins; the figures are made up."""

import dataclasses
from typing import Any

import pytest

from edgecnn.convert.comparison.causes import (
    cause_of,
    cause_of_coarse_weights,
    dwarfing_channel,
    is_saturated,
    precision,
)
from edgecnn.convert.comparison.layer_figures import LayerFigures
from edgecnn.model_file.card import PROBABILITIES, LayerRange

HEALTHY = LayerFigures(
    name="conv", sqnr_db=40.0, channel_sqnr_db=35.0, cosine=0.999, gain=1.0, error_steps=0.5, saturated=0.0,
    range=(0.0, 6.0), keras_range=(0.0, 6.1), channel_peaks=(4.0, 6.1, 3.0), lost_channels=(), histogram=(1,),
    bins=(0.0, 6.1),
)  # fmt: skip


def figures(**changed: Any) -> LayerFigures:
    return dataclasses.replace(HEALTHY, **changed)


def test_a_layer_is_as_precise_as_its_channels_but_the_classes_are_none() -> None:
    assert precision(HEALTHY) == 35 and precision(figures(name=PROBABILITIES)) == 40


def test_one_value_in_a_hundred_at_the_end_of_the_range_is_chance() -> None:
    assert not is_saturated(figures(saturated=0.01)) and is_saturated(figures(saturated=0.011))


def test_a_channel_dwarfs_the_others_if_an_eighth_of_a_byte_is_left_of_them() -> None:
    # The median of those that are not dead is 2: thirty times as much is not yet too much.
    assert dwarfing_channel(figures(channel_peaks=(2.0, 60.0, 1.0, 0.0, 3.0, 2.0))) == ""
    found = dwarfing_channel(figures(channel_peaks=(2.0, 61.0, 1.0, 0.0, 3.0, 2.0)))
    assert found == "channel 1 reaches 61, the others 2 in the median"
    assert dwarfing_channel(figures(channel_peaks=(0.0, 0.0))) == ""


@pytest.mark.parametrize(
    ("changed", "cause", "words"),
    [
        ({"gain": 1.6}, "weights", "its values are 1.6 times Keras': its weights are others"),
        ({"gain": 0.5}, "weights", "its values are 0.5 times Keras'"),
        ({"saturated": 0.2}, "saturated", "20.0% of its values are at the end of its range of 0 to 6, in Keras they"),
        ({"error_steps": 5.0}, "weights", "off by 5 steps of its tensor, more than rounding explains"),
        ({"channel_peaks": (1.0, 1.0, 99.0)}, "dwarfed", "channel 2 reaches 99, the others 1 in the median: one range"),
        ({"lost_channels": (3, 7)}, "dead", "channels 3, 7 vary in Keras and are constant here"),
        ({"cosine": 0.4}, "weights", "its values have nothing to do with Keras'"),
        ({"gain": 1.6, "cosine": 0.8}, "noise", "its range of 0 to 6 is too coarse for values from 0 to 6.1"),
        ({"name": PROBABILITIES, "saturated": 0.2}, "noise", "too coarse"),
    ],
)
def test_each_figure_speaks_for_a_cause(changed: dict[str, Any], cause: str, words: str) -> None:
    found = cause_of(figures(**changed), "int8", False, ())
    assert found[0] == cause and words in found[1]


def test_where_the_weights_are_right_the_layer_computes_otherwise() -> None:
    cause, words = cause_of(figures(gain=2.0), "int8", True, ())
    assert cause == "conversion" and "though the file's weights are Keras': the layer computes otherwise" in words


def test_a_range_that_is_not_the_calibrations_was_changed_afterwards() -> None:
    saturated = figures(saturated=0.2)
    cause, words = cause_of(saturated, "int8", False, (LayerRange("conv", 0.0, 9.0, 1.0, 2.0),))
    assert cause == "conversion" and "it was made for 0 to 9: the range was changed afterwards" in words
    for seen in (
        LayerRange("conv", 0.0, 6.5, 1.0, 2.0),
        LayerRange("other", 0.0, 9.0, 1.0, 2.0),
    ):  # a tenth may be cut off
        assert cause_of(saturated, "int8", False, (seen,))[0] == "saturated"


def test_coarse_weights_are_blamed_on_the_first_channel_that_dwarfs_the_others() -> None:
    first = figures(name="first", channel_peaks=(1.0, 1.0, 99.0))
    layer, cause, words = cause_of_coarse_weights([first, figures(name="last")], "int8")
    assert (layer.name, cause) == ("first", "dwarfed") and words.endswith("scale that channel down, or use --float16")
    layer, cause, words = cause_of_coarse_weights([HEALTHY, figures(name="last")], "dynamic")
    assert (layer.name, cause) == ("last", "noise") and "too coarse; use --float16" in words


def test_what_many_layers_lose_little_by_little_is_rounding_and_no_fault_of_one() -> None:
    # As in a ResNet50V2 whose weights and operators are right: its kernels agree, and its answers, too.
    decline = [figures(name=f"conv{place}", sqnr_db=36.0 - 2 * place) for place in range(12)]
    last = figures(name="conv12", sqnr_db=11.9, error_steps=9.0, cosine=0.97)
    assert cause_of(last, "int8", True, (), decline) == (
        "noise", "the roundings of 13 layers add up, conv0 has 35.0 dB; use --int16x8 or --float16",
    )  # fmt: skip
    sudden = cause_of(last, "int8", True, (), decline[:4])  # 30 dB in the layer before
    assert sudden[0] == "conversion" and "off by 9 steps of its tensor, more than rounding explains" in sudden[1]
    assert cause_of(figures(gain=0.5), "int8", False, (), [HEALTHY])[0] == "weights"  # figures that no rounding makes


@pytest.mark.parametrize(
    ("scheme", "of_values", "of_weights"),
    [
        ("int8", "; use --int16x8 or --float16", "; use --float16"),
        ("mixed", "; use --int16x8 or --float16", "; use --float16"),
        ("dynamic", "; use --float16", "; use --float16"),
        ("int16x8", "; use --float16", "; use --float16"),
        ("float16", "; use --float32", "; use --float32"),
    ],
)
def test_no_scheme_is_advised_in_its_own_place(scheme: str, of_values: str, of_weights: str) -> None:
    for changed in ({"cosine": 0.8}, {"lost_channels": (3,)}):
        assert cause_of(figures(**changed), scheme, False, ())[1].endswith(of_values)
    dwarfed = figures(channel_peaks=(1.0, 1.0, 99.0))
    assert cause_of(dwarfed, scheme, False, ())[1].endswith(of_values.replace("; ", "scale that channel down, or "))
    assert cause_of_coarse_weights([HEALTHY], scheme)[2].endswith(of_weights)
