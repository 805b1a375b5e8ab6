"""edgecnn explain."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgecnn.device.explaining.methods import DEFAULT, METHODS
from edgecnn.printable import printable

from .. import description_options, options, printing, source_options, wrong_usage
from ..delegate_options import audit
from ..output_path import OutputPath, short_stem
from ..runtime_options import RuntimeOptions, bundled, require_signature, trust

if TYPE_CHECKING:
    from edgecnn.device import Description, Explanation
    from edgecnn.device.explaining.explainer import Explainer
    from edgecnn.pixels.crop import Crop, CropBox
    from edgecnn.pixels.preprocessing import Invert


@click.command(name="explain")
@click.argument("model")
@click.argument("images", nargs=-1, required=True)
@click.option("--class", "label", metavar="LABEL", help="Explain this class.  [default: the most probable one]")
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    default=DEFAULT,
    show_default=True,
    help=f"{'; '.join(f'{name}: {row.summary}' for name, row in METHODS.items())}.",
)
@click.option(
    "--output", "-o", type=OutputPath(file_okay=False), default="explanations", show_default=True, help="Folder."
)
@click.option("--npz", is_flag=True, help="Write explanations.npz too: float32 heat maps (images, height, width).")
@source_options.crop(default="the whole")
@options.invert
@options.decode_threads
@description_options.bundled
@bundled
@audit
@trust
@require_signature
@options.force
@options.as_json
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str,
    images: tuple[str, ...],
    label: str | None,
    method: str,
    output: str,
    npz: bool,
    crop: "CropBox | None",
    square: bool | None,
    invert: "Invert",
    decode_threads: int | None,
    force: bool,
    as_json: bool,
    runtime_options: RuntimeOptions,
    description: "Description | None",
) -> None:
    """Show which pixels of IMAGES speak for a class, and how far that explanation is to be trusted.

    MODEL is a .tflite file or a bundled model's name; cam needs an activations variant (*.activations.tflite). Writes a
    picture for each image. Insertion and deletion say how well the explanation orders the pixels, beside their mere
    brightness and an order by chance.

    Example: edgecnn explain fashion-mnist photos/ --class Shirt
    """
    from edgecnn.atomic_files import claimed
    from edgecnn.optional_packages import require_matplotlib

    region = source_options.chosen_crop(crop, square, otherwise=False)
    require_matplotlib("edgecnn explain")
    explainer = _open_explainer(model, method, label, runtime_options, description)
    arrays = [Path(output, "explanations.npz")] * npz
    done: list[tuple[str, Path, Explanation]] = []
    failed = False
    with claimed(arrays, force):
        for title, pixels in _prepared(explainer, images, invert, region, decode_threads):
            if pixels is None:
                failed = True
                continue
            path = Path(output, f"explanation-{len(done) + 1}-{short_stem(title)}.png")
            with claimed([path], force):
                explanation = explainer.explain_pixels(pixels, label, printing.note)
                _draw(explanation, path, title)
            done.append((title, path, explanation))
            if not as_json:
                for line in (path, *explanation.caption.splitlines()):
                    printing.say(line)
        arrays = arrays if done else []
        for path in arrays:
            _write_npz(done, path)
            if not as_json:
                printing.say(path)
    if as_json:
        files = [str(path) for path in (*(path for _, path, _ in done), *arrays)]
        printing.print_json({"files": files, "explanations": [_row(*one) for one in done]})
    ctx.exit(1 if failed else 0)


def _open_explainer(
    model: str, method: str, label: str | None, runtime_options: RuntimeOptions, description: "Description | None"
) -> "Explainer":
    """A model with a method, once it is certain that it has the class."""
    from edgecnn.device.explaining.explainer import Explainer
    from edgecnn.device.runtime.audit import open_audit
    from edgecnn.device.runtime.loading import open_model

    run = runtime_options.run_options(description)
    loaded = open_model(model, run)
    explainer = Explainer(loaded, method, open_audit(loaded, run))
    if label is not None:
        with wrong_usage.bad_value("--class"):
            explainer.index_of(label)
    runtime_options.report(model, run)
    return explainer


def _prepared(
    explainer: "Explainer", names: tuple[str, ...], invert: "Invert", crop: "Crop | None", decode_threads: int | None
) -> "Iterator[tuple[str, Any]]":
    """Title and pixels of each image; None for one that cannot be used, which is said."""
    from edgecnn.device.bulk.prefetch import prepared_images
    from edgecnn.device.bulk.sources import ImageFiles
    from edgecnn.errors import InputError

    files = ImageFiles(names, printing.note)
    ready = prepared_images(
        files, explainer.input, invert, crop=crop, note=printing.note, decode_threads=decode_threads
    )
    for name, prepared in ready:
        title = printable(Path(name).name)
        if isinstance(prepared, InputError):
            printing.note(f"Error: {prepared}")
            yield title, None
        else:
            yield title, prepared.pixels


def _draw(explanation: "Explanation", path: Path, title: str) -> None:
    from edgecnn.device.pictures.explanation import draw_explanation

    shown = explanation.pixels, explanation.heat_map, explanation.unit, explanation.caption
    draw_explanation(*shown, path=path, title=title)


def _row(title: str, path: Path, explanation: "Explanation") -> dict[str, Any]:
    """An explanation for programs."""
    return {
        "image": title,
        "file": str(path),
        "method": explanation.method,
        "target": {"label": explanation.target.label, "score": explanation.target.score},
        "predicted": {"label": explanation.predicted.label, "score": explanation.predicted.score},
        "scores": [
            {
                "ranking": score.ranking,
                "fill": score.fill,
                "insertion": score.insertion,
                "deletion": score.deletion,
            }
            for score in explanation.scores
        ],
        "doubts": list(explanation.doubts),
        "invokes": explanation.invokes,
        "seconds": explanation.seconds,
    }


def _write_npz(done: "list[tuple[str, Path, Explanation]]", path: Path) -> None:
    import io

    import numpy as np

    from edgecnn.atomic_files import write_bytes

    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        heat_maps=np.stack([explanation.heat_map for _, _, explanation in done]),
        labels=np.array([explanation.target.label for _, _, explanation in done]),
        images=np.array([title for title, _, _ in done]),
    )
    write_bytes(path, buffer.getvalue())
