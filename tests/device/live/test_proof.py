"""A station says what the golden probes said where it runs: passed, failed, or that there are none."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgecnn import EdgecnnWarning
from edgecnn.device import Classifier
from edgecnn.device.live.proof import prove
from edgecnn.device.live.station import describe_station, release_of
from edgecnn.model_file.bundled import bundled_models
from edgecnn.model_file.container import sha256
from edgecnn.model_file.golden import golden_of
from tests.support.model_files import write_bare
from tests.support.ssh_keys import allow, make_key, needs_openssh

BUNDLED = bundled_models()["fashion-mnist"]


def test_the_probes_of_the_bundled_model_pass_here() -> None:
    proof = prove(Classifier("fashion-mnist"))
    assert proof.passed is True and proof.probes == proof.top1_equal > 0 and proof.signer is None
    assert proof.max_difference is not None and proof.tolerance is not None
    assert 0 <= proof.max_difference <= proof.tolerance < 1


def test_a_machine_that_computes_otherwise_than_where_the_model_was_made_fails() -> None:
    classifier = Classifier("fashion-mnist")
    golden = golden_of(classifier.loaded.packed)
    assert golden is not None
    turned = replace(golden, host=np.roll(golden.host, 1, axis=1))  # every answer is the next class
    packed = replace(classifier.loaded.packed, golden=turned.to_bytes())
    classifier.loaded = replace(classifier.loaded, packed=packed)
    proof = prove(classifier)
    assert proof.passed is False and proof.top1_equal == 0 and proof.max_difference is not None
    assert proof.max_difference > 0.5


def test_a_file_without_probes_is_neither(tmp_path: Path) -> None:
    with pytest.warns(EdgecnnWarning, match="no card"):
        classifier = Classifier(write_bare(tmp_path / "bare.tflite"))
    proof = prove(classifier)
    assert (proof.passed, proof.probes, proof.max_difference, proof.tolerance) == (None, 0, None, None)


@needs_openssh
def test_who_signed_is_told_where_a_signature_was_required(tmp_path: Path) -> None:
    from edgecnn.device.signing import sign_model

    model, key = Path(shutil.copy(BUNDLED, tmp_path / "m.tflite")), make_key(tmp_path)
    sign_model(model, key)
    assert prove(Classifier(model)).signer is None
    classifier = Classifier(model, require_signature=allow(key))
    assert prove(classifier).signer == classifier.loaded.signature.signer is not None  # type: ignore[union-attr]
    assert (
        describe_station(classifier, str(model)).model_sha256
        == sha256(model.read_bytes())
        != sha256(BUNDLED.read_bytes())
    )


def test_a_station_tells_of_the_file_that_it_runs_not_of_what_lies_there_now(tmp_path: Path) -> None:
    model = Path(shutil.copy(BUNDLED, tmp_path / "m.tflite"))
    classifier = Classifier(model)
    shutil.copy(bundled_models()["fashion-mnist.activations"], model)
    assert describe_station(classifier, str(model)).model_sha256 == sha256(BUNDLED.read_bytes())
    model.unlink()
    assert describe_station(classifier, str(model)).model_sha256 == sha256(BUNDLED.read_bytes())


def test_a_release_is_the_folder_that_links_lead_to(tmp_path: Path) -> None:
    (tmp_path / "releases" / "3f9a").mkdir(parents=True)
    model = Path(shutil.copy(BUNDLED, tmp_path / "releases" / "3f9a" / "m.tflite"))
    (tmp_path / "current").symlink_to("releases/3f9a")
    assert release_of(tmp_path / "current" / "m.tflite") == release_of(model) == "3f9a"
    (tmp_path / "linked.tflite").symlink_to(model)
    assert release_of(tmp_path / "linked.tflite") == "3f9a"
    assert release_of(BUNDLED) is None and release_of(Path("m.tflite")) is None
