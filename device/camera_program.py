"""The program that takes pictures with a Raspberry Pi's camera."""

import shutil

PACKAGE = "rpicam-apps"  # of Raspberry Pi OS
PROGRAMS = ("rpicam-vid", "libcamera-vid")  # its name of today, and that of Raspberry Pi OS before


def find_camera_program() -> str | None:
    """Its path; None where it is not installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
