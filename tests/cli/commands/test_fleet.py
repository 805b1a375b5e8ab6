"""edgecnn fleet with a real broker: what is printed, what is written, and the exit code."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgecnn.model_file.bundled import bundled_models
from edgecnn.model_file.container import read_model, sha256
from tests.support.brokers import broker, needs_mosquitto
from tests.support.command_line import Outcome, Run, printed, sentence
from tests.support.fleets import keep, station
from tests.support.json_schemas import check
from tests.support.ports import closed_port

pytestmark = needs_mosquitto
ODD = (0.64,) + (0.04,) * 9
MODEL = bundled_models()["fashion-mnist"]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker with fleets under several prefixes."""
    well: dict[str, Any] = {"model_sha256": sha256(MODEL.read_bytes()), "release": "r1"}
    card = read_model(MODEL).card
    assert card is not None
    well["network_sha256"] = card.provenance.flatbuffer_sha256
    with broker(tmp_path_factory.mktemp("broker")) as one:
        fleets: dict[str, dict[str, Any]] = {"well": {}, "odd": {}, "two": {}, "hostile": {"<i>\u202e/state": "1"}}
        for number in range(4):
            name = f"pi-{number}"
            fleets["well"] |= station(name, **well)
            fleets["odd"] |= station(name, classes=ODD if number == 2 else (0.1,) * 10, **well)
            release = {"release": "r2", "model_sha256": "c" * 64} if number > 1 else {}
            fleets["two"] |= station("few", 50, **well) | station(
                name, classes=ODD if release else (0.1,) * 10, **{**well, **release}
            )
            fleets["hostile"] |= station(name, model="<b>\x1b[31mm</b>\u202e" * 9, release="<script>", **{})
        fleets["stateless"] = {
            topic: payload
            for number in range(3)
            for topic, payload in station(f"pi-{number}").items()
            if not topic.endswith("/state")
        }
        fleets["many"] = {}
        for number in range(9):
            fleets["many"] |= station(f"pi-{number}", model_sha256=f"{number}" * 64)
        fleets["hostile"] |= {"nan/state": '{"time": NaN}', "huge/counters": "[" * 2_000_000}
        for prefix, told in fleets.items():
            keep(one.port, told, prefix)
        yield f"mqtt://127.0.0.1:{one.port}"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("paho", reason="--mqtt needs edgecnn[mqtt]")
    monkeypatch.setattr("edgecnn.fleet.reading.QUIET", 0.2)


@pytest.fixture
def fleet(edgecnn: Run, url: str) -> Any:
    def run(command: str, prefix: str, *options: str | Path) -> Outcome:
        return edgecnn("fleet", command, *options, "--mqtt", f"{url}/{prefix}")

    return run


def test_a_fleet_that_is_well_is_listed_and_ends_with_0(fleet: Any) -> None:
    result = fleet("status", "well", "--expect", MODEL)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[1].split() == [
        "device", "now", "seen", "model", "version", "verified", "edgecnn", "frames", "doubtful", "unlike", "°C"
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[2:6]] == ["pi-0", "pi-1", "pi-2", "pi-3"] and " r1 " in lines[2]
    assert "nothing is wrong" in lines[-1]
    only = json.loads(printed(fleet("status", "well", "--devices", "*-[13]", "--json")))
    assert [one["device"] for one in only["devices"]] == ["pi-1", "pi-3"] and only["passed"] is True


def test_another_model_than_expected_ends_with_1_unless_that_is_ignored(fleet: Any) -> None:
    result = fleet("status", "two", "--expect", MODEL, "--json")
    found = json.loads(result.stdout)
    check("fleet-status", [found])
    assert result.exit_code == 1 and found["passed"] is False
    assert {(one["device"], one["kind"]) for one in found["findings"]} == {
        ("pi-2", "other-model"),
        ("pi-3", "other-model"),
    }
    assert fleet("status", "two", "--expect", MODEL, "--ignore", "other-model").exit_code == 0
    assert fleet("status", "two", "--max-age", "0.001").exit_code == 1


def test_who_is_on_the_roster_and_not_there_is_missing(fleet: Any, tmp_path: Path) -> None:
    roster = tmp_path / "roster"
    roster.write_text("\ufeffpi-0 # the door\r\npi-1\npi-2\n\n# new\npi-3\npi-9\nshop\n", encoding="utf-8")
    result = fleet("status", "well", "--roster", roster)
    assert result.exit_code == 1 and "nothing is wrong with any of them. 2 of the roster are missing" in result.stdout
    assert "pi-9: it is on the roster, and the broker keeps nothing of it" in result.stdout
    found = json.loads(printed(fleet("status", "well", "--roster", roster, "--devices", "pi-*", "--json"), 1))
    check("fleet-status", [found])
    assert [(one["device"], one["kind"]) for one in found["findings"]] == [("pi-9", "missing")]
    assert fleet("status", "well", "--roster", roster, "--devices", "pi-[0-3]").exit_code == 0
    roster.write_text(json.dumps(found))  # four names were there
    assert fleet("status", "well", "--roster", roster).exit_code == 0
    empty = fleet("status", "nobody", "--roster", roster)
    assert empty.exit_code == 1 and "No device has told" in empty.stdout and "4 of the roster" in empty.stdout


