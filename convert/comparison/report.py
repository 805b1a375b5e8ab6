"""The figures of a parity report, as JSON."""

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

from edgecnn.model_file.card import Parity

from .finding import Finding
from .ladder import Ladder
from .report_identity import ReportIdentity
from .rungs import Rung
from .verdict import passes, verdict_of


def to_dict(ladder: Ladder, findings: Sequence[Finding], failures: Sequence[str] = ()) -> dict[str, Any]:
    """Every figure of the report, ready for JSON; infinite decibels are null. `failures` are those of a gate."""
    verdict = verdict_of(any(finding.broken for finding in findings), failures, ladder.suspicions)
    return {
        "name": ladder.card.name,
        "scheme": ladder.scheme,
        "images": len(ladder.images),
        "compared": _compared(ladder.compared),
        "verdict": verdict,
        "passed": passes(verdict, ladder.truth is not None),
        "failures": list(failures),
        "rungs": [_rung(rung) for rung in ladder.rungs],
        "findings": [dataclasses.asdict(finding) for finding in findings],
        "classes": [
            {"label": label, "images": images, "keras": before, "converted": after}
            for label, images, before, after in class_figures(ladder)
        ],
        "flipped": [
            {"image": image, "label": label, "keras": before, "converted": after}
            for image, label, before, after in flipped_images(ladder)
        ],
    }


def _compared(compared: ReportIdentity) -> dict[str, Any]:
    made = compared.made
    figures = {key: value for key, value in dataclasses.asdict(compared).items() if key != "made"}
    return {
        **figures,
        "edgecnn": made.edgecnn, "keras": made.keras, "tensorflow": made.tensorflow, "created": made.created,
    }  # fmt: skip


def _rung(rung: Rung) -> dict[str, Any]:
    return {
        "name": rung.name,
        **dataclasses.asdict(rung.parity),
        "mcnemar_p": rung.mcnemar_p,
        "max_difference": rung.max_difference,
        "layers": [_finite(dataclasses.asdict(layer)) for layer in rung.layers],
    }


def _finite(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: _number(value) for key, value in figures.items()}


def _number(value: Any) -> Any:
    """A value of a layer's figures, which may be numbers: those that are infinite, or none, are null."""
    if isinstance(value, tuple):
        return [_number(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def class_figures(ladder: Ladder) -> list[tuple[str, int, int, int]]:
    """Of every class: its name, its images, how many Keras and how many the last rung get right.

    Empty where nobody knows what the images show.
    """
    if ladder.truth is None:
        return []
    first, last = (rung.probabilities.argmax(axis=1) == ladder.truth for rung in (ladder.rungs[0], ladder.rungs[-1]))
    figures = []
    for index, label in enumerate(ladder.dataset_labels):
        of_class = ladder.truth == index
        figures.append((label, int(of_class.sum()), int(first[of_class].sum()), int(last[of_class].sum())))
    return figures


def flipped_images(ladder: Ladder) -> list[tuple[int, str | None, str, str]]:
    """Of every image that flips: its place in the test split, its label if known, what Keras and the last rung say."""
    labels = ladder.dataset_labels
    first, last = (rung.probabilities.argmax(axis=1) for rung in (ladder.rungs[0], ladder.rungs[-1]))
    truth, places = ladder.truth, ladder.places
    return [
        (
            int(row if places is None else places[row]),
            None if truth is None else labels[truth[row]],
            labels[first[row]],
            labels[last[row]],
        )
        for row in ladder.flipped
    ]


def to_json(ladder: Ladder, findings: Sequence[Finding], failures: Sequence[str] = ()) -> str:
    """`to_dict` as text."""
    return json.dumps(to_dict(ladder, findings, failures), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def interval(parity: Parity) -> str:
    """The 95 % Wilson interval of the accuracy in percent; empty where there is none."""
    if parity.interval_low is None or parity.interval_high is None:
        return ""
    return f"{100 * parity.interval_low:.2f} to {100 * parity.interval_high:.2f}"
