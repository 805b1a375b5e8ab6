"""The parity report as one self-contained HTML page."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edgecnn.html_page import Cell, gallery, page, percent, picture, png_chart, table, text
from edgecnn.metrics import evaluate_probabilities

from . import charts
from .charts import decibels
from .finding import Finding
from .ladder import Ladder
from .layer_figures import LayerFigures
from .report import class_figures, flipped_images, interval
from .rungs import Rung

_GALLERY = 60  # images; a page for a phone need not hold all


def to_html(ladder: Ladder, findings: Sequence[Finding], failures: Sequence[str] = ()) -> str:
    """The page: no script, nothing from elsewhere."""
    last, title = ladder.rungs[-1], f"Parity of {ladder.card.name}, {ladder.scheme}"
    broken = any(finding.broken for finding in findings)
    verdict = "This is another classifier than Keras'." if broken else "This is the same classifier as Keras'."
    if not broken and ladder.suspicions:
        verdict = "It answers as Keras does, and Keras itself looks wrong."
    if failures:
        verdict += " It does not pass its gate."
    quantized = [rung for rung in ladder.rungs if rung.layers]
    right = (
        ""
        if last.parity.accuracy is None
        else (
            f"{percent(last.parity.accuracy)} of {last.parity.images:,} images right, in Keras "
            f"{percent(last.parity.keras_accuracy)}; "
        )
    )
    parts = [
        f"<h1>{text(title)}</h1>",
        f"<p><strong>{verdict}</strong> {right or 'It gives '}the same answer as Keras on "
        f"{percent(last.parity.agreement)} of {last.parity.images:,} images.</p>",
        *(f'<p class="finding broken">{text(failure)}.</p>' for failure in failures),
        *(_paragraph(finding) for finding in findings),
        "<h2>The ladder</h2>", _ladder(ladder.rungs),
        "<h2>Feature maps against Keras</h2>", 
        *(png_chart(chart, "SQNR of the layers, every rung") for chart in charts.sqnr_charts(quantized)),
        _layers(quantized[-1].layers),
        "<h2>Worst layer</h2>", png_chart(charts.histogram(_worst(ladder, findings)), "Values of the worst layer"),
        *_of_labelled(ladder),
        f"<h2>Images that flip: {len(ladder.flipped):,}</h2>", _gallery(ladder),
        "<h2>What was compared</h2>", *_compared(ladder),
    ]  # fmt: skip
    return page(title, parts)


def _compared(ladder: Ladder) -> list[str]:
    """The digests by which a file is known to be the one that the page is of."""
    compared, made = ladder.compared, ladder.compared.made
    digests = [(f"{one.name}, {one.size_bytes:,} bytes, its seal", one.seal_sha256 or "none") for one in compared.files]
    digests += [("model.keras", compared.keras_sha256), (f"The data set {compared.dataset}", compared.dataset_sha256)]
    return [
        table(("", "SHA-256"), digests, "facts"),
        "<p>The seal of a file is what <code>edgecnn info</code> shows, signed or not.</p>",
        f"<p>By edgecnn {text(made.edgecnn)} with Keras {text(made.keras)}, TensorFlow {text(made.tensorflow)} and "
        f"{text(compared.runtime)}, {text(made.created)}.</p>",
    ]


def _of_labelled(ladder: Ladder) -> list[str]:
    """What can be said only where it is known what the images show."""
    if ladder.truth is None:
        return []
    return [
        "<h2>Classes</h2>", _class_table(ladder),
        "<h2>Change of the confusion matrix</h2>", _confusion(ladder, ladder.truth),
    ]  # fmt: skip


def _paragraph(finding: Finding) -> str:
    kind = "finding broken" if finding.broken else "finding"
    return f'<p class="{kind}"><strong>{text(finding.place)}</strong>: {text(finding.words)}.</p>'


def _ladder(rungs: Sequence[Rung]) -> str:
    header = ("rung", "accuracy", "95 % interval", "agreement", "McNemar p", "max |Δp|", "worst SQNR")
    rows = []
    for rung in rungs:
        parity = rung.parity
        worst = min((layer.sqnr_db for layer in rung.layers), default=float("inf"))
        cells = [rung.name, percent(parity.accuracy), interval(parity)]
        p = "" if rung.mcnemar_p is None else f"{rung.mcnemar_p:.3g}"
        cells += [percent(parity.agreement), p, f"{rung.max_difference:.2g}", decibels(worst)]
        rows.append(cells if rung.layers else [*cells[:3], "", "", "", ""])
    return table(header, rows)


def _layers(layers: Sequence[LayerFigures]) -> str:
    header = ("layer", "SQNR", "cosine", "range of the file", "range in Keras", "at the range's end", "channels lost")
    rows = []
    for layer in layers:
        here, in_keras = (f"{low:.4g} to {high:.4g}" for low, high in (layer.range, layer.keras_range))
        rows.append(
            [
                layer.name,
                decibels(layer.sqnr_db),
                f"{layer.cosine:.5f}",
                here,
                in_keras,
                percent(layer.saturated),
                str(len(layer.lost_channels)),
            ]
        )
    return table(header, rows)


def _worst(ladder: Ladder, findings: Sequence[Finding]) -> LayerFigures:
    """The layer that a finding names, where it breaks; else the one furthest from Keras."""
    rungs = {rung.name: rung.layers for rung in ladder.rungs if rung.layers}
    for finding in findings:
        for layer in rungs.get(finding.rung, ()):
            if finding.broken and layer.name == finding.layer:
                return layer
    return min(ladder.rungs[-1].layers, key=lambda layer: layer.sqnr_db)


def _class_table(ladder: Ladder) -> str:
    rows: list[list[str | Cell]] = []
    for label, images, before, after in class_figures(ladder):
        kind = "better" if after > before else "worse" if after < before else ""
        rows.append([label, f"{images:,}", f"{before:,}", f"{after:,}", Cell(f"{after - before:+,}", kind)])
    return table(("class", "images", "right in Keras", "right here", "change"), rows)


def _confusion(ladder: Ladder, truth: npt.NDArray[np.int64]) -> str:
    matrices = [
        evaluate_probabilities(rung.probabilities, truth).confusion for rung in (ladder.rungs[0], ladder.rungs[-1])
    ]
    change, rows = matrices[1] - matrices[0], []
    for index, label in enumerate(ladder.dataset_labels):
        cells: list[str | Cell] = [label]
        for column, value in enumerate(change[index]):
            good = value > 0 if column == index else value < 0
            kind = "" if value == 0 else "better" if good else "worse"
            cells.append(Cell(f"{value:+}" if value else "·", kind))
        rows.append(cells)
    return table(("true class \\ answer", *ladder.dataset_labels), rows, "matrix")


def _gallery(ladder: Ladder) -> str:
    flipped, figures = flipped_images(ladder), []
    for row, (place, label, before, after) in zip(ladder.flipped, flipped[:_GALLERY], strict=False):
        caption = f"#{place}{f': {label}' if label else ''}"
        figures.append(picture([np.asarray(ladder.images[row])], caption, f"Keras: {before}", f"here: {after}"))
    more = f"<p>and {len(flipped) - _GALLERY:,} more, listed in the JSON file.</p>" if len(flipped) > _GALLERY else ""
    return gallery(figures) + more
