"""Pictures look alike whatever matplotlib's settings are, and are written whole or not at all."""

from pathlib import Path

import pytest
from PIL import Image

from edgecnn import OutputError

matplotlib = pytest.importorskip("matplotlib")


def test_the_users_settings_do_not_count_inside_and_are_back_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgecnn.figure_style import plain_style

    monkeypatch.setitem(matplotlib.rcParams, "figure.facecolor", "red")
    with plain_style():
        assert matplotlib.rcParams["figure.facecolor"] == matplotlib.rcParamsDefault["figure.facecolor"] != "red"
    assert matplotlib.rcParams["figure.facecolor"] == "red"


def test_figure_is_written_as_png_or_not_at_all(tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    from edgecnn.figure_style import save_figure

    save_figure(Figure(figsize=(2, 1)), tmp_path / "figure.png")
    with Image.open(tmp_path / "figure.png") as image:
        assert image.format == "PNG" and image.info["dpi"] == pytest.approx((110, 110), abs=0.1)
    with pytest.raises(OutputError, match="cannot write"):
        save_figure(Figure(), tmp_path / "figure.png" / "below.png")


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 2), (4, 6), (1, 40)])
def test_only_whole_epochs_are_marked(first: int, last: int) -> None:
    from matplotlib.figure import Figure

    from edgecnn.figure_style import number_epochs

    axes = Figure().subplots()
    epochs = range(first, last + 1)
    axes.plot(epochs, [0.1] * len(epochs))
    number_epochs(axes, first, last)
    low, high = axes.get_xlim()
    shown = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert shown and set(shown) <= set(epochs)
