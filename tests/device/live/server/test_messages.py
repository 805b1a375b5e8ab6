"""What a viewer is sent: the camera's own bytes, the network's own values, and no more than the budget."""

import contextlib
import io
import json
import math
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgecnn import ModelFileError
from edgecnn.device import Classifier, FeatureExtractor
from edgecnn.device.live.steady import Verdict
from edgecnn.device.live.watcher import Watcher
from edgecnn.device.map_reader import RawMap
from edgecnn.model_file.bundled import bundled_models, find_model
from tests.support.live_page import Page, ask, frame_of, served, text_of
from tests.support.model_files import fields_of_card, repacked, write_bare
from tests.support.waiting import until

from edgecnn.device.live.server.messages import MOST_BYTES, choose_maps, describe_verdict  # isort: skip - after what skips
from edgecnn.device.live.server.requests import MapRequest  # isort: skip
from edgecnn.device.live.server.serving import advice_on_maps  # isort: skip


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with served() as page:
        yield page


def with_maps(viewer: Any, maps: list[list[int]]) -> dict[str, Any]:
    """The first frame that has the maps: the ones before were classified before anybody asked."""
    for _ in range(50):
        ask(viewer, maps)
        frame = frame_of(viewer)
        if len(frame["maps"]) == len(maps):
            return frame
    raise AssertionError("no maps came")


def test_values_are_the_networks_own_and_real_ones_follow_from_scale_and_zero(page: Page, tmp_path: Path) -> None:
    with page.connect() as viewer:
        layers = text_of(viewer, "hello")["layers"]
        frame = with_maps(viewer, [[2, 10, 7], [0, 0, 64], [1, 63, 5]])
    (tmp_path / "kept.png").write_bytes(frame["jpeg"])
    expected = FeatureExtractor("fashion-mnist.activations").extract(tmp_path / "kept.png", crop="square").maps
    for head, values, part in zip(frame["maps"], frame["values"], [(10, 17), (0, 64), (63, 64)], strict=True):
        real = np.float32(head["scale"]) * (values.astype(np.float32) - np.float32(head["zero"]))
        assert np.array_equal(real, expected[layers[head["layer"]]["name"]][:, :, slice(*part)])
        assert head["first"] == part[0] and head["exact"] is True and head["stride"] == 1
    assert [head["layer"] for head in frame["maps"]] == [2, 0, 1] and frame["left_out"] == []


def test_the_steady_answer_comes_with_each_frame(page: Page) -> None:
    def settled() -> dict[str, Any]:
        for _ in range(100):
            ask(viewer, [])
            frame = frame_of(viewer)
            if frame["answer"] is not None:
                return frame
        raise AssertionError("no answer came")

    with page.connect() as viewer:
        answer = settled()["answer"]
    assert set(answer) == {"label", "index", "score", "reason"}
    labels = page.watcher.classifier.labels
    expected = labels[answer["index"]] if answer["reason"] == "class" else "unknown"
    assert answer["label"] == expected and answer["reason"] in ("class", "below threshold")
    told = describe_verdict(Verdict("Bag", 8, 0.12345678, since=1.5, frame=3, reason="class"))
    assert told == {"label": "Bag", "index": 8, "score": 0.123457, "reason": "class"}


def test_the_picture_is_the_frame_as_it_came_and_the_input_what_the_model_saw(page: Page) -> None:
    with page.connect() as viewer:
        ask(viewer, [])
        frame = frame_of(viewer)
    name = next(path for path in page.watcher.source._paths if Path(path).name == frame["name"])  # type: ignore[attr-defined]
    assert frame["jpeg"] == Path(name).read_bytes()
    assert np.array_equal(frame["pixels"], page.watcher.classifier.prepare(name, crop="square").pixels)
    assert frame["age_ms"] < 2000 and frame["crop"] == [0, 0, 28, 28]


