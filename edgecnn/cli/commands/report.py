"""edgecnn report."""

from typing import TYPE_CHECKING

import click

from .. import import_options, options, printing
from ..output_path import OutputPath

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="report")
@click.argument("run", type=click.Path())
@click.option("--output", "-o", type=OutputPath(dir_okay=False), help="File of the report.  [default: RUN/report.html]")
@import_options.custom_objects
@import_options.trust
@options.data
@options.data_dir
@options.force
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    /,
    run: str,
    output: str | None,
    custom_objects: str | None,
    trust: bool,
    data: str | None,
    data_dir: str | None,
    force: bool,
) -> None:
    """Write the report of a training anew, from RUN and the data that it was trained on.

    edgecnn train writes one, too. This one looks at every training image, of which that one looks at 10,000 at most.

    Example: edgecnn report runs/shoes --force
    """
    from pathlib import Path

    from edgecnn.atomic_files import being_read, claimed
    from edgecnn.run_directory import RunDirectory

    folder = RunDirectory.of(run).require()
    path = Path(output) if output else folder.report
    ctx.with_resource(import_options.code(custom_objects, trust).scope())
    with being_read([folder.model]), claimed([path], force):
        _write(folder.path, path, data, data_dir)
    printing.say(f"wrote {path}")


def _write(run: "Path", path: "Path", data: str | None, data_dir: str | None) -> None:
    import dataclasses
    import functools

    from edgecnn.convert import KerasModel
    from edgecnn.errors import ModelFileError
    from edgecnn.metrics import evaluate_probabilities
    from edgecnn.optional_packages import require_matplotlib
    from edgecnn.run_directory import RunDirectory
    from edgecnn.train.report.answers import answer, answer_rest, measure_fit
    from edgecnn.train.report.page import write_training_report
    from edgecnn.train.run_report import read_run
    from edgecnn.validation_images import held_share_of

    require_matplotlib("a report")
    folder = RunDirectory(run)
    training = folder.read_card().training
    if training is None:
        raise ModelFileError(f"{run} was trained elsewhere: nothing is known of its training to report")
    report = read_run(folder)
    dataset = options.load_images(run, None, data, data_dir)
    folder.read_card(dataset)
    if 0 < training.train_images < len(dataset.train):  # as --train-images draws them
        dataset = dataclasses.replace(dataset, train=dataset.train.sample(training.train_images))
    model = KerasModel(folder.model)
    images = sum(len(split) for split in (dataset.train, dataset.validation, dataset.test) if split)
    printing.note(f"asking {folder.model} about {images:,} images")
    predict = functools.partial(model.predict_all, calibrated=False)  # as the training asked: the page scales scores
    test = answer("test", dataset.test, predict)
    # Asked again, not taken from metrics.json: figures and pictures are of one run of the network.
    share = held_share_of(training.recipe)
    rest = answer_rest(dataset, predict, held_share=share, seed=training.seed)
    answers = [test, *rest]
    report = dataclasses.replace(
        report,
        evaluation=evaluate_probabilities(test.probabilities, dataset.test.labels),
        fit=measure_fit(answers),
    )
    write_training_report(path, report, dataset, answers)
