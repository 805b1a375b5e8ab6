"""What the options say of a source is how it is opened."""

from edgecnn.cli.source_options import SourceOptions
from edgecnn.device.live.sources.source import SourceSettings


def test_a_source_is_opened_as_the_options_say() -> None:
    options = SourceOptions(size=(320, 240), fps=12.5, timeout=0.25, loop=True)
    expected = SourceSettings(width=320, height=240, fps=12.5, timeout=0.25, paced=True, loop=True)
    assert options.settings(paced=True) == expected
    assert not options.settings(paced=False).paced