def test_a_picture_that_no_browser_shows_is_sent_as_a_small_jpeg(tmp_path: Path) -> None:
    halves = np.full((900, 1600, 3), (200, 40, 40), np.uint8)
    halves[:, 800:] = (20, 60, 180)
    Image.fromarray(halves).save(tmp_path / "wide.bmp")
    with served(source=str(tmp_path / "wide.bmp")) as page, page.connect() as viewer:
        ask(viewer, [])
        jpeg = frame_of(viewer)["jpeg"]
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (800, 450))
        sides = np.asarray(picture, np.int32)[:, [100, 700]]
    assert np.abs(sides - [(200, 40, 40), (20, 60, 180)]).max() < 8


def test_maps_are_made_only_while_somebody_asks_for_them(page: Page) -> None:
    assert until(lambda: not page.watcher.wanted_maps)
    with page.connect() as one, page.connect() as other:
        ask(one, [[0, 0, 1]])
        ask(other, [[3, 0, 1], [900, 0, 1]])
        assert until(lambda: page.watcher.wanted_maps == {"conv2d", "max_pooling2d_1"})
    assert until(lambda: not page.watcher.wanted_maps)


def test_what_a_person_should_know_is_told_to_every_viewer(page: Page) -> None:
    with page.connect() as one, page.connect() as other:
        for viewer in (one, other):
            text_of(viewer, "hello")
        for tell in page.watcher.notes:
            tell("The lens is dirty.")
        assert [text_of(viewer, "note") for viewer in (one, other)] == ["The lens is dirty."] * 2


def test_a_page_that_is_closed_takes_leave_of_its_viewers_and_of_its_watcher() -> None:
    from websockets.exceptions import ConnectionClosed

    with contextlib.ExitStack() as viewers:
        with served() as page:
            viewer = viewers.enter_context(page.connect())
            text_of(viewer, "hello")
            before = len(page.watcher.listeners), len(page.watcher.notes)
        with pytest.raises(ConnectionRefusedError):
            page.get("/")
        with pytest.raises(ConnectionClosed):
            text_of(viewer, "nothing that is ever said")
    assert (len(page.watcher.listeners), len(page.watcher.notes)) == (before[0] - 1, before[1] - 1)


