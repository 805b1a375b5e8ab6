"""What `edgecnn live` costs with people looking: frames/s, age, CPU and memory; Linux, with edgecnn[live].

    python benchmarks/live.py --viewers 10 --seconds 120

A server of its own watches frames of a camera's size from a folder, at the pace that is asked for. Each viewer asks as
the page does, two frames ahead, for all feature maps. Age is that of a frame when it is sent. CPU is that of the
server's process alone; the CPU time of its parts is measured after it.
"""

import argparse
import contextlib
import io
import json
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from websockets.sync.client import connect

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.process_figures import cpu_s, memory_mib
from edgecnn.device import Classifier
from edgecnn.device.live.frames import Frame
from edgecnn.device.live.observation import Observation, Status
from edgecnn.device.live.server.messages import FrameMessages
from edgecnn.device.live.server.requests import MapRequest
from edgecnn.device.map_reader import MapReader
from edgecnn.model_file.bundled import sample_images


def frame(index: int, size: tuple[int, int] = (640, 480)) -> bytes:
    """A sample on a noisy ground, as a JPEG of a camera."""
    noise = np.random.default_rng(index).integers(0, 40, (size[1], size[0], 3), dtype=np.uint8)
    canvas = Image.fromarray(noise)
    canvas.paste(Image.open(sample_images()[index]).convert("RGB").resize((400, 400)), (120, 40))
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def look(port: int, layers: int, end: float, ages: list[tuple[float, int]]) -> None:
    """Look until `end`, and note when each frame came and its age in ms."""
    question = json.dumps({"ask": "next", "maps": [[layer, 0, 64] for layer in range(layers)]})
    with connect(f"ws://127.0.0.1:{port}/api/frames", proxy=None, max_size=None) as server:
        server.send(question)
        server.send(question)
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                message = server.recv(timeout=1)
                if isinstance(message, bytes):
                    ages.append((time.monotonic(), struct.unpack(">I", message[:4])[0]))
                    server.send(question)


def parts(model: str) -> dict[str, float]:
    """CPU milliseconds of each step for one frame, the median of 200."""
    classifier, data = Classifier(model), frame(0)
    reader = MapReader(classifier.loaded)
    image = Frame(data, 1, "frame.jpg", 0.0, 0.0)
    prepared = classifier.prepare(image.image, crop="square")
    predictions = classifier.rank(prepared.pixels, 5)
    maps = reader.read(prepared.pixels, reader.layers)
    seen = Observation(image, prepared, predictions, None, False, (), maps, 0.0, 0.0)
    status = Status("a folder", 1, 0, 0, "", True)
    request = tuple(MapRequest(layer, 0, 64) for layer in range(len(reader.layers)))
    other = classifier.prepare(Frame(frame(1), 2, "frame.jpg", 0.0, 0.0).image, crop="square").pixels
    images = iter([prepared.pixels, other] * 1000)
    return {
        "decode and resize": cpu_ms(lambda: classifier.prepare(image.image, crop="square")),
        "network": cpu_ms(lambda: classifier.rank(next(images), 5)),
        "read the maps": cpu_ms(lambda: reader.read(prepared.pixels, reader.layers)),
        "make the message": cpu_ms(lambda: FrameMessages(seen, status, reader.layers, 0).message(request)),
    }


def cpu_ms(step: Callable[[], object], runs: int = 200) -> float:
    """The processor's time for a step: that of the clock counts what others do, too."""
    times = []
    for _ in range(runs):
        started = time.process_time()
        step()
        times.append(time.process_time() - started)
    return 1000 * float(np.median(times))


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="fashion-mnist.activations")
    parser.add_argument("--viewers", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--fps", type=float, default=30)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for index in range(len(sample_images())):
            Path(folder, f"{index:02}.jpg").write_bytes(frame(index))
        command = [sys.executable, "-m", "edgecnn", "live", chosen.model, "--source", folder, "--loop", "--port", "0"]
        server = subprocess.Popen(
            [*command, "--fps", str(chosen.fps)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        try:
            watch(server, chosen)
        finally:
            server.terminate()
            server.communicate(timeout=20)
    for name, milliseconds in parts(chosen.model).items():
        print(f"{name:20} {milliseconds:.2f} ms of CPU")


def watch(server: "subprocess.Popen[str]", chosen: argparse.Namespace) -> None:
    """Look with all viewers, and print rate, age, CPU and memory of the server."""
    link = re.search(r":(\d+)/", server.stderr.readline() if server.stderr else "")
    if link is None:
        sys.exit("edgecnn live did not start")
    ages: list[list[tuple[float, int]]] = [[] for _ in range(chosen.viewers)]
    layers = len(MapReader(Classifier(chosen.model).loaded).layers)
    end = time.monotonic() + chosen.seconds
    viewers = [threading.Thread(target=look, args=(int(link[1]), layers, end, one)) for one in ages]
    for viewer in viewers:
        viewer.start()
    time.sleep(min(5, chosen.seconds / 4))  # everything is loaded
    started, cpu, before = time.monotonic(), cpu_s(server.pid), [len(one) for one in ages]
    memory: list[tuple[float, float]] = []
    while time.monotonic() < end - 0.5:
        memory.append((time.monotonic() - started, memory_mib(server.pid)))
        time.sleep(min(1, chosen.seconds / 10))
    seconds, used = time.monotonic() - started, cpu_s(server.pid) - cpu
    rates = [(len(one) - first) / seconds for one, first in zip(ages, before, strict=True)] or [0.0]
    for viewer in viewers:
        viewer.join()
    at, mib = np.array(memory).T
    slope = np.polyfit(at, mib, 1)[0] * 60
    print(f"{chosen.viewers} viewers, {seconds:.0f} s: {min(rates):.1f} to {max(rates):.1f} frames/s each")
    if came := [(moment - started, age) for one in ages for moment, age in one if moment > started]:
        moments, late = np.array(came).T
        middle, latest = np.percentile(late, [50, 99])
        drift = np.polyfit(moments, late, 1)[0] * 60
        print(f"age                  p50 {middle:.0f} ms, p99 {latest:.0f} ms, {drift:+.2f} ms a minute")
    frame_ms = 1000 * used / seconds / (max(rates) or chosen.fps)
    print(f"CPU                  {used / seconds:.2f} cores, {frame_ms:.2f} ms a frame")
    print(f"memory               {memory[-1][1]:.0f} MiB, {slope:+.2f} MiB a minute")


if __name__ == "__main__":
    main()
