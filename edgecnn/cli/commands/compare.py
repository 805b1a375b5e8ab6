"""edgecnn compare."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import evaluated_model, options, printing
from ..named_data import require_named_data
from ..output_path import OutputPath

if TYPE_CHECKING:
    from edgecnn.convert import KerasModel
    from edgecnn.convert.comparison.two_models import ModelAnswers, TwoModels
    from edgecnn.device import Classifier
    from edgecnn.pixels.dataset import Dataset


@click.command(name="compare")
@click.argument("first", metavar="FIRST", type=click.Path())
@click.argument("second", metavar="SECOND", type=click.Path())
@click.option(
    "--html", type=OutputPath(dir_okay=False), metavar="FILE", help="Write a page that shows where they differ."
)
@click.option("--fail-if-worse", is_flag=True, help="Exit code 1 if SECOND is surely worse than FIRST.")
@options.data
@options.data_dir
@options.force
@options.as_json
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    /,
    first: str,
    second: str,
    html: str | None,
    fail_if_worse: bool,
    data: str | None,
    data_dir: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Say which of two models is better on the same test images, or that these cannot tell.

    FIRST and SECOND are run directories, .keras or .tflite files, or bundled names. Classes are matched by name, and
    images prepared as each model needs them.

    Example: edgecnn compare runs/shoes runs/shoes-2 --html shoes.html
    """
    import contextlib

    from edgecnn.atomic_files import claimed, write_bytes
    from edgecnn.convert.comparison.two_models import to_dict

    with claimed([html], force) if html else contextlib.nullcontext(), printing.each_once():
        two = _compare(first, second, data, data_dir)
        if html:
            from edgecnn.convert.comparison.two_models_page import to_html

            write_bytes(html, to_html(two).encode())
    if as_json:
        printing.print_json(to_dict(two))
    else:
        _print(two, html)
    if fail_if_worse and two.paired.better == 0:
        printing.note(f"Error: {second} is worse than {first} (--fail-if-worse)")
        ctx.exit(1)


def _compare(first: str, second: str, data: str | None, data_dir: str | None) -> "TwoModels":
    from edgecnn.convert.comparison.two_models import TwoModels
    from edgecnn.errors import ModelFileError

    paths = [_file_of(first), _file_of(second)]
    runners = [evaluated_model.open_model(path) for path in paths]
    evaluated_model.require_common_classes(first, second, runners)
    for runner, name in zip(runners, (first, second), strict=True):
        require_named_data(data, runner.card, name)
    datasets = [options.load_dataset(data_dir, data, runners[0].input)]
    same_input = runners[0].input == runners[1].input
    datasets.append(datasets[0] if same_input else options.load_dataset(data_dir, data, runners[1].input))
    facts = [(dataset.test.names, dataset.test.labels.tolist()) for dataset in datasets]
    if facts[0] != facts[1]:
        raise ModelFileError(
            f"{first} and {second} take different images of {datasets[0].source}: some cannot be read for one of them; "
            "remove those that do not read"
        )
    printing.note(f"comparing on {len(datasets[0].test):,} test images from {datasets[0].source}")
    asked = [_ask(*parts) for parts in zip((first, second), paths, runners, datasets, strict=True)]
    return TwoModels(asked[0], asked[1], datasets[0])


def _ask(name: str, path: str, runner: "KerasModel | Classifier", dataset: "Dataset") -> "ModelAnswers":
    from edgecnn.convert.comparison.two_models import ModelAnswers
    from edgecnn.model_file.bundled import find_model

    fitted = evaluated_model.fit_dataset(runner, name, dataset)
    training = runner.card.training if runner.card else None
    if training and training.dataset_sha256 != dataset.sha256:
        printing.note(
            f"warning: {name} was trained on other data ({training.dataset}): its accuracy here may be unfairly low, "
            "or flattered if some of these test images are among its training images"
        )
    size = Path(find_model(path)).stat().st_size
    # Of a file that has no names, they are the data set's.
    return ModelAnswers(name, size, fitted.labels, runner.predict_all(fitted.test.images), fitted.test.labels)


def _file_of(model: str) -> str:
    """The file of a run directory; any other name as it is.

    Raises:
        ModelFileError: no such run directory, file or bundled model.
    """
    from edgecnn.errors import ModelFileError
    from edgecnn.model_file.bundled import bundled_models, find_model
    from edgecnn.run_directory import RunDirectory

    if not find_model(model).exists():
        raise ModelFileError(
            f"no run directory or model file {model}, and no bundled model of that name; edgecnn train makes a run "
            f"directory; bundled: {', '.join(bundled_models())}"
        )
    return str(RunDirectory.of(model).require().model) if find_model(model).is_dir() else model


def _print(two: "TwoModels", html: str | None) -> None:
    from edgecnn.wilson import wilson_interval

    rows = []
    for one in (two.first, two.second):
        right = int(one.right.sum())
        low, high = wilson_interval(right, len(one.right))
        interval = f"{100 * low:.2f} to {100 * high:.2f}"
        share = printing.percent(right / len(one.right))
        rows.append((one.model, f"{right:,}", share, interval, f"{one.size_bytes / 1024:,.0f} KiB"))
    click.echo(printing.table(("model", "right", "accuracy", "95 % interval", "size"), rows))
    paired = two.paired
    printing.say(
        f"both right {paired.both:,}, only the first {paired.only_first:,}, only the second {paired.only_second:,}, "
        f"neither {paired.neither:,}"
    )
    printing.say(two.words)
    if html:
        printing.say(f"wrote {html}")
