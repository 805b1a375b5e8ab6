"""Reports as one HTML file: no script, nothing from elsewhere; light or dark as the reader has it, and printable."""

import base64
import html
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .arrays import Pixels
from .printable import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A colour that no chart uses: what matplotlib draws in it takes the colour of the page's text.
INK = "#0a0b0c"
_LONG = 40  # letters of a table's cell, which are broken into lines
# What has no colour here has the browser's own, of light or of dark; tints are half transparent, to be read on both.
_STYLE = """
:root { color-scheme: light dark; }
@media print { :root { color-scheme: light; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.wide { overflow: visible; } figure, tr, svg, .finding { break-inside: avoid; } h2, h3 { break-after: avoid; } }
body { font: 16px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 0 1rem 3rem;
overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; } h3 { font-size: 1rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums;
overflow-wrap: normal; }
th, td { padding: .3rem .6rem; text-align: right; white-space: nowrap;
border-bottom: 1px solid rgb(128 140 155 / .35); }
th:first-child, td:first-child { text-align: left; }
.long { display: inline-block; inline-size: 14rem; white-space: normal; overflow-wrap: anywhere; }
.better { background: rgb(50 160 90 / .18); } .worse { background: rgb(225 70 55 / .2); }
.finding { padding: .6rem .9rem; border-left: 4px solid #3c9a62; background: rgb(50 160 90 / .14); }
.open { border-color: #8893a2; background: none; } .broken { border-color: #d2493c; background: rgb(225 70 55 / .14); }
.chart { max-width: 100%; height: auto; } img.chart { background: #fff; } .note { font-size: .85rem; }
.gallery { display: flex; flex-wrap: wrap; gap: .8rem; }
figure { margin: 0; width: 8rem; font-size: .8rem; line-height: 1.3; } figure img { width: 7rem; }
figure.pair { width: 15rem; } img.small { width: 3.5rem; margin-right: 2px; } .pixels { image-rendering: pixelated; }
table.facts .long { display: inline; }
table.facts td { white-space: normal; overflow-wrap: anywhere; text-align: left; }
table.matrix th, table.matrix td { padding: .2rem .35rem; text-align: center; }
table.matrix th:first-child, table.matrix td:first-child { text-align: left; } table.matrix thead th:not(:first-child) {
writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; }
@media (max-width: 30rem) { table { font-size: .85rem; } thead th { white-space: normal; }
th, td { padding: .25rem .2rem; } td:first-child { white-space: normal; } .long { inline-size: 8rem; }
.gallery { gap: .6rem; } figure { width: 6.7rem; } figure img { width: 6.4rem; }
figure.pair { width: 13.5rem; } }
"""


@dataclass(frozen=True)
class Cell:
    """A table's cell that is `better`, `worse` or neither, or in part filled.

    Attributes:
        kind: `better`, `worse` or empty.
        filled: how strongly it is coloured, 0 to 1.
    """

    text: str
    kind: str = ""
    filled: float = 0.0


def page(title: str, parts: Iterable[str], style: str = "") -> str:
    """The whole file: `parts` are HTML, the title is text, `style` is CSS beyond that of all pages."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head += f"<title>{text(title)}</title><style>{_STYLE}{style}</style>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def text(words: str) -> str:
    """Any text, such as a class's name, as HTML that shows it and does nothing else."""
    return html.escape(printable(words))


def percent(share: float | None) -> str:
    """A share of 1 in percent; empty if it is not known."""
    return "" if share is None else f"{share:.2%}".replace("%", " %")


def table(header: Iterable[str], rows: Iterable[Iterable[str | Cell]], kind: str = "") -> str:
    """A table that scrolls where it is wider than the page; without a header, there is none.

    A table of the kind `matrix` turns the header's words, one of `facts` breaks its lines.
    """
    head = "".join(f"<th>{_breaking(cell)}</th>" for cell in header)
    head = f"<thead><tr>{head}</tr></thead>" if head else ""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    begin = f'<table class="{kind}">' if kind else "<table>"
    return f'<div class="wide">{begin}{head}<tbody>{body}</tbody></table></div>'


def _cell(cell: str | Cell) -> str:
    if isinstance(cell, str):
        return f"<td>{_breaking(cell)}</td>"
    # Half transparent: the page's text is read on it, in the light and in the dark.
    style = f' style="background: rgb(70 120 210 / {0.6 * cell.filled:.2f})"' if cell.filled else ""
    return f'<td class="{cell.kind}"{style}>{_breaking(cell.text)}</td>'


def _breaking(words: str) -> str:
    """A cell's text; a name of 200 letters would push the figures beside it off a telephone."""
    return f'<span class="long">{text(words)}</span>' if len(words) > _LONG else text(words)


def gallery(figures: Iterable[str]) -> str:
    """Pictures with their captions, side by side."""
    return f'<div class="gallery">{"".join(figures)}</div>'


def picture(images: Iterable[Pixels], *captions: str, kind: str = "") -> str:
    """A figure of one image, or of more that belong together; captions are texts, a line each."""
    lines = "<br>".join(map(text, captions))
    begin = f'<figure class="{kind}">' if kind else "<figure>"
    return f"{begin}{''.join(map(image, images))}<figcaption>{lines}</figcaption></figure>"


def image(pixels: Pixels, side: int = 96, kind: str = "") -> str:
    """uint8 (height, width, 1 or 3) as a small PNG, `side` pixels wide and high at most."""
    shown = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))
    enlarged = max(shown.size) < side
    shown.thumbnail((side, side))
    if shown.mode == "RGB":
        shown = shown.quantize(256)  # a third of the bytes
    buffer = io.BytesIO()
    shown.save(buffer, "PNG")
    kinds = " ".join(name for name in (kind, "pixels" if enlarged else "") if name)
    return f'<img class="{kinds}" src="{_data(buffer.getvalue())}" alt="">'


def png_chart(figure: "Figure", alternative: str) -> str:
    """A matplotlib figure as it is."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=90, bbox_inches="tight")
    return f'<img class="chart" src="{_data(buffer.getvalue())}" alt="{text(alternative)}">'


def svg_chart(figure: "Figure", alternative: str) -> str:
    """A matplotlib figure whose `INK` is the page's: readable in the light and in the dark, and sharp in print."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None})
    drawing = buffer.getvalue().replace(INK, "currentColor")
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing[drawing.index("<svg") :], flags=re.DOTALL)
    return drawing.replace("<svg", f'<svg class="chart" role="img" aria-label="{text(alternative)}"', 1)


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
