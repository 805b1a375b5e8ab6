"""Which operators a delegate computes."""

from pathlib import Path

import pytest

from edgecnn import EdgecnnWarning
from edgecnn.device import Classifier, Delegate
from edgecnn.device.runtime.loading import open_model
from edgecnn.device.runtime.placement import DelegatePlacement
from edgecnn.device.runtime.run_options import RunOptions

POOLS = (("MAX_POOL_2D",), ("MAX_POOL_2D",))
OTHERS = ("CONV_2D", "CONV_2D", "RESHAPE", "FULLY_CONNECTED", "FULLY_CONNECTED", "SOFTMAX")


def placement(delegate: Delegate) -> DelegatePlacement:
    return open_model("fashion-mnist", RunOptions(delegate=delegate)).session.placement()


def test_what_it_computes_is_counted(library: str) -> None:
    placed = placement(Delegate(library))
    assert placed.partitions == POOLS and placed.on_cpu == OTHERS
    assert (placed.delegated, placed.operators) == (2, 8)
    assert str(placed).endswith(f"computes 2 of 8 operators in 2 partitions; on the CPU: {', '.join(OTHERS)}")


def test_built_in_ones_are_told_apart() -> None:
    placed = placement(Delegate("cpu"))
    assert placed.delegated == 0 and len(placed.on_cpu) == 8
    if not Classifier("fashion-mnist").runtime.startswith("ai-edge-litert"):
        # This one's XNNPACK takes int8 networks only where it was told to.
        with pytest.warns(EdgecnnWarning, match="xnnpack computes none of the 8 operators"):
            placement(Delegate("xnnpack"))
        return
    placed = placement(Delegate("xnnpack"))
    # LiteRT's XNNPACK takes an int8 network but for its softmax.
    assert placed.delegated == 7 and placed.on_cpu == ("SOFTMAX",)


def test_one_in_the_current_folder_needs_no_slash(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(library).parent)
    assert placement(Delegate(Path(library).name)).delegated == 2
