"""Networks of keras.applications to start from: one row each. Keras is imported where they are built, not here."""

from dataclasses import dataclass

from edgecnn.errors import InputError
from edgecnn.pixels.input_spec import InputSpec, ResizeFilter

# Pixel values to what a network was trained on: -1 to 1, or the mean and deviation of ImageNet's channels.
_ONE = (1 / 127.5,) * 3, (-1.0,) * 3
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_STANDARD = tuple(1 / 255 / d for d in _DEVIATION), tuple(-m / d for m, d in zip(_MEAN, _DEVIATION, strict=True))


@dataclass(frozen=True)
class Backbone:
    """A network of keras.applications, which is built without its top and without its own preprocessing layers.

    Attributes:
        name: of the architecture, for people and cards.
        builder: the function in keras.applications.
        size: height and width of its input, unless another is chosen: what ImageNet's weights were trained on, but for
            the MobileNets: at 160 x 160 they cost half as much, and classify as well after a transfer.
        values: scale and offset of its input's three channels; they go into the card, where other builders of
            keras.applications have layers.
        resize_filter: what its training images were resized with.
        widths: those with ImageNet weights; empty if the network has one width only.
        smallest: least height and width.
    """

    name: str
    builder: str
    size: int
    values: tuple[tuple[float, ...], tuple[float, ...]]
    resize_filter: ResizeFilter = "bilinear"
    widths: tuple[float, ...] = ()
    smallest: int = 32


BACKBONES = {
    row.name: row
    for row in (
        Backbone("mobilenet", "MobileNet", 160, _ONE, widths=(0.25, 0.5, 0.75, 1.0)),
        Backbone("mobilenet_v2", "MobileNetV2", 160, _ONE, widths=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4)),
        Backbone("mobilenet_v3_small", "MobileNetV3Small", 160, _ONE, widths=(0.75, 1.0)),
        Backbone("mobilenet_v3_large", "MobileNetV3Large", 160, _ONE, widths=(0.75, 1.0)),
        Backbone("efficientnet_b0", "EfficientNetB0", 224, _STANDARD, "bicubic"),
        Backbone("efficientnet_b1", "EfficientNetB1", 240, _STANDARD, "bicubic"),
        Backbone("efficientnet_b2", "EfficientNetB2", 260, _STANDARD, "bicubic"),
        Backbone("efficientnet_v2_b0", "EfficientNetV2B0", 224, _STANDARD, "bicubic"),
        Backbone("efficientnet_v2_b1", "EfficientNetV2B1", 240, _STANDARD, "bicubic"),
        Backbone("efficientnet_v2_b2", "EfficientNetV2B2", 260, _STANDARD, "bicubic"),
        Backbone("resnet50_v2", "ResNet50V2", 224, _ONE),
        Backbone("resnet101_v2", "ResNet101V2", 224, _ONE),
        Backbone("densenet121", "DenseNet121", 224, _STANDARD),
        Backbone("xception", "Xception", 299, _ONE, smallest=71),
        Backbone("inception_v3", "InceptionV3", 299, _ONE, smallest=75),
    )
}


@dataclass(frozen=True)
class NamedBackbone:
    """What an architecture such as mobilenet_v2-0.35 names.

    Attributes:
        row: of `BACKBONES`.
        width: None where none is said.
    """

    row: Backbone
    width: float | None = None


def find_backbone(architecture: str) -> NamedBackbone | None:
    """The backbone that `architecture` names, such as mobilenet_v2 or mobilenet_v2-0.35.

    Returns:
        None for another network.

    Raises:
        InputError: a width that is no number above 0, or of a backbone that has one width only.
    """
    name, dash, text = architecture.partition("-")
    backbone = BACKBONES.get(name)
    if backbone is None or not dash:
        return NamedBackbone(backbone) if backbone else None
    if not backbone.widths:
        others = ", ".join(row.name for row in BACKBONES.values() if row.widths)
        raise InputError(f"{name} has one width only; leave it out, or choose one of {others}")
    try:
        width = float(text)
    except ValueError:
        width = 0.0
    if not 0 < width <= 4:
        raise InputError(f"the width of {name} must be a number above 0 and at most 4, such as 0.5. Received: {text}")
    return NamedBackbone(backbone, width)


def with_width(architecture: str, width: float | None) -> str:
    """`architecture` of this width, by name.

    Raises:
        InputError: it is no backbone that comes in widths.
    """
    if width is None:
        return architecture
    if find_backbone(architecture) and architecture not in BACKBONES:
        raise InputError(f"{architecture} says its width already; leave out the width {width:g}")
    if architecture not in BACKBONES:
        others = ", ".join(row.name for row in BACKBONES.values() if row.widths)
        raise InputError(f"{architecture} has no widths; choose one of {others}")
    named = f"{architecture}-{width:g}"
    find_backbone(named)
    return named


def require_rgb(backbone: Backbone, spec: InputSpec, source: str = "") -> None:
    """Make sure that a backbone can take images so prepared; `source` says where they are from.

    Raises:
        InputError: they are gray or too small.
    """
    if spec.channels != 3 or min(spec.height, spec.width) < backbone.smallest:
        raise InputError(
            f"{backbone.name} takes rgb images of {backbone.smallest} x {backbone.smallest} pixels and more. Received: "
            f"{spec.height} x {spec.width} {spec.colour}{source}; give images of your own another size or colour, or "
            "choose another architecture"
        )


def require_input(architecture: str, weights: str | None, spec: InputSpec, dataset: str) -> None:
    """Make sure that a backbone gets images that it can take, and pretrained weights the values they know.

    Raises:
        InputError: gray or too small images, or values of another range.
    """
    found = find_backbone(architecture)
    if found is None:
        return
    backbone = found.row
    require_rgb(backbone, spec, f" from {dataset}")
    if weights and (spec.scale, spec.offset) != backbone.values:
        scale, offset = ([round(value, 6) for value in part] for part in backbone.values)
        raise InputError(
            f"the weights of {backbone.name} know pixels as pixel * {scale} + {offset}; load the data set with "
            f"InputChoice(architecture={architecture!r})"
        )
