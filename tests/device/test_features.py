"""Feature maps: R8 and R9 of the reference."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.device import Classifier, FeatureExtractor
from edgecnn.device.pictures.feature_maps import (
    Picture,
    draw_contact_sheet,
    draw_filter,
    make_filter_figure,
    make_sheet_figure,
    tile_maps,
)
from edgecnn.pixels.dataset import Dataset


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    return FeatureExtractor("fashion-mnist.activations")


@pytest.fixture(scope="module")
def pictures(extractor: FeatureExtractor, fashion: Dataset) -> list[Picture]:
    made = {i: extractor.extract(fashion.test.images[i]) for i in (9, 22, 45)}
    return [Picture(str(i), fashion.test.images[i], one.maps, one.probabilities) for i, one in made.items()]


SHAPES = {
    "conv2d": (26, 26, 64),
    "max_pooling2d": (13, 13, 64),
    "conv2d_1": (11, 11, 64),
    "max_pooling2d_1": (5, 5, 64),
}


def test_every_convolution_and_pooling_layer_has_its_map(extractor: FeatureExtractor, fashion: Dataset) -> None:
    maps = extractor.extract(fashion.test.images[9]).maps
    assert {name: values.shape for name, values in maps.items()} == SHAPES
    assert list(maps) == list(SHAPES) and all(values.dtype == np.float32 for values in maps.values())
    assert [(layer.name, layer.layer) for layer in extractor.layers][:2] == [
        ("conv2d", "Conv2D"),
        ("max_pooling2d", "MaxPooling2D"),
    ]


def test_pooled_maps_are_the_maxima_of_the_convolutions(extractor: FeatureExtractor, fashion: Dataset) -> None:
    maps = extractor.extract(fashion.test.images[22]).maps
    for convolution, pooling in (("conv2d", "max_pooling2d"), ("conv2d_1", "max_pooling2d_1")):
        height, width, channels = maps[pooling].shape
        blocks = maps[convolution][: 2 * height, : 2 * width].reshape(height, 2, width, 2, channels)
        np.testing.assert_array_equal(maps[pooling], blocks.max(axis=(1, 3)))


def test_maps_are_rectified(extractor: FeatureExtractor, fashion: Dataset) -> None:
    least = {name: values.min() for name, values in extractor.extract(fashion.test.images[45]).maps.items()}
    assert least == dict.fromkeys(SHAPES, 0)


def test_probabilities_are_the_classifiers(extractor: FeatureExtractor, fashion: Dataset) -> None:
    for image in fashion.test.images[:20]:
        np.testing.assert_array_equal(
            extractor.extract(image).probabilities, Classifier("fashion-mnist").probabilities(image)
        )


def test_mosaic_puts_filters_row_by_row_with_a_gap() -> None:
    values = np.arange(2 * 3 * 5, dtype=np.float32).reshape(2, 3, 5)
    tiles = tile_maps(values)
    assert tiles.shape == (2 * 3 - 1, 3 * 4 - 1)
    np.testing.assert_array_equal(tiles[0:2, 4:7], values[:, :, 1])
    np.testing.assert_array_equal(tiles[3:5, 0:3], values[:, :, 3])
    assert np.isnan(tiles[2]).all() and np.isnan(tiles[:, 3]).all() and np.isnan(tiles[3:, 8:]).all()


@pytest.mark.parametrize("channel", [2, 30])
def test_figure_has_images_as_rows_layers_as_columns_and_the_filter_that_was_asked_for(
    pictures: list[Picture], channel: int
) -> None:
    axes = make_filter_figure(pictures, channel).axes
    assert len(axes) == 3 * 4
    for position, panel in enumerate(axes):
        picture, layer = pictures[position // 4], list(SHAPES)[position % 4]
        (image,) = panel.get_images()
        np.testing.assert_array_equal(image.get_array(), picture.maps[layer][:, :, channel])
        assert image.get_cmap().name == "inferno"
        assert not len(panel.get_xticks()) and not len(panel.get_yticks())  # positions in a map say nothing
    assert [panel.get_title() for panel in axes[:4]] == list(SHAPES)
    assert [panel.get_ylabel() for panel in axes[::4]] == ["9", "22", "45"]


def test_input_is_shown_in_a_first_column_on_request(pictures: list[Picture]) -> None:
    axes = make_filter_figure(pictures, 0, show_input=True).axes
    assert len(axes) == 3 * 5 and not len(axes[5].get_xticks())
    np.testing.assert_array_equal(axes[5].get_images()[0].get_array(), pictures[1].pixels[:, :, 0])


def test_figure_is_the_same_every_time(pictures: list[Picture], tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw_filter(pictures, 2, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_contact_sheet_shows_all_filters_of_all_layers(pictures: list[Picture], tmp_path: Path) -> None:
    panels = make_sheet_figure(pictures[0].maps, panel_inches=6).axes
    assert len(panels) == len(SHAPES)
    for panel, (layer, values) in zip(panels, pictures[0].maps.items(), strict=True):
        (shown,) = panel.get_images()
        np.testing.assert_array_equal(np.ma.filled(np.ma.asarray(shown.get_array()), np.nan), tile_maps(values))
        assert panel.get_title() == f"{layer}: {values.shape[2]} filters, {values.shape[0]} x {values.shape[1]}"
    draw_contact_sheet(pictures[0], tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width > 1000 and image.height > 1000
