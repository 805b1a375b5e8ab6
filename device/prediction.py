"""What a classifier says of an image."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """A class and its probability (0 to 1); `index` is its place in the model's output."""

    label: str
    score: float
    index: int

    def _repr_html_(self) -> str:
        """A table of one row, for notebooks."""
        return Predictions((self,))._repr_html_()


class Predictions(tuple[Prediction, ...]):
    """Predictions of one image, best first: a tuple that notebooks show as a table."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from html import escape

        from edgecnn.printable import printable

        rows = "".join(
            f"<tr><td>{escape(printable(one.label))}</td><td>{one.score:.1%}</td>"
            f'<td><meter min="0" max="1" value="{one.score:.4f}"></meter></td></tr>'
            for one in self
        )
        return (
            f"<table><thead><tr><th>class</th><th>probability</th><th></th></tr></thead><tbody>{rows}</tbody></table>"
        )
