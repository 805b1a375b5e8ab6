"""The model that a command evaluates, and the labelled images that it is evaluated on."""

from typing import TYPE_CHECKING

from . import description_options, printing
from .classifier import open_classifier
from .runtime_options import RuntimeOptions, refuse_for_keras

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecnn.convert import KerasModel
    from edgecnn.device import Classifier, Description
    from edgecnn.pixels.dataset import Dataset


def open_model(
    model: str, runtime_options: RuntimeOptions | None = None, description: "Description | None" = None
) -> "KerasModel | Classifier":
    """Load a .keras or .tflite file, or a bundled model by its name, as the options of the command say if it has any.

    Of a network whose training is going on or was killed, a note says so: its figures are not those that it will have.

    Raises:
        click.UsageError: options that do nothing for this kind of file.
    """
    runner = _open(model, runtime_options, description)
    training = runner.card.training if runner.card else None
    if training and not training.is_finished:
        printing.note(f"warning: the training of {model} is not finished: this is epoch {training.epochs}")
    return runner


def _open(
    model: str, runtime_options: RuntimeOptions | None, description: "Description | None"
) -> "KerasModel | Classifier":
    if model.endswith(".keras"):
        if runtime_options:
            refuse_for_keras()
        description_options.refuse_for_keras(description)
        from edgecnn.convert import KerasModel

        return KerasModel(model)
    from edgecnn.device import Classifier

    if runtime_options is None:
        return Classifier(model, description=description)
    return open_classifier(model, runtime_options, description)


def fit_dataset(
    runner: "KerasModel | Classifier", model: str, dataset: "Dataset", description: "Description | None" = None
) -> "Dataset":
    """`dataset`, loaded with the model's input, with its classes numbered as those of the model.

    Raises:
        ModelFileError: images of another size, or classes that the model does not have.
    """
    from edgecnn.errors import ModelFileError

    if runner.input.shape != dataset.test.images.shape[1:]:
        shape = dataset.test.images.shape[1:]
        raise ModelFileError(
            f"{model} takes images of shape {runner.input.shape}, the test set {shape}; name its data set with --data"
        )
    if _is_named(runner, description):
        return _ordered_as(runner.labels, dataset, model)
    if len(runner.labels) != len(dataset.labels):
        raise ModelFileError(
            f"{model} has {len(runner.labels):,} labels without names, the test set {len(dataset.labels):,}; name its "
            "data with --data"
        )
    return dataset


def _ordered_as(labels: "tuple[str, ...]", dataset: "Dataset", model: str) -> "Dataset":
    """`dataset` with its classes numbered as those of the model, which says what it is trained on by their names."""
    from edgecnn.errors import ModelFileError
    from edgecnn.printable import composed

    known = set(map(composed, labels))
    strange = [name for name in dataset.labels if composed(name) not in known]
    if strange:
        raise ModelFileError(
            f"{model} has no label {strange[0]!r}, which the test set from {dataset.source} has; its labels are "
            f"{_few(labels)}: name its data with --data, its folders called as these labels are"
        )
    if dataset.labels != labels:
        printing.note(
            f"the {len(dataset.labels):,} classes of the test set are found among the {len(labels):,} labels by name"
        )
    return dataset.ordered_as(labels)


def require_common_classes(first: str, second: str, runners: "Sequence[KerasModel | Classifier]") -> None:
    """Make sure that there may be images by which two models can be compared.

    Raises:
        ModelFileError: they have no two classes in common.
    """
    from edgecnn.errors import ModelFileError
    from edgecnn.printable import composed

    one, other = (runner.labels for runner in runners)
    if all(_is_named(runner, None) for runner in runners) and len({*map(composed, one)} & {*map(composed, other)}) < 2:
        raise ModelFileError(
            f"{first} and {second} have no two classes in common, so no images tell which is better; {first} knows "
            f"{_few(one)}, {second} knows {_few(other)}"
        )


def _few(labels: "tuple[str, ...]") -> str:
    return ", ".join(labels) if len(labels) <= 12 else f"{', '.join(labels[:12])} and {len(labels) - 12:,} more"


def _is_named(runner: "KerasModel | Classifier", description: "Description | None") -> bool:
    """Whether its labels are names, not the indices of a file that says nothing."""
    said = description is not None and description.labels is not None
    return said or runner.card is not None or runner.labels != tuple(map(str, range(len(runner.labels))))
