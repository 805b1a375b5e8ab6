"""Messages of made-up stations, as `edgecnn live --mqtt` writes them, and a way to have a broker keep them."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgecnn.utc import utc
from tests.support.brokers import mqtt
from tests.support.waiting import until

LABELS = tuple(f"class {number}" for number in range(10))
EVEN = (0.1,) * 10
SURE = (0.0, 0.0, 0.0, 0.01, 0.02, 0.03, 0.04, 0.1, 0.2, 0.6)


def state(device: str, **changes: Any) -> dict[str, Any]:
    """A state of a station that is well, with changes."""
    now = utc(time.time())
    proof = {"passed": True, "time": now, "probes": 24, "top1_equal": 24, "max_difference": 0.002, "tolerance": 0.1}
    return {
        "time": now, "started": now, "device": device, "model": "m.int8.tflite", "model_sha256": "a" * 64,
        "network_sha256": "b" * 64, "release": None, "verified": {**proof, "signer": None}, "edgecnn": "0.1.0",
        "runtime": "LiteRT 2.1", "source": "camera", "trouble": "", "last_frame": now, "last_frame_age": 0.1,
        "frames_per_second": 10.0, "drift": [], "temperature": 51.5, "throttled": {"now": [], "since_boot": []},
        "interval": 30.0, **changes,
    }  # fmt: skip


def counters(
    classes: Sequence[int], scores: Sequence[int], labels: Sequence[str] = LABELS, **changes: Any
) -> dict[str, Any]:
    """Totals of a station whose frames are independent images, with changes."""
    frames, now = int(sum(classes)), utc(time.time())
    shares = np.array(classes) / max(frames, 1)
    switches = round((1 - float((shares**2).sum())) * max(0, frames - 1))
    return {
        "id": "00ff", "since": now, "time": now, "frames": frames, "dropped": 0, "damaged": 0, "doubtful": frames // 20,
        "changes": 3, "compared": max(0, frames - 1), "switches": switches,
        "classes": dict(zip(labels, map(int, classes), strict=True)), "scores": list(map(int, scores)),
        "score_sum": 0.9 * frames, "drift": {"conv2d": {"saturated": frames // 50}}, **changes,
    }  # fmt: skip


def station(
    device: str,
    frames: int = 1000,
    classes: Sequence[float] = EVEN,
    scores: Sequence[float] = SURE,
    seed: int = 0,
    **changes: Any,
) -> dict[str, Any]:
    """The payloads of a station by topic, below the prefix; its frames are drawn from shares."""
    random = np.random.default_rng([seed, *device.encode()])
    drawn = counters(random.multinomial(frames, classes).tolist(), random.multinomial(frames, scores).tolist())
    return {
        f"{device}/availability": "online",
        f"{device}/state": state(device, **changes),
        f"{device}/counters": drawn,
    }


def keep(port: int, told: Mapping[str, Any], prefix: str = "edgecnn") -> None:
    """Have a broker retain payloads by topic; those that are neither text nor bytes as JSON."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", port)
    client.loop_start()
    sent = [
        client.publish(f"{prefix}/{topic}", one if isinstance(one, str | bytes) else json.dumps(one), 1, retain=True)
        for topic, one in told.items()
    ]
    assert until(lambda: all(one.is_published() for one in sent))
    client.disconnect()
    client.loop_stop()
