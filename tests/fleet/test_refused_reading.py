"""A broker that does not let a fleet be read is told of with the topics that it refuses."""

import pytest

from edgecnn import EdgecnnError
from edgecnn.device.live.outlets.broker import parse_broker
from tests.support.few_lines import few_lines

pytest.importorskip("paho.mqtt.client", reason="edgecnn fleet needs edgecnn[mqtt]")
from edgecnn.fleet.reading import read_fleet


@pytest.mark.parametrize(
    ("granted", "words"),
    [
        (b"\x00\x00\x87", "does not let pi read lab/+/counters;"),
        (b"\x87\x00\x87", "does not let pi read lab/+/availability and lab/+/counters;"),
    ],
)
def test_the_topics_that_may_not_be_read_are_named(granted: bytes, words: str) -> None:
    with few_lines(granted=granted) as (port, _), pytest.raises(EdgecnnError) as raised:
        read_fleet(parse_broker(f"mqtt://pi@127.0.0.1:{port}/lab"), quiet=0.1)
    assert words in str(raised.value)
