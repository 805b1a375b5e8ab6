"""Many images: decoding ahead, and files of results that go on after a kill."""
