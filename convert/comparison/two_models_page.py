"""The comparison of two models as one HTML file."""

from collections.abc import Sequence

import numpy as np

from edgecnn.html_page import Cell, gallery, page, percent, picture, table, text
from edgecnn.wilson import wilson_interval

from .two_models import ModelAnswers, TwoModels, name_of

_SHOWN = 36  # images of each kind
_KINDS = {0: "broken", 1: "", None: "open"}


def to_html(two: TwoModels) -> str:
    """The page: no script, nothing from elsewhere."""
    paired, title = two.paired, f"{two.first.model} and {two.second.model}"
    first, second = two.first.right, two.second.right
    differs = np.zeros(paired.images, bool)
    differs[two.differing] = True
    parts = [
        f"<h1>{text(title)}</h1>",
        f'<p class="finding {_KINDS[paired.better]}">{text(_sentence(two))}.</p>',
        table(
            ("", "right", "accuracy", "95 % interval", "size"),
            [_row("first", two.first), _row("second", two.second)],
        ),
        "<h2>The same images, both models</h2>",
        table(
            ("", "second right", "second wrong"),
            [
                ("first right", f"{paired.both:,}", f"{paired.only_first:,}"),
                ("first wrong", f"{paired.only_second:,}", f"{paired.neither:,}"),
            ],
        ),
        '<p class="note">Only images that one of the two gets wrong tell them apart: McNemar\'s exact test (1947). '
        "Interval of the difference: Bonett and Price (2012). Images needed, for a power of 80 %: Connor (1987).</p>",
        "<h2>Classes</h2>", _classes(two),
        "<h2>Only the first is right</h2>", _images(two, np.flatnonzero(first & ~second).tolist()),
        "<h2>Only the second is right</h2>", _images(two, np.flatnonzero(second & ~first).tolist()),
        "<h2>Both are wrong, each in its way</h2>",
        _images(two, np.flatnonzero(differs & ~first & ~second).tolist()),
    ]  # fmt: skip
    return page(title, parts)


def _sentence(two: TwoModels) -> str:
    """The verdict; a model's name that it begins with stays as it is."""
    return two.words if two.paired.better is not None else two.words[0].upper() + two.words[1:]


def _row(place: str, one: ModelAnswers) -> list[str]:
    right = int(one.right.sum())
    low, high = wilson_interval(right, len(one.right))
    interval = f"{100 * low:.2f} to {100 * high:.2f}"
    size = f"{one.size_bytes / 1024:,.0f} KiB"
    return [f"{place}: {one.model}", f"{right:,}", percent(right / len(one.right)), interval, size]


def _classes(two: TwoModels) -> str:
    rows: list[list[str | Cell]] = []
    for label, images, first, second in two.classes():
        kind = "better" if second > first else "worse" if second < first else ""
        rows.append([label, f"{images:,}", f"{first:,}", f"{second:,}", Cell(f"{second - first:+,}", kind)])
    return table(("class", "images", "first right", "second right", "change"), rows)


def _images(two: TwoModels, rows: Sequence[int]) -> str:
    if not rows:
        return "<p>None.</p>"
    labels, test = two.dataset.labels, two.dataset.test
    # Where the two are surest they differ most.
    surest = sorted(rows, key=lambda row: -min(two.first.scores[row], two.second.scores[row]))
    more = f"<p>{len(rows):,} images, the surest {_SHOWN} of them:</p>" if len(rows) > _SHOWN else ""
    return more + gallery(
        picture(
            [np.asarray(test.images[row])],
            f"{labels[test.labels[row]]}, {name_of(two, row)}",
            f"first: {two.first.answers[row]} {two.first.scores[row]:.0%}",
            f"second: {two.second.answers[row]} {two.second.scores[row]:.0%}",
        )
        for row in surest[:_SHOWN]
    )