def test_who_cannot_be_compared_is_named(fleet: Any) -> None:
    drift = fleet("drift", "hostile")
    assert drift.exit_code == 0 and "Without totals, and passed over: 2 (huge, nan)." in drift.stderr
    compared = fleet("compare", "two")
    assert compared.exit_code == 1 and "Left out, with fewer images than --min-images: 1." in compared.stderr


def test_drift_names_the_odd_one_and_since_an_earlier_look_there_is_too_little(fleet: Any, tmp_path: Path) -> None:
    result = fleet("drift", "odd")
    assert result.exit_code == 1 and "1 of 4 devices that could be compared answer otherwise" in result.stdout
    (line,) = (one for one in result.stdout.splitlines() if " otherwise " in one and one.startswith("pi-"))
    assert line.startswith("pi-2") and "class 0" in line
    found = json.loads(printed(fleet("drift", "odd", "--json"), 1))
    check("fleet-drift", [found])
    assert fleet("drift", "odd", "--max-psi", "50").exit_code == fleet("drift", "well").exit_code == 0
    (tmp_path / "before.json").write_text(printed(fleet("status", "odd", "--json")))
    since = json.loads(printed(fleet("drift", "odd", "--since", tmp_path / "before.json", "--json")))
    check("fleet-drift", [since])
    assert {(one["frames"], one["verdict"]) for one in since["devices"]} == {(0, "too few images")}
    (tmp_path / "part.json").write_text(printed(fleet("status", "odd", "--json", "--devices", "pi-[01]")))
    part = fleet("drift", "odd", "--since", tmp_path / "part.json")
    assert "Not in the file of --since, so that all that they ever counted is in this: 2 (pi-2, pi-3)." in part.stderr
    assert "Not in" not in fleet("drift", "odd", "--since", tmp_path / "before.json").stderr + result.stderr
    before = json.loads((tmp_path / "before.json").read_text())
    before["devices"][1]["counters"]["id"] = "of another count"
    (tmp_path / "before.json").write_text(json.dumps(before))
    told = fleet("drift", "odd", "--since", tmp_path / "before.json").stderr
    assert "With another count than in the file of --since, all of which is in this: 1 (pi-1)." in told


def test_since_a_look_of_an_older_edgecnn_it_is_not_known_what_was_unlike(fleet: Any, tmp_path: Path) -> None:
    before = json.loads(printed(fleet("status", "odd", "--json")))
    check("fleet-status", [before])
    for row in before["devices"]:
        told = row["counters"]
        del told["drift"]
        told |= {"frames": 1, "doubtful": 0, "compared": 0, "switches": 0, "scores": [0] * 9 + [1]}
        told["classes"] = {label: int(label == "class 2") for label in told["classes"]}
    (tmp_path / "before.json").write_text(json.dumps(before))
    since = ("devices=pi-[01]", "devices=pi-[23]", "--since", tmp_path / "before.json")
    found = json.loads(fleet("compare", "odd", *since, "--json").stdout)
    check("fleet-compare", [found])
    assert found["unlike"] is None and len(found["shares"]) == 10
    result = fleet("compare", "odd", *since)
    assert "the file of --since is of an older edgecnn" in result.stderr and "unlike" not in result.stdout


def test_who_does_not_say_what_it_runs_is_named_and_no_peer(fleet: Any) -> None:
    result = fleet("drift", "stateless")
    assert "of 0 devices" not in result.stdout and "that takes three of one model" in result.stdout
    words = "Without a state that says what they run, and passed over: 3 (pi-0, pi-1, pi-2)."
    assert words in result.stderr


def test_models_beyond_the_eighth_are_not_dropped_without_a_word(fleet: Any) -> None:
    (line,) = (one for one in fleet("status", "many").stderr.splitlines() if "Models: " in one)
    assert line.count(" on 1") == 8 and line.endswith(" on 1 and 1 more.")


