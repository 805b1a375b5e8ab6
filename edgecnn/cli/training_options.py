"""The options of `edgecnn train`, and what they are bundled to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from edgecnn.pixels.input_spec import Fit

from . import options
from .bundle import bundled

if TYPE_CHECKING:
    from edgecnn.pixels.input_spec import Colour


@dataclass(frozen=True)
class DataOptions:
    """Which images to train on, and what they become."""

    data: str | None
    data_dir: str | None
    train_images: int | None
    image_size: tuple[int, int] | None
    color: "Colour | None"
    fit: Fit | None
    max_corrupt: int


@dataclass(frozen=True)
class RecipeOptions:
    """What is to be other than in the recipe: fields of `edgecnn.train.Recipe`."""

    epochs: int | None
    augment: tuple[str, ...]
    dropout: float | None
    l2: float | None
    label_smoothing: float | None
    validation_split: float | None
    early_stopping: int | None
    stop_at_accuracy: float | None

    def changes(self, order: Iterable[str]) -> dict[str, Any]:
        """Those that were given, in this order: the card names them so."""
        values = {name: getattr(self, name) for name in order if hasattr(self, name)}
        return {name: value for name, value in values.items() if value not in (None, ())}


@dataclass(frozen=True)
class RequestOptions:
    """Fields of `edgecnn.train.request.TrainingRequest` that an option sets as they are."""

    architecture: str
    weights: str | None
    freeze: "int | Literal['all'] | None"
    teacher: str | None
    seed: int
    class_weights: bool
    other: str | None
    devices: bool
    distributed: bool
    resume: bool
    force: bool


def layers(_: click.Context, __: click.Parameter, value: str | None) -> "int | Literal['all'] | None":
    """What --freeze says: a number of layers, or all."""
    if value is None or value == "all":
        return "all" if value else None
    if not (value.isascii() and value.isdigit() and len(value) < 7):
        raise click.BadParameter(f"{value:.60} is neither a number of layers nor all")
    return int(value)


def _share(option: str, text: str) -> Callable[..., Any]:
    """An option that takes a share below 1."""
    return click.option(option, type=click.FloatRange(0, 1, max_open=True), callback=options.a_number, help=text)


_NETWORK = (
    click.option(
        "--architecture",
        default="reference",
        show_default=True,
        help="reference, compact, residual; a pretrained backbone, such as mobilenet_v2, mobilenet_v3_small, "
        "efficientnet_v2_b0 or resnet50_v2; or FILE.py:function that builds a Keras model.",
    ),
    click.option(
        "--width",
        type=click.FloatRange(0, 4, min_open=True),
        callback=options.a_number,
        metavar="FACTOR",
        help="Factor of a MobileNet's channels, such as 0.5.  [default: 1]",
    ),
    click.option(
        "--weights",
        metavar="imagenet|none|FILE",
        help="What all layers but the last start from; Keras downloads ImageNet's.  [default: imagenet for a "
        "backbone, else none]",
    ),
    click.option(
        "--recipe",
        type=click.Choice(["fast", "best", "notebook", "transfer"]),
        help="fast: a few epochs; best: many, for use with --teacher; notebook: the tutorial's own training; transfer: "
        "the last layer first, then the upper ones gently.  [default: transfer with pretrained weights, else fast]",
    ),
    click.option(
        "--freeze",
        metavar="N|all",
        callback=layers,
        help="With transfer: the first N layers keep their weights, or all but the last.  [default: two thirds]",
    ),
    click.option(
        "--teacher",
        metavar="FILE.keras|ARCHITECTURE",
        help="Distil from a larger network; an architecture is trained first.",
    ),
)
_REMEDIES = (  # against overfitting: each replaces a field of the recipe that is called the same
    click.option(
        "--stop-at-accuracy",
        type=click.FloatRange(0, 1, min_open=True),
        callback=options.a_number,
        help="End after the first epoch whose training accuracy reaches this, such as 0.98.",
    ),
    click.option(
        "--early-stopping",
        type=click.IntRange(1),
        metavar="EPOCHS",
        help="End when validation accuracy has not risen for so many epochs; needs --validation-split.",
    ),
    _share("--validation-split", "Share of training images held back to choose the epoch."),
    _share("--label-smoothing", "Share of the target spread over all classes."),
    click.option(
        "--l2",
        type=click.FloatRange(0),
        callback=options.a_number,
        help="Factor of the squared kernels added to the loss.",
    ),
    _share("--dropout", "Share of inputs dropped before every dense layer."),
    click.option(
        "--augment",
        multiple=True,
        type=click.Choice(["flip", "shift", "rotate", "zoom", "erase"]),
        help="Change training images at random; may be repeated.",
    ),
)
_RUN = (
    click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        show_default=True,
        help="Seed of weights, shuffling and dropout.",
    ),
    click.option("--epochs", type=click.IntRange(1), help="Epochs, instead of the recipe's number."),
    click.option(
        "--train-images",
        type=click.IntRange(10),
        help="Train on N images only, of every class as many, for a quick try.",
    ),
    click.option("--class-weights", is_flag=True, help="Give rare classes the same say as frequent ones."),
    options.other,
    click.option("--devices", is_flag=True, help="Train on all accelerators of this computer, with JAX."),
    click.option(
        "--distributed", is_flag=True, help="Train in all processes of a job, with JAX; start each like this."
    ),
    click.option("--tensorboard", is_flag=True, help="Write each epoch's figures for TensorBoard too."),
    click.option("--resume", is_flag=True, help="Go on after the last finished epoch, with the options as they were."),
    click.option("--dry-run", is_flag=True, help="Take three steps, print what all will take, and write nothing."),
)
_DATA = (
    options.data,
    click.option(
        "--image-size",
        metavar="N|HEIGHTxWIDTH",
        callback=options.size,
        help="Size of the network's input, with --data.  [default: the backbone's; 64 for a folder, else the images']",
    ),
    click.option(
        "--color",
        type=click.Choice(["rgb", "grayscale"]),
        help="Colours of the network's input, with --data.  [default: rgb for a folder and a backbone, else those of "
        "the images]",
    ),
    click.option(
        "--fit",
        type=click.Choice(get_args(Fit)),
        help="How other aspect ratios are made to fit, with --data.  [default: crop for a folder, else pad]",
    ),
    click.option(
        "--max-corrupt",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Unreadable files of --data to leave out.",
    ),
    options.data_dir,
)


def training(command: Callable[..., Any]) -> Callable[..., Any]:
    """All of them; the command takes most as `data`, `changes` and `run`, the others by their own names."""
    command = bundled(DataOptions, "data")(command)
    command = bundled(RecipeOptions, "changes")(command)
    command = bundled(RequestOptions, "run")(command)
    for option in reversed((*_NETWORK, *_REMEDIES, *_RUN, *_DATA, options.force)):
        command = option(command)
    return command
