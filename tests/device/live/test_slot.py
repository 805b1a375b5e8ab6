"""The newest only: what nobody took makes way, and is counted."""

import threading
import time

from edgecnn.device.live.slot import Slot


def test_the_newest_is_taken_once_and_the_others_are_counted() -> None:
    slot: Slot[int] = Slot()
    for number in range(5):
        slot.put(number)
    assert slot.take(0) == 4 and slot.dropped == 4 and slot.take(0) is None


def test_one_that_is_taken_in_time_is_not_dropped() -> None:
    slot: Slot[int] = Slot()
    for number in range(3):
        slot.put(number)
        assert slot.take(0) == number
    assert slot.dropped == 0


def test_who_waits_gets_what_comes_and_is_let_go_when_nothing_will() -> None:
    slot: Slot[str] = Slot()
    threading.Timer(0.05, slot.put, ["came"]).start()
    assert slot.take(10) == "came"
    threading.Timer(0.05, slot.close).start()
    started = time.monotonic()
    assert slot.take(60) is None and time.monotonic() - started < 50 and slot.is_finished


def test_what_lies_there_when_it_is_closed_may_still_be_taken() -> None:
    slot: Slot[int] = Slot()
    slot.put(1)
    slot.close()
    assert not slot.is_finished and slot.take() == 1 and slot.is_finished


def test_in_turn_nothing_is_dropped() -> None:
    slot: Slot[int] = Slot()

    def put_all() -> None:
        for number in range(5):
            slot.put(number, in_turn=True)
        slot.close()

    threading.Thread(target=put_all, daemon=True).start()
    assert [slot.take(10) for _ in range(6)] == [0, 1, 2, 3, 4, None] and slot.dropped == 0


def test_who_waits_for_his_turn_when_it_is_closed_takes_nobodys_place() -> None:
    slot: Slot[int] = Slot()
    slot.put(1)
    waiting = threading.Thread(target=slot.put, args=(2,), kwargs={"in_turn": True}, daemon=True)
    waiting.start()
    time.sleep(0.05)
    slot.close()
    waiting.join(10)
    slot.put(3, in_turn=True)
    assert slot.take() == 1 and slot.dropped == 0 and slot.is_finished
