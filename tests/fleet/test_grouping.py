"""Groups are what a user writes; what is none, is empty or overlaps is said."""

import json
from pathlib import Path

import pytest

from edgecnn import EdgecnnError, InputError, ModelFileError
from edgecnn.fleet.fleet import Device, Fleet, Gathering
from edgecnn.fleet.grouping import choose_groups, parse_group
from edgecnn.model_file.bundled import bundled_models
from edgecnn.model_file.container import sha256
from tests.support.fleets import station


def fleet(**models: str) -> Fleet:
    """Stations by name, with the SHA-256 of their file, behind a space their release."""
    gathering = Gathering()
    for name, model in models.items():
        file, _, release = model.partition(" ")
        told = station(name, model_sha256=file * 64, network_sha256=file * 64, release=release or None)
        for topic, payload in told.items():
            text = payload if isinstance(payload, str) else json.dumps(payload)
            device, kind = topic.split("/")
            gathering.add(device, kind, text.encode())
    return gathering.fleet("here", 0.0, True)


MODEL = bundled_models()["fashion-mnist"]
SHOP = fleet(shop_1="a", shop_2="a 0001-r1", gate_1="b 0007-r1")


def names(*asked: str, among: Fleet = SHOP) -> list[list[str]]:
    return [[one.name for one in devices] for _, devices in choose_groups(among, [parse_group(one) for one in asked])]


def test_groups_by_file_hash_release_and_name(tmp_path: Path) -> None:
    assert names("model=aaaaaa", "model=" + "B" * 64) == [["shop_1", "shop_2"], ["gate_1"]]
    assert names("devices=shop_?", "devices=gate*") == [["shop_1", "shop_2"], ["gate_1"]]
    assert names("release=r1", "devices=shop_1") == [["gate_1", "shop_2"], ["shop_1"]]
    assert names("release=0007-r1", "release=0001-r1") == [["gate_1"], ["shop_2"]]
    for file in (MODEL, "fashion-mnist"):
        assert parse_group(f"model={file}").value == sha256(MODEL.read_bytes())


def test_a_file_of_a_group_is_checked_as_everywhere(tmp_path: Path) -> None:
    file = tmp_path / "m.tflite"
    damaged = bytearray(MODEL.read_bytes())
    damaged[100_000] ^= 1  # among the weights
    file.write_bytes(damaged)
    with pytest.raises(ModelFileError, match="copy the file again"):
        parse_group(f"model={file}")


def test_without_groups_the_two_models_of_the_fleet_are_compared() -> None:
    assert names(among=fleet(a="a", b="b", c="b")) == [["a"], ["b", "c"]]
    with pytest.raises(EdgecnnError, match="not two models run in the fleet but 3"):
        names(among=fleet(a="a", b="b", c="c"))
    with pytest.raises(EdgecnnError, match="but 0; write"):
        names(among=Fleet("here", 0.0, (Device("silent"),)))


@pytest.mark.parametrize("text", ["", "shop", "model=", "=x", "place=shop", "model=abc", "model=no-such.tflite"])
def test_what_is_no_group_is_said_with_what_is(text: str) -> None:
    with pytest.raises(InputError, match="devices=PATTERN"):
        parse_group(text)


def test_groups_that_are_empty_or_overlap_are_said() -> None:
    with pytest.raises(EdgecnnError, match="release=r9: no device at here"):
        names("release=r9", "devices=*")
    with pytest.raises(EdgecnnError, match=r"^in both groups would be shop_1 and 1 more; give two"):
        names("model=aaaaaa", "devices=*")
