"""Options of a Keras model that was trained elsewhere, and the run directory that is made of it."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from edgecnn.arguments import with_name
from edgecnn.pixels.input_spec import Background, Fit, JpegDecoding, ResizeFilter
from edgecnn.pixels.training_loaders import LOADERS

from . import bundle, options, pixel_numbers, printing
from .given import first_given

if TYPE_CHECKING:
    from edgecnn.convert import CustomCode, Preprocessing
    from edgecnn.convert.network.preprocessing import ChannelOrder

_NEED_LABELS = (
    "trained_with", "input_range", "scale", "offset", "image_size", "fit", "resize_filter", "background",
    "channel_order", "jpeg_decoding",
)  # fmt: skip


@dataclass(frozen=True)
class ImportOptions:
    """What the options say of a model that was trained elsewhere.

    Attributes:
        labels: the file with its class names; None for a run of edgecnn's own.
        trained_with: what prepared its images, one of `LOADERS`, or None; the options that follow go before it.
        input_range: what pixels 0 and 255 become, or None.
        scale: its input is pixel * scale + offset; one number, or one a channel, or None.
        offset: likewise.
        image_size: height and width, for a model that takes any; else None.
        fit: how images of another aspect ratio were made to fit; None for what the model or `trained_with` say.
        resize_filter: Pillow's, likewise.
        background: what lies behind the object.
        channel_order: in which its input has red, green and blue.
        jpeg_decoding: how large JPEG files are decoded.
        custom_objects: a Python file with its own classes and functions, or None.
        trust: whether code that lies in it may run.
    """

    labels: str | None
    trained_with: str | None
    input_range: tuple[float, float] | None
    scale: tuple[float, ...] | None
    offset: tuple[float, ...] | None
    image_size: tuple[int, int] | None
    fit: Fit | None
    resize_filter: ResizeFilter | None
    background: Background
    channel_order: "ChannelOrder"
    jpeg_decoding: JpegDecoding
    custom_objects: str | None
    trust: bool

    def begin(self, ctx: click.Context, representative: str | None) -> None:
        """Refuse options that contradict each other; until the command ends, what they let run may run.

        Raises:
            click.UsageError: they do.
            InputError: the file of `custom_objects` is missing or fails.
        """
        self.check_usage(ctx, representative)
        ctx.with_resource(self.code().scope())

    def check_usage(self, ctx: click.Context, representative: str | None) -> None:
        """Refuse options that contradict each other.

        Raises:
            click.UsageError: they do.
        """
        if self.labels is None:
            if option := first_given(*_NEED_LABELS, context=ctx):
                raise click.UsageError(f"{option} is for models trained elsewhere, with --labels")
            return
        if representative is None:
            raise click.UsageError("--labels needs --representative, a folder of images like those the model will see")
        if self.input_range and (self.scale or self.offset):
            raise click.UsageError("--input-range says the same as --scale and --offset; give one of them")
        if self.offset and not self.scale:
            raise click.UsageError("--offset goes with --scale")

    def preprocessing(self) -> "Preprocessing":
        """How its images were prepared in training."""
        from edgecnn.convert import Preprocessing

        scale, offset, fit, resize_filter = self.scale, self.offset, self.fit, self.resize_filter
        if self.input_range:
            low, high = self.input_range
            scale, offset = ((high - low) / 255,), (low,)
        if self.trained_with:
            loader = LOADERS[self.trained_with]
            fit, resize_filter = fit or loader.fit, resize_filter or loader.resize_filter
            if scale is None and loader.scale:
                scale, offset = loader.scale, loader.offset
        return Preprocessing(
            scale=scale,
            offset=offset,
            fit=fit,
            resize_filter=resize_filter,
            background=self.background,
            image_size=self.image_size,
            channel_order=self.channel_order,
            jpeg_decoding=self.jpeg_decoding,
        )

    def code(self) -> "CustomCode":
        """What may run to read it."""
        return code(self.custom_objects, self.trust)


def code(custom_objects: str | None, trust: bool) -> "CustomCode":
    """What the two options let run."""
    from edgecnn.convert import CustomCode

    return CustomCode(Path(custom_objects) if custom_objects else None, trust)


custom_objects = click.option(
    "--custom-objects", type=click.Path(dir_okay=False), metavar="FILE.py",
    help="Run this Python file for classes and functions of the model that Keras does not bring.",
)  # fmt: skip
trust = click.option("--trust", is_flag=True, help="Run code that lies in the model: a Lambda layer's.")

# In reverse: click lists last what is added first.
_OPTIONS = (
    trust,
    custom_objects,
    click.option("--jpeg-decoding", type=click.Choice(get_args(JpegDecoding)), default="full", show_default=True,
                 help="How large JPEG files are decoded: in full, as in training, or no larger than the input needs."),
    click.option("--channel-order", type=click.Choice(["rgb", "bgr"]), default="rgb", show_default=True,
                 help="Order of its channels: bgr if OpenCV read its training images, and nothing turned them."),
    click.option("--background", type=click.Choice(get_args(Background)), default="any", show_default=True,
                 help="What lies behind the object in its training images."),
    click.option("--resize-filter", type=click.Choice(get_args(ResizeFilter)),
                 help="Pillow's filter that its training images were resized with.  [default: bilinear]"),
    click.option("--fit", type=click.Choice(get_args(Fit)),
                 help="How images of another aspect ratio were made to fit in its training.  [default: stretch]"),
    click.option("--image-size", metavar="N|HEIGHTxWIDTH", callback=options.size,
                 help="Size of its training images, if it takes any.  [default: that of a Resizing layer in it]"),
    click.option("--offset", callback=pixel_numbers.a_channel, metavar="B[,B,B]",
                 help="Added after --scale.  [default: 0]"),
    click.option("--scale", callback=pixel_numbers.a_channel, metavar="A[,A,A]",
                 help="The model's input is pixel * A + B."),
    click.option("--input-range", type=(float, float), metavar="LOW HIGH", callback=pixel_numbers.low_and_high,
                 help="What pixels 0 and 255 become.  [default: what its first layers say]"),
    click.option("--trained-with", type=click.Choice(list(LOADERS)),
                 help="What prepared its training images: range, fit and filter are those of that program."),
    click.option("--labels", type=click.Path(dir_okay=False), metavar="FILE",
                 help="Class names of a model trained elsewhere: lines in output order, numbered ones, JSON or CSV."),
)  # fmt: skip

bundled = bundle.bundled(ImportOptions, "foreign", _OPTIONS)


def folder(model: str) -> Path:
    """The run directory that is made of a model by default: its path without the suffix, which no folder has."""
    path = with_name(Path(model))  # a SavedModel in which, or below which, somebody may stand
    return path.with_suffix("") if path.suffix and not path.is_dir() else path.parent / f"{path.name}.run"


def import_model(model: str, options: ImportOptions, run: Path, representative: str | None, force: bool) -> None:
    """Make the run directory `run` of `model`, whose labels `options` name; see `edgecnn.convert.adopt`."""
    from edgecnn.convert import adopt, read_labels

    labels = read_labels(options.labels or "")
    if options.trained_with:
        printing.note(f"--trained-with {options.trained_with}: {LOADERS[options.trained_with].summary}")
    adopt(model, labels, run, options.preprocessing(), code=options.code(), force=force, progress=printing.note)
    again = ["edgecnn", "convert", str(run), "--representative", str(representative)]
    again += ["--custom-objects", options.custom_objects] if options.custom_objects else []
    again += ["--trust"] if options.trust else []
    printing.note(f"{run} is a run directory now: {shlex.join(again)} goes on there")
