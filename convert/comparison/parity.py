"""Compare a converted file with the run it came from; imports TensorFlow only when called."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.atomic_files import refuse_existing, write_bytes
from edgecnn.device.runtime.delegates import Delegate
from edgecnn.errors import InputError, ModelFileError
from edgecnn.model_file.card import Parity
from edgecnn.model_file.schemes import Scheme
from edgecnn.native_output import captured_stderr, silence_tensorflow
from edgecnn.optional_packages import require_tensorflow
from edgecnn.pixels.dataset import Dataset

from ..conversion import SCHEMES, output_paths, read_run_card, run_folder

if TYPE_CHECKING:
    from .diagnosis import Finding
    from .ladder import Ladder


@dataclass(frozen=True)
class Gate:
    """What a converted file must hold to pass.

    Attributes:
        max_drop: percentage points of accuracy that it may lose against Keras; None for any.
        min_agreement: percent of images on which it must say the same as Keras; None for any.
    """

    max_drop: float | None = None
    min_agreement: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_drop", "min_agreement"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 100:  # not a number is none of them either
                raise InputError(f"{name} must be 0 to 100. Received: {value}")

    def check(self, dataset: Dataset) -> None:
        """Make sure that what is asked for can be told.

        Raises:
            InputError: an accuracy is asked for, and nobody knows what the images show.
        """
        if self.max_drop is not None and not dataset.test.is_labelled:
            raise InputError(
                f"--max-drop needs images whose class is known: sort those in {dataset.source} into folders called as "
                "the labels are, or ask for --min-agreement"
            )

    def failures(self, parity: Parity) -> list[str]:
        """A sentence for each condition that does not hold."""
        failed = []
        drop = parity.drop
        if self.max_drop is not None and drop is not None and drop > self.max_drop + 1e-9:
            failed.append(f"accuracy drops by {drop:.2f} points, at most {self.max_drop:g} may be lost (--max-drop)")
        if self.min_agreement is not None and 100 * parity.agreement < self.min_agreement - 1e-9:
            failed.append(
                f"it agrees with Keras on {parity.agreement:.2%} of the images, {self.min_agreement:g} % are asked for "
                "(--min-agreement)"
            )
        return failed


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
    def passed(self) -> bool:
        """Whether it is still the same classifier, and passes its gate."""
        return not self.failures and not any(finding.broken for finding in self.findings)


def parity(
    run: str | Path,
    dataset: Dataset,
    *,
    scheme: Scheme = "int8",
    output: str | Path | None = None,
    images: int | None = None,
    gate: Gate | None = None,
    force: bool = False,
    files: str | Path | None = None,
    delegate: Delegate | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> ParityReport:
    """Climb the ladder from a run's Keras model to its converted file, on the test split, and write a report.

    Args:
        run: a run directory with model.keras and both files of `scheme`.
        dataset: the one the network was trained on.
        scheme: of the file to compare.
        output: folder for parity.<scheme>.html and .json; the folder of the files by default.
        images: compare on so many test images only, of every class as many.
        gate: what the file must hold to pass.
        force: replace reports that exist.
        files: the folder with both converted files; the run directory by default.
        delegate: of a last rung, on this machine's accelerator.
        progress: is told each step in words.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        ModelFileError: no run or no converted files there, or they are damaged.
        InputError: unknown scheme.
        DelegateError: the delegate does not load or run.
        OutputError: a report exists or cannot be written.
    """
    require_tensorflow("edgecnn parity")
    if scheme not in SCHEMES:
        raise InputError(f"unknown scheme {scheme!r}; known: {', '.join(SCHEMES)}")
    source = run_folder(run)
    card = read_run_card(source, dataset)
    gate = gate or Gate()
    gate.check(dataset)
    converted = Path(files) if files is not None else source
    for path in output_paths(converted, scheme, activations=True).values():
        if not path.is_file():
            raise ModelFileError(f"no {path}; make it with edgecnn convert {source} --{scheme}")
    folder = Path(output) if output is not None else converted
    page, figures = folder / f"parity.{scheme}.html", folder / f"parity.{scheme}.json"
    refuse_existing((page, figures), force)
    if images is not None and not 1 <= images <= len(dataset.test):
        raise InputError(f"images must be 1 to {len(dataset.test)}, the size of the test split. Received: {images}")
    if images is not None:
        dataset = replace(dataset, test=dataset.test.sample(images))
    silence_tensorflow()
    progress("loading TensorFlow")
    with captured_stderr():
        from . import diagnosis, ladder, report

    climbed = ladder.climb(source, converted, card, dataset, scheme, progress, delegate)
    findings = diagnosis.diagnose(climbed)
    failures = tuple(gate.failures(climbed.rungs[-1].parity))
    write_bytes(page, report.to_html(climbed, findings, failures).encode())
    write_bytes(figures, report.to_json(climbed, findings, failures).encode())
    return ParityReport(climbed, findings, failures, page, figures)