def test_two_models_side_by_side(fleet: Any) -> None:
    for groups in (
        [],
        [f"model={MODEL}", "model=cccccccc"],
        ["release=r1", "release=r2"],
        ["devices=*[01]", "devices=*[23]"],
    ):
        result = fleet("compare", "two", *groups, "--json")
        found = json.loads(result.stdout)
        check("fleet-compare", [found])
        assert result.exit_code == 1 and found["devices"] == [2, 2] and found["classes"]["low"] > 0.25
    text = printed(fleet("compare", "two"), 1)
    assert "They answer otherwise" in text
    rows = re.findall(r"([+-][\d.]+) to ([+-][\d.]+)( \*)?$", text, re.MULTILINE)
    assert rows and all(bool(mark) == (low[0] == high[0]) for low, high, mark in rows)
    assert fleet("compare", "well", "devices=pi-0", "devices=pi-1").exit_code == 0


def test_the_page_shows_hostile_names_as_text_and_is_not_overwritten(fleet: Any, tmp_path: Path) -> None:
    page = tmp_path / "fleet.html"
    result = fleet("status", "hostile", "--html", page)
    assert result.exit_code == 1 and "\x1b" not in result.output and "\u202e" not in result.output
    assert "nan: its message state does not read" in result.stdout and "2,000,000 bytes" in result.stdout
    assert "Names that no station can have, whose topics were passed over: 1 (<i>\\u202e)." in result.stderr
    text = page.read_text()
    assert "<b>" not in text and "<script" not in text and "&lt;b&gt;\\x1b[31mm" in text and "src=" not in text
    assert "exists already" in sentence(fleet("status", "hostile", "--html", page)) and page.read_text() == text
    for command, prefix in (("drift", "odd"), ("compare", "two")):
        assert fleet(command, prefix, "--html", page, "--force").exit_code == 1
        text, before = page.read_text(), text
        assert text != before and text.startswith("<!doctype html>") and "PSI" in text
    assert json.loads(printed(fleet("status", "hostile", "--json"), 1))["passed"] is False


def test_nobody_there_is_said_and_ends_with_1(fleet: Any, edgecnn: Run) -> None:
    for command in ("status", "drift"):
        result = fleet(command, "nobody")
        assert result.exit_code == 1 and "No device has told anything" in result.stdout
        other = fleet(command, "well", "--devices", "Pi-*")
        assert other.exit_code == 1 and "None of the 4 devices at" in other.stdout and "--devices" in other.stdout
    with closed_port() as port:
        gone = edgecnn("fleet", "status", "--mqtt", f"mqtt://127.0.0.1:{port}")
    assert gone.exit_code == 1 and gone.stderr.count("\n") == 1 and "Connection refused" in gone.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("status",), "--mqtt"),
        (("status", "--mqtt", "http://x"), "no URL of a broker"),
        (("status", "--mqtt", "mqtt://x", "--mqtt-key", MODEL), "--mqtt-key goes with --mqtt-cert"),
        (("status", "--mqtt", "mqtt://x", "--mqtt-ca", MODEL), "mqtts://"),
        (("status", "--mqtt", "mqtt://x", "--max-age", "nan"), "nan is no number"),
        (("status", "--mqtt", "mqtt://x", "--ignore", "rain"), "rain"),
        (("drift", "--mqtt", "mqtt://x", "--max-psi", "0"), "--max-psi"),
        (("drift", "--mqtt", "mqtt://x", "--since", MODEL), "is not what edgecnn fleet status --json prints"),
        (("status", "--mqtt", "mqtt://x", "--roster", MODEL), "has no names of devices"),
        (("status", "--mqtt", "mqtt://x", "--roster", "gone"), "does not exist"),
        (("compare", "devices=a", "--mqtt", "mqtt://x"), "give two groups"),
        (("compare", "a", "b", "--mqtt", "mqtt://x"), "'a' is no group"),
    ],
)
def test_wrong_usage_is_a_sentence_and_2(options: tuple[str | Path, ...], words: str, edgecnn: Run) -> None:
    result = edgecnn("fleet", *options)
    assert result.exit_code == 2 and words in result.stderr and "Traceback" not in result.output


def test_a_file_that_is_no_model_is_no_expectation(fleet: Any, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_text("no model")
    result = fleet("status", "well", "--expect", tmp_path / "m.tflite")
    assert result.exit_code == 1 and "m.tflite" in result.stderr and "Traceback" not in result.output
    signed_otherwise = shutil.copy(MODEL, tmp_path / "copy.tflite")
    assert fleet("status", "well", "--expect", signed_otherwise).exit_code == 0
    assert fleet("status", "well", "--expect", "fashion-mnist").exit_code == 0
    gone = fleet("status", "well", "--expect", tmp_path / "gone.tflite")
    assert gone.exit_code == 1 and "no model file" in gone.stderr and gone.stderr.count("\n") == 1
