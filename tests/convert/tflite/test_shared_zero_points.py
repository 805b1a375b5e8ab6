"""Zero points for each channel are written once: fewer bytes, and the same network."""

import numpy as np
import numpy.typing as npt
import pytest
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.convert.network.feature_maps import feature_maps, with_named_outputs
from edgecnn.convert.tflite.exporters import EXPORTERS, ExportInput
from edgecnn.convert.tflite.saved_model import converter_of
from edgecnn.convert.tflite.shared_zero_points import with_zero_points_shared
from tests.support.many_operators import fed_noise, make_many_operators


@pytest.fixture(scope="module")
def flatbuffers() -> dict[str, bytes]:
    network = make_many_operators()
    named = with_named_outputs(network, feature_maps(network))

    def export(scheme: str) -> bytes:
        with converter_of(named) as converter:
            return EXPORTERS[scheme](ExportInput(converter, fed_noise(10), "int8"))

    return {scheme: export(scheme) for scheme in ("float32", "int8")}


def answers(flatbuffer: bytes) -> list[bytes]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=flatbuffer)
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()
    rng = np.random.default_rng(3)
    found = []
    for _ in range(5):
        interpreter.set_tensor(taken["index"], rng.integers(-128, 128, taken["shape"]).astype(taken["dtype"]))
        interpreter.invoke()
        found += [interpreter.get_tensor(each["index"]).tobytes() for each in given]
    return found


def test_the_same_tensors_and_answers_in_fewer_bytes(flatbuffers: dict[str, bytes]) -> None:
    before = flatbuffers["int8"]
    after = with_zero_points_shared(before)
    channels = [zeros for zeros in _zero_points(before) if len(zeros) > 1]
    lengths = {len(zeros) for zeros in channels}
    spared = 8 * (sum(map(len, channels)) - sum(lengths))
    assert len(before) - len(after) >= 0.9 * spared > 100
    assert [zeros.tolist() for zeros in _zero_points(after)] == [zeros.tolist() for zeros in _zero_points(before)]
    assert answers(after) == answers(before)


def test_zero_points_of_activations_can_be_changed_one_by_one(flatbuffers: dict[str, bytes]) -> None:
    edited = bytearray(with_zero_points_shared(flatbuffers["int8"]))
    before = [zeros.tolist() for zeros in _zero_points(edited)]
    place = next(place for place, zeros in enumerate(before) if len(zeros) == 1 and before.count(zeros) > 1)
    _zero_points(edited)[place][:] = 77
    assert [zeros.tolist() for zeros in _zero_points(edited)] == [*before[:place], [77], *before[place + 1 :]]


def test_a_network_of_floats_stays_as_it_is(flatbuffers: dict[str, bytes]) -> None:
    assert with_zero_points_shared(flatbuffers["float32"]) is flatbuffers["float32"]


def _zero_points(flatbuffer: bytes | bytearray) -> list[npt.NDArray[np.int64]]:
    subgraph = schema.Model.GetRootAs(flatbuffer, 0).Subgraphs(0)
    quantizations = (subgraph.Tensors(place).Quantization() for place in range(subgraph.TensorsLength()))
    return [each.ZeroPointAsNumpy() for each in quantizations if each is not None and each.ZeroPointLength()]
