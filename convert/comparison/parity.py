"""Compare a converted file with the run it came from; imports TensorFlow only when called."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.arguments import is_whole, require_kind
from edgecnn.atomic_files import being_read, claimed, together, write_bytes
from edgecnn.errors import InputError, ModelFileError
from edgecnn.native_output import captured_stderr
from edgecnn.optional_packages import load_tensorflow, require_tensorflow
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import REPORTS, RunDirectory

from .gate import Gate
from .parity_request import ParityOptions, ParityRequest
from .verdict import Verdict, passes, verdict_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Unpack

    from .finding import Finding
    from .ladder import Ladder


@dataclass(frozen=True)
class ParityReport:
    """What climbing the ladder found, and where it is written.

    Attributes:
        findings: the first rung and layer that break, with the cause; remarks where nothing does.
        failures: a sentence for each condition of the gate that does not hold.
        html: the page.
        json: the same figures.
    """

    ladder: "Ladder"
    findings: "tuple[Finding, ...]"
    failures: tuple[str, ...]
    html: Path
    json: Path

    @property
    def verdict(self) -> Verdict:
        """`FAIL` where it is another classifier or does not pass its gate, `DOUBTFUL` where Keras looks wrong."""
        broken = any(finding.broken for finding in self.findings)
        return verdict_of(broken, self.failures, self.ladder.suspicions)

    @property
    def passed(self) -> bool:
        """Whether it is still the same classifier, and a good one as far as labelled images can tell."""
        return passes(self.verdict, self.ladder.truth is not None)


def parity(
    run: str | Path,
    dataset: Dataset,
    request: ParityRequest | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
    **options: "Unpack[ParityOptions]",
) -> ParityReport:
    """Climb the ladder from a run's Keras model to its converted file, on the test split, and write a report.

    Args:
        run: a run directory with model.keras and both files of the scheme.
        dataset: the one the network was trained on.
        request: scheme, gate, folders, ...; int8 in the run directory, without a gate, by default.
        progress: is told each step in words.
        **options: fields of `ParityRequest`, in place of those of `request`: `scheme`, `output` (folder for the
            report), `images` (compare on so many test images only), `gate` (what the file must hold), `force`,
            `files` (folder with both converted files), `delegate` (of a last rung).

    Raises:
        MissingExtraError: TensorFlow is not installed.
        ModelFileError: no run or no converted files there, or they are damaged.
        InputError: unknown scheme, or more images than the test split has.
        DelegateError: the delegate does not load or run.
        OutputError: a report exists or cannot be written, or another run writes what is compared.
    """
    require_tensorflow("edgecnn parity")
    request = replace(request or ParityRequest(), **options)
    source = RunDirectory.of(run)
    require_kind(dataset, Dataset, "dataset")
    source.read_card(dataset)
    gate = request.gate or Gate()
    gate.require_labels(dataset)
    files = source if request.files is None else RunDirectory(Path(request.files))
    converted = [files.tflite(request.scheme, activations) for activations in (False, True)]
    for path in converted:
        if not path.is_file():
            again = ["edgecnn", "convert", str(source.path), f"--{request.scheme}"]
            again += [] if request.files is None else ["--output", str(files.path)]
            again += ["--force"] if any(each.is_file() for each in converted) else []
            raise ModelFileError(f"no {path}; make it with {shlex.join(again)}")
    folder = files if request.output is None else RunDirectory(Path(request.output))
    page, figures = (folder.parity_report(request.scheme, suffix) for suffix in REPORTS)
    places = _drawn(dataset, request.images)
    dataset = dataset if places is None else replace(dataset, test=dataset.test.at(places))
    with being_read([source.model, *converted]), claimed((page, figures), request.force):
        card = source.read_card(dataset)  # which a training may have written anew until now
        progress("loading TensorFlow")
        load_tensorflow()
        with captured_stderr():
            from . import diagnosis, ladder, report, report_page

        climbed = replace(ladder.climb(source, files, card, dataset, request, progress), places=places)
        findings = diagnosis.diagnose(climbed)
        failures = tuple(gate.failures(climbed.rungs[-1].parity, [one.words for one in climbed.suspicions]))
        with together():
            write_bytes(page, report_page.to_html(climbed, findings, failures).encode())
            write_bytes(figures, report.to_json(climbed, findings, failures).encode())
    return ParityReport(climbed, findings, failures, page, figures)


def _drawn(dataset: Dataset, images: int | None) -> "npt.NDArray[np.int64] | None":
    """Where so many images stand in the test split; None for all of it."""
    if images is None:
        return None
    if not is_whole(images) or not 1 <= images <= len(dataset.test):
        raise InputError(f"images must be 1 to {len(dataset.test)}, the size of the test split. Received: {images}")
    return dataset.test.drawn(images)
