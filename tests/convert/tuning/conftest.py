"""A quantized file of most operators."""

import pytest

from tests.support.many_operators import fed_noise, make_many_operators


@pytest.fixture(scope="module")
def flatbuffer() -> bytes:
    from edgecnn.convert.network.feature_maps import with_named_outputs
    from edgecnn.convert.tflite.export import to_flatbuffer

    return to_flatbuffer(with_named_outputs(make_many_operators()), "int8", fed_noise(20))
