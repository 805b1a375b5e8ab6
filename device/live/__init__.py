"""Watch a camera or another source of frames, one network, all the time."""
