"""What a file answers is looked at before it is signed: who requires the signature asks no more."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn import ModelCard
from edgecnn.device import verify
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import add_header, pack_card, read_model
from edgecnn.model_file.golden import Golden
from tests.support.command_line import Run
from tests.support.model_files import card_and_golden, repacked
from tests.support.ssh_keys import make_key, needs_openssh

pytestmark = needs_openssh


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("keys"))


def swapped_answers(card: ModelCard, golden: bytes) -> dict[str, Any]:
    probes = Golden.from_bytes(golden, card, "m")
    return {"golden": dataclasses.replace(probes, host=np.roll(probes.host, 1, axis=1)).to_bytes()}


def other_scale(card: ModelCard, _golden: bytes) -> dict[str, Any]:
    fields = json.loads(card.to_json())
    fields["input"]["scale"] = [2 * value for value in fields["input"]["scale"]]
    return {"fields": fields}


def other_offset(card: ModelCard, _golden: bytes) -> dict[str, Any]:
    fields = json.loads(card.to_json())
    fields["input"]["offset"] = [0.1]
    return {"fields": fields}


@pytest.mark.parametrize("change", [swapped_answers, other_scale, other_offset])
def test_a_file_that_contradicts_its_own_probes_is_not_signed(
    change: Callable[[ModelCard, bytes], dict[str, Any]], key: Path, edgecnn: Run, tmp_path: Path
) -> None:
    path = repacked(tmp_path / "m.tflite", **change(*card_and_golden()))
    before = path.read_bytes()
    refused = edgecnn("sign", path, "--key", key)
    assert refused.exit_code == 1 and "m.tflite" in refused.stderr and refused.stdout == ""
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_what_verify_warns_of_is_said_when_it_is_signed(key: Path, edgecnn: Run, tmp_path: Path) -> None:
    card, golden = card_and_golden()
    probes = Golden.from_bytes(golden, card, "m")
    other = dataclasses.replace(probes, keras=probes.keras[:, ::-1].copy())
    path = repacked(tmp_path / "m.tflite", golden=other.to_bytes())
    (words,) = verify(path).warnings
    assert "already answered otherwise than Keras on 12 of 12 probes" in words
    done = edgecnn("sign", path, "--key", key)
    assert done.exit_code == 0 and f"m.tflite is signed as it is: {words}" in " ".join(done.stderr.split())
    assert edgecnn("sign", repacked(tmp_path / "healthy.tflite"), "--key", key).stderr == ""


def test_a_file_that_only_an_accelerator_computes_is_signed_with_a_warning(
    key: Path, edgecnn: Run, tmp_path: Path
) -> None:
    pytest.importorskip("tensorflow")
    from tests.support.tflite_files import compiled_for_edge_tpu

    card, golden = card_and_golden()
    path = tmp_path / "m.tflite"
    compiled = compiled_for_edge_tpu(read_model(find_model("fashion-mnist")).flatbuffer)
    path.write_bytes(pack_card(add_header(compiled), card, golden))
    done = edgecnn("sign", path, "--key", key)
    assert done.exit_code == 0 and "what it answers was not looked at; verify it there" in " ".join(done.stderr.split())
