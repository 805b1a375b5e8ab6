"""Each backbone is one row: what it wants of images is what keras.applications itself makes of them."""

import dataclasses

import keras
import numpy as np
import pytest

from edgecnn import InputError
from edgecnn.pixels.input_table import apply_table, input_table
from edgecnn.train import InputChoice, input_for
from edgecnn.train.backbones import BACKBONES, NamedBackbone, find_backbone, require_input, with_width
from edgecnn.train.starting_weights import pretrained_weights

PIXELS = np.random.default_rng(0).integers(0, 256, (1, 4, 5, 3), dtype=np.uint8)
# Their preprocessing is in layers of the network, which edgecnn leaves out; test_pretrained.py compares with those.
IN_LAYERS = {name for name in BACKBONES if name.startswith(("mobilenet_v3", "efficientnet"))}
MODULES = {"resnet50_v2": "resnet_v2", "resnet101_v2": "resnet_v2", "densenet121": "densenet"}


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_every_row_names_a_network_of_keras(name: str) -> None:
    assert callable(getattr(keras.applications, BACKBONES[name].builder))


@pytest.mark.parametrize("name", sorted(set(BACKBONES) - IN_LAYERS))
def test_the_input_is_what_keras_makes_of_pixels(name: str) -> None:
    module = getattr(keras.applications, MODULES.get(name, name))
    spec = InputChoice(architecture=name).spec(4, 5, "rgb", "crop")
    expected = module.preprocess_input(PIXELS.astype(np.float32))
    np.testing.assert_allclose(apply_table(input_table(spec), PIXELS), expected, atol=1e-5)


def test_images_become_the_backbones_size_range_and_filter_unless_another_size_is_chosen() -> None:
    spec = InputChoice(architecture="efficientnet_v2_b0").spec(28, 28, "grayscale", "pad")
    assert (spec.shape, spec.colour, spec.fit, spec.resize_filter) == ((224, 224, 3), "rgb", "pad", "bicubic")
    assert InputChoice((96, 64), architecture="mobilenet_v2-0.5").spec(1, 1, "rgb", "crop").shape == (96, 64, 3)
    assert InputChoice((96, 64)).spec(1, 1, "rgb", "crop") == input_for(96, 64, "rgb", "crop")


def test_a_width_is_part_of_the_name() -> None:
    assert with_width("mobilenet_v2", 0.35) == "mobilenet_v2-0.35"
    assert find_backbone("mobilenet_v2-0.35") == NamedBackbone(BACKBONES["mobilenet_v2"], 0.35)
    assert (
        find_backbone("mobilenet_v2") == NamedBackbone(BACKBONES["mobilenet_v2"]) and find_backbone("compact") is None
    )


def test_backbones_start_from_imagenet_and_other_networks_from_nothing() -> None:
    assert pretrained_weights("resnet50_v2", None) == "imagenet" and pretrained_weights("compact", None) is None
    assert pretrained_weights("resnet50_v2", "none") is None and pretrained_weights("compact", "w.h5") == "w.h5"


@pytest.mark.parametrize(
    ("architecture", "width", "weights", "message"),
    [
        ("compact", 0.5, None, "compact has no widths; choose one of mobilenet, "),
        ("mobilenet_v2-0.5", 0.35, None, "mobilenet_v2-0.5 says its width already; leave out the width 0.35"),
        ("resnet50_v2", 0.5, None, "resnet50_v2 has one width only"),
        ("mobilenet_v2", 9.0, None, "must be a number above 0 and at most 4"),
        ("mobilenet_v2-wide", None, None, "Received: wide"),
        ("mobilenet_v2", 0.4, None, "widths 0.35, 0.5, .* Received: 0.4; choose one of them, or weights none"),
        ("compact", None, "imagenet", "compact has no ImageNet weights; give a file"),
    ],
)
def test_what_there_is_not_is_refused(
    architecture: str, width: float | None, weights: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        pretrained_weights(with_width(architecture, width), weights)


def test_images_that_a_backbone_cannot_take_are_refused() -> None:
    spec = InputChoice((32, 40), architecture="mobilenet_v2").spec(1, 1, "rgb", "crop")
    require_input("mobilenet_v2", "imagenet", spec, "mine")
    require_input("compact", None, input_for(8, 8, "grayscale", "pad"), "mine")
    gray = input_for(96, 96, "grayscale", "crop")
    for wrong in (dataclasses.replace(spec, height=31), gray):
        with pytest.raises(InputError, match=r"takes rgb images of 32 x 32 pixels and more\. Received: .* from mine"):
            require_input("mobilenet_v2", None, wrong, "mine")
    with pytest.raises(InputError, match=r"know pixels as .*InputChoice\(architecture='mobilenet_v2'\)"):
        require_input("mobilenet_v2", "imagenet", input_for(96, 96, "rgb", "crop"), "mine")
    require_input("mobilenet_v2", None, input_for(96, 96, "rgb", "crop"), "mine")
    for choice in (
        InputChoice(colour="grayscale", architecture="mobilenet_v2"),
        InputChoice((31, 40), "rgb", "crop", "mobilenet_v2"),
    ):
        with pytest.raises(InputError, match="mobilenet_v2 takes rgb images"):  # before any is read
            choice.spec(1, 1, "rgb", "crop")
