"""Names of stations, which stand in topics."""

import pytest

from edgecnn import InputError
from edgecnn.device_name import require_device_name


@pytest.mark.parametrize("name", ["", "a/b", "a b", "é", "pi+", "x" * 65, "a.b", "#", "a\n"])
def test_what_can_be_no_part_of_a_topic_is_no_device(name: str) -> None:
    with pytest.raises(InputError, match="cannot name a device"):
        require_device_name(name)
    assert require_device_name("Pi-4_b") == "Pi-4_b"
