"""The option that says below which score an image is called unknown."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from edgecnn.device.lowest_score import MinScore


class ScoreText(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.2
    """A score from 0 to 1, or auto for the one that the model recommends."""

    name = "score"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "MinScore":
        """What the text says."""
        if value == "auto":
            return "auto"
        try:
            score = float(str(value))
        except ValueError:
            score = -1.0
        if not 0 <= score <= 1:  # which nan is not
            self.fail(f"{value} is neither a score from 0 to 1 nor auto", param, ctx)
        return score


METAVAR = "SCORE|auto"
min_score = click.option(
    "--min-score",
    type=ScoreText(),
    metavar=METAVAR,
    help="Answer unknown below this score; auto: below the one that the model recommends.  [default: off]",
)
