"""The classifier that a command's options describe."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgecnn.device import Classifier, Description

    from .runtime_options import RuntimeOptions


def open_classifier(model: str, options: "RuntimeOptions", description: "Description | None") -> "Classifier":
    """Load `model` as the options say; the report on its delegate is printed if they ask for it.

    Raises:
        click.UsageError: options contradict each other.
        EdgecnnError: the model or its delegate does not load.
    """
    from edgecnn.device import Classifier

    run = options.run_options(description)
    classifier = Classifier.with_options(model, run)
    options.report(model, run)
    return classifier