@pytest.mark.parametrize(
    ("model", "advice"),
    [
        ("fashion-mnist.activations", ""),
        ("fashion-mnist", "Its activations variant does: edgecnn live fashion-mnist.activations"),
        (str(find_model("fashion-mnist")), f"does: edgecnn live {find_model('fashion-mnist.activations')}"),
    ],
)
def test_a_model_without_maps_names_the_one_that_has_them(model: str, advice: str) -> None:
    said = advice_on_maps(model, Watcher(Classifier(model), "samples"))
    assert advice in said and bool(said) is bool(advice)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("m.bin", "The one that edgecnn convert writes as .activations.tflite does."),
        ("model", "The one that edgecnn convert writes as .activations.tflite does."),
        ("my door.int8.tflite", "my door.int8.activations.tflite, which edgecnn convert writes beside it, does."),
        ("fashion-mnist", "The one that edgecnn convert writes as .activations.tflite does."),
    ],
)
def test_no_model_is_advised_that_nobody_has(
    name: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, beside = Path(name), Path(f"{Path(name).stem}.activations{Path(name).suffix}")
    path.write_bytes(bundled_models()["fashion-mnist"].read_bytes())
    watcher = Watcher(Classifier(name), "samples")
    assert advice_on_maps(name, watcher).endswith(advice)
    beside.write_bytes(bundled_models()["fashion-mnist.activations"].read_bytes())
    assert advice_on_maps(name, watcher).endswith(f"does: edgecnn live {shlex.quote(str(beside))}")


def test_a_variant_of_another_network_is_not_advised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fields = fields_of_card("fashion-mnist.activations")
    fields["provenance"]["parent_sha256"] = "0" * 64
    repacked(Path("m.activations.tflite"), "fashion-mnist.activations", fields=fields)
    Path("m.tflite").write_bytes(bundled_models()["fashion-mnist"].read_bytes())
    said = advice_on_maps("m.tflite", Watcher(Classifier("m.tflite"), "samples"))
    assert said.endswith("m.activations.tflite is of another network: convert the run again.")


@pytest.mark.filterwarnings("ignore:.* carries no card")
@pytest.mark.parametrize("packed", [False, True])
def test_of_another_tools_file_the_page_advises_what_features_does(
    packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fields = fields_of_card()
    fields["provenance"]["keras"] = ""  # as edgecnn pack writes it
    repacked(Path("m.tflite"), fields=fields) if packed else write_bare(Path("m.tflite"))
    watcher = Watcher(Classifier("m.tflite"), "samples")
    advice = "edgecnn convert, of the Keras model that it was made of, writes a variant that does"
    assert advice_on_maps("m.tflite", watcher).endswith(f"{advice}.")
    with pytest.raises(ModelFileError, match=advice):
        FeatureExtractor("m.tflite")
    write_bare(Path("m.activations.tflite"), "fashion-mnist.activations")
    assert advice_on_maps("m.tflite", watcher).endswith("does: edgecnn live m.activations.tflite")


def test_viewers_who_ask_for_the_same_get_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as page:
        assert until(lambda: page.server.hub.newest is not None)
        page.watcher.stop()
        newest = page.server.hub.newest
        assert newest is not None
        made: list[tuple[MapRequest, ...]] = []

        def count(maps: Any, layers: Any, request: tuple[MapRequest, ...]) -> Any:
            made.append(request)
            return choose_maps(maps, layers, request)

        monkeypatch.setattr("edgecnn.device.live.server.messages.choose_maps", count)
        first = newest.message((MapRequest(0, 0, 4),))[4:]
        assert newest.message((MapRequest(0, 0, 4),))[4:] == first and len(made) == 1


def raw(height: int, width: int, count: int, name: str = "a") -> RawMap:
    values = np.arange(height * width * count, dtype=np.uint64).astype(np.uint8).reshape(height, width, count)
    return RawMap(name, values, 0.5, 3, True)


def test_large_maps_lose_positions_evenly_and_never_a_value() -> None:
    one = raw(112, 90, 3)
    ((head, values),), left_out = choose_maps({"a": one}, ["a"], (MapRequest(0, 0, 3),))
    assert head["stride"] == 2 and np.array_equal(values, one.values[::2, ::2]) and left_out == []
    ((head, values),), _ = choose_maps({"a": one}, ["a"], (MapRequest(0, 1, 1),))
    assert head["stride"] == 1 and np.array_equal(values, one.values[:, :, 1:2])


def test_what_was_chosen_first_is_in_when_there_is_too_much() -> None:
    layers = [f"layer{n}" for n in range(6)]
    maps = {name: raw(56, 56, 64, name) for name in layers}
    order = [4, 0, 1, 2, 3, 5]
    chosen, left_out = choose_maps(maps, layers, tuple(MapRequest(n, 0, 64) for n in order))
    sizes = {head["layer"]: math.prod(head["shape"]) for head, _ in chosen}
    assert list(sizes) == [4, 0, 1] and sizes[4] == sizes[0] == 56 * 56 * 64
    assert sum(sizes.values()) <= MOST_BYTES < sum(sizes.values()) + 56 * 56 and left_out == [1, 2, 3, 5]


@pytest.mark.parametrize("request_", [MapRequest(7, 0, 1), MapRequest(0, 10**6, 10**6)])
def test_filters_that_are_not_there_are_the_last_ones_and_layers_none(request_: MapRequest) -> None:
    chosen, left_out = choose_maps({"a": raw(2, 3, 5)}, ["a"], (request_,))
    assert left_out == [] and [head["first"] for head, _ in chosen] == ([4] if request_.layer == 0 else [])


def test_state_and_the_newest_frame_over_http(page: Page) -> None:
    assert until(lambda: page.server.hub.newest is not None)
    status, headers, body = page.get("/api/state")
    state = json.loads(body)
    assert status == 200 and state["latest"]["predictions"][0]["label"] in page.watcher.classifier.labels
    assert state["status"]["running"] and state["layers"] == list(page.watcher.layers) and state["classes"] == 10
    status, headers, body = page.get("/api/frame.jpg")
    assert status == 200 and headers["content-type"] == "image/png" and body.startswith(b"\x89PNG")
