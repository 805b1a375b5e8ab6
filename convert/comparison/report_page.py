"""The parity report as one self-contained HTML page."""

import base64
import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from PIL import Image

from edgecnn.metrics import evaluate_probabilities
from edgecnn.printable import printable

from . import charts
from .charts import decibels
from .diagnosis import Finding
from .ladder import Ladder, Rung
from .layer_figures import LayerFigures
from .report import class_figures, flipped_images, interval

_GALLERY = 60  # images; a page for a phone need not hold all
_STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 0 1rem 3rem; color: #1c2430; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #dde3ea; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } td.worse { background: #fbe0dd; }
td.better { background: #dcf2e0; }
.finding { padding: .6rem .9rem; border-left: 4px solid #2f7d4f; background: #eef7f1; } .broken { border-color: #b8382c;
background: #fcefed; } img.chart { max-width: 100%; } .gallery { display: flex; flex-wrap: wrap; gap: .8rem; }
figure { margin: 0; width: 8rem; font-size: .8rem; } figure img { width: 7rem; image-rendering: pixelated; }
"""


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
            f"{_percent(last.parity.accuracy)} of {last.parity.images:,} images right, in Keras "
            f"{_percent(last.parity.keras_accuracy)}; "
        )
    )
    parts = [
        f"<h1>{_text(title)}</h1>",
        f"<p><strong>{verdict}</strong> {right or 'It gives '}the same answer as Keras on "
        f"{_percent(last.parity.agreement)} of {last.parity.images:,} images.</p>",
        *(f'<p class="finding broken">{_text(failure)}.</p>' for failure in failures),
        *(_paragraph(finding) for finding in findings),
        "<h2>The ladder</h2>", _ladder(ladder.rungs),
        "<h2>Feature maps against Keras</h2>", 
        *(_image(chart, "SQNR of the layers, every rung") for chart in charts.sqnr_charts(quantized)),
        _layers(quantized[-1].layers),
        "<h2>Worst layer</h2>", _image(charts.histogram(_worst(ladder, findings)), "Values of the worst layer"),
        *_of_labelled(ladder),
        f"<h2>Images that flip: {len(ladder.flipped):,}</h2>", _gallery(ladder),
    ]  # fmt: skip
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head += f"<title>{_text(title)}</title><style>{_STYLE}</style>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _of_labelled(ladder: Ladder) -> list[str]:
    """What can be said only where it is known what the images show."""
    if ladder.truth is None:
        return []
    return [
        "<h2>Classes</h2>", _class_table(ladder),
        "<h2>Change of the confusion matrix</h2>", _confusion(ladder, ladder.truth),
    ]  # fmt: skip


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}".replace("%", " %")


def _paragraph(finding: Finding) -> str:
    kind = "finding broken" if finding.broken else "finding"
    where = f"{finding.rung}, {finding.layer}" if finding.layer else finding.rung
    return f'<p class="{kind}"><strong>{_text(where)}</strong>: {_text(finding.words)}.</p>'


@dataclass(frozen=True)
class _Coloured:
    """A cell that is better, worse or neither."""

    text: str
    kind: str


def _cell(cell: str | _Coloured) -> str:
    if isinstance(cell, _Coloured):
        return f'<td class="{cell.kind}">{_text(cell.text)}</td>'
    return f"<td>{_text(cell)}</td>"


def _table(header: Iterable[str], rows: Iterable[Iterable[str | _Coloured]]) -> str:
    head = "".join(f"<th>{_text(cell)}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _ladder(rungs: Sequence[Rung]) -> str:
    header = ("rung", "accuracy", "95 % interval", "agreement", "McNemar p", "max |Δp|", "worst SQNR")
    rows = []
    for rung in rungs:
        parity = rung.parity
        worst = min((layer.sqnr_db for layer in rung.layers), default=float("inf"))
        cells = [rung.name, _percent(parity.accuracy), interval(parity)]
        p = "" if rung.mcnemar_p is None else f"{rung.mcnemar_p:.3g}"
        cells += [_percent(parity.agreement), p, f"{rung.max_difference:.2g}", decibels(worst)]
        rows.append(cells if rung.layers else [*cells[:3], "", "", "", ""])
    return _table(header, rows)


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
                _percent(layer.saturated),
                str(len(layer.lost_channels)),
            ]
        )
    return _table(header, rows)


def _worst(ladder: Ladder, findings: Sequence[Finding]) -> LayerFigures:
    """The layer that a finding names, where it breaks; else the one furthest from Keras."""
    rungs = {rung.name: rung.layers for rung in ladder.rungs if rung.layers}
    for finding in findings:
        for layer in rungs.get(finding.rung, ()):
            if finding.broken and layer.name == finding.layer:
                return layer
    return min(ladder.rungs[-1].layers, key=lambda layer: layer.sqnr_db)


def _class_table(ladder: Ladder) -> str:
    rows: list[list[str | _Coloured]] = []
    for label, images, before, after in class_figures(ladder):
        kind = "better" if after > before else "worse" if after < before else ""
        rows.append([label, f"{images:,}", f"{before:,}", f"{after:,}", _Coloured(f"{after - before:+,}", kind)])
    return _table(("class", "images", "right in Keras", "right here", "change"), rows)


def _confusion(ladder: Ladder, truth: npt.NDArray[np.int64]) -> str:
    matrices = [
        evaluate_probabilities(rung.probabilities, truth).confusion for rung in (ladder.rungs[0], ladder.rungs[-1])
    ]
    change, rows = matrices[1] - matrices[0], []
    for index, label in enumerate(ladder.dataset_labels):
        cells: list[str | _Coloured] = [label]
        for column, value in enumerate(change[index]):
            good = value > 0 if column == index else value < 0
            kind = "" if value == 0 else "better" if good else "worse"
            cells.append(_Coloured(f"{value:+}" if value else "·", kind))
        rows.append(cells)
    return _table(("true class \\ answer", *ladder.dataset_labels), rows)


def _gallery(ladder: Ladder) -> str:
    flipped, figures = flipped_images(ladder), []
    for index, label, before, after in flipped[:_GALLERY]:
        pixels = np.asarray(ladder.images[index])
        buffer = io.BytesIO()
        Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
        caption = f"#{index}{': ' + _text(label) if label else ''}<br>Keras: {_text(before)}"
        caption += f"<br>here: {_text(after)}"
        figures.append(
            f'<figure><img src="{_data(buffer.getvalue())}" alt=""><figcaption>{caption}</figcaption></figure>'
        )
    more = f"<p>and {len(flipped) - _GALLERY:,} more, listed in the JSON file.</p>" if len(flipped) > _GALLERY else ""
    return f'<div class="gallery">{"".join(figures)}</div>{more}'


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _image(figure: Figure, alternative: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=90, bbox_inches="tight")
    return f'<img class="chart" src="{_data(buffer.getvalue())}" alt="{_text(alternative)}">'


def _text(words: str) -> str:
    return html.escape(printable(words))
