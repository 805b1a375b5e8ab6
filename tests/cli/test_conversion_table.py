"""What edgecnn convert says of the files that it made, to people and to programs."""

import json
import math
from pathlib import Path

import pytest

from edgecnn.cli import conversion_table
from edgecnn.convert.result import Conversion, ConvertedFile, LayerParity
from edgecnn.model_file.card import Parity

PARITY = Parity(200, agreement=0.995, keras_accuracy=0.9, accuracy=0.885, interval_low=0.8333, interval_high=0.9222)
PLAIN = ConvertedFile(Path("run/model.int8.tflite"), 250_000, 0.2511, PARITY)
VARIANT = ConvertedFile(Path("run/model.int8.activations.tflite"), 251_000, 0.2521, PARITY)
LAYERS = (LayerParity("conv", 31.25), LayerParity("lost", -0.04), LayerParity("probabilities", math.inf))
BOTH = Conversion(
    "int8", PLAIN, VARIANT, 980_123, bit_equal=True, layers=LAYERS, notes=("what the target makes of it",),
    compiled=Path("run/model.int8.edgetpu.tflite"), doubt="too few images",
)  # fmt: skip


def test_people_get_a_table_and_every_figure_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    conversion_table.show(BOTH)
    assert capsys.readouterr().out.splitlines() == [
        "file                                 bytes  of float32  accuracy    95 % interval  agreement",
        "Keras                                                     90.00%",
        "run/model.int8.tflite              250,000       25.1%    88.50%  83.33% - 92.22%     99.50%",
        "run/model.int8.activations.tflite  251,000       25.2%    88.50%  83.33% - 92.22%     99.50%",
        "on 200 images; a float32 file with the same card and probes has 995,619 bytes",
        "probabilities of both files: equal to the bit",
        "scores are as the network gives them: too few images",
        "  SQNR   31.2 dB  conv",
        "  SQNR    0.0 dB  lost",
        "  SQNR    inf dB  probabilities",
        "what the target makes of it",
        "compiled: run/model.int8.edgetpu.tflite",
    ]


def test_without_labels_there_is_no_accuracy_and_without_a_variant_no_line_on_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    unknown = Parity(20, 1.0, keras_accuracy=None, accuracy=None, interval_low=None, interval_high=None)
    plain = ConvertedFile(Path("m.tflite"), 1000, 0.5, unknown)
    conversion_table.show(Conversion("dynamic", plain, None, 2000, bit_equal=None, layers=()))
    assert capsys.readouterr().out.splitlines() == [
        "file      bytes  of float32  accuracy  95 % interval  agreement",
        "Keras",
        "m.tflite  1,000       50.0%                             100.00%",
        "on 20 images; a float32 file with the same card and probes has 2,000 bytes",
    ]


def test_programs_get_paths_as_text_and_no_infinite_number() -> None:
    told = json.loads(json.dumps(conversion_table.to_dict(BOTH), allow_nan=False))
    assert told["plain"]["path"] == "run/model.int8.tflite" and told["plain"]["parity"]["accuracy"] == 0.885
    assert told["compiled"] == "run/model.int8.edgetpu.tflite" and told["activations"]["size_bytes"] == 251_000
    assert [layer["sqnr_db"] for layer in told["layers"]] == [31.25, -0.04, None]
    assert [layer["name"] for layer in told["layers"]] == ["conv", "lost", "probabilities"]
