"""Stands for Raspberry Pi's rpicam-vid: takes its options, writes JPEGs to standard output, and fails as it does.

The environment says how: CAMERA_IMAGES is a folder of JPEGs; CAMERA_RUNS has a word for each run, the last for all that
follow; CAMERA_LOG is a file that gets a line with the options for each run.
    steady      frames for ever
    dies:N      N frames, then words of libcamera and exit code 255
    leaves:N    the same, but a process goes on, with its standard error; its number is in the log, .left
    hangs:N     N frames, then nothing, and SIGTERM is not heard
    begins:N    N frames, then half of one, then nothing
    half:N      N frames, then half of one, then exit code 1
    none        no camera: libcamera's words and exit code 255
    text        something that is no MJPEG
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("-t", "--timeout", type=int, required=True)
parser.add_argument("-n", "--nopreview", action="store_true", required=True)
parser.add_argument("--codec", choices=["mjpeg"], required=True)
parser.add_argument("--quality", type=int, required=True)
parser.add_argument("--flush", action="store_true", required=True)
parser.add_argument("--width", type=int, required=True)
parser.add_argument("--height", type=int, required=True)
parser.add_argument("--framerate", type=float, required=True)
parser.add_argument("-o", "--output", choices=["-"], required=True)
options = parser.parse_args()

log = Path(os.environ["CAMERA_LOG"])
runs = len(log.read_text().splitlines()) if log.exists() else 0
with open(log, "a") as file:
    file.write(f"{os.getpid()} {' '.join(sys.argv[1:])}\n")
words = os.environ["CAMERA_RUNS"].split()
kind, _, count = words[min(runs, len(words) - 1)].partition(":")
images = [path.read_bytes() for path in sorted(Path(os.environ["CAMERA_IMAGES"]).glob("*.jpg"))]


def write(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os._exit(1)


if kind == "none":
    print("[0:13:37.1] [777]  INFO Camera camera_manager.cpp:297 libcamera v0.4.0", file=sys.stderr)
    print("ERROR: *** no cameras available ***", file=sys.stderr)
    sys.exit(255)
if kind == "text":
    while True:
        write(b"no picture at all" * 4096)
number = 0
while kind == "steady" or number < int(count):
    write(images[number % len(images)])
    number += 1
    time.sleep(1 / options.framerate)
if kind == "hangs":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
if kind == "leaves":
    left = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, start_new_session=True)
    log.with_suffix(".left").write_text(str(left.pid))
if kind in ("begins", "half"):
    write(images[0][: len(images[0]) // 2])
    if kind == "begins":
        time.sleep(600)
    sys.exit(1)
print("[0:13:37.1] [777] ERROR V4L2 v4l2_videodevice.cpp:1896 Dequeue timer has expired!", file=sys.stderr)
print("terminate called", file=sys.stderr)
sys.exit(255)
