"""A delegate that fails or lies while `live` watches: last frame, explanations and shadow are looked after too."""

import threading
from pathlib import Path

import pytest

from edgecnn import ContradictionError
from edgecnn.device import Classifier, Delegate
from edgecnn.device.live.shadow import Shadow
from edgecnn.device.live.sources.source import SourceSettings
from edgecnn.device.live.watcher import Watcher
from edgecnn.device.runtime.run_options import RunOptions
from tests.support.processes import running_with
from tests.support.waiting import until

LOADING = 1 + 12  # calls: a first run and the golden probes
NEVER = 1e-12  # a rate at which chance chooses no image: the first three and the last remain


def told(library: str, audit: float, **options: object) -> Delegate:
    return Delegate(library, tuple((name, str(value)) for name, value in options.items()), fallback=True, audit=audit)


def watched(delegate: Delegate | None) -> Watcher:
    return Watcher(Classifier("fashion-mnist", delegate=delegate), "samples", SourceSettings(fps=100))


def test_the_last_frame_is_looked_at(library: str) -> None:
    watcher = watched(told(library, NEVER, wrong=1, after=LOADING + 4))
    with pytest.raises(ContradictionError, match="after image 3, where both agreed last"):
        watcher.run(8)
    assert watcher.classifier.audit
    with pytest.raises(ContradictionError):  # whoever asks again hears it again
        watcher.classifier.audit.finish()


def test_explanations_for_viewers_are_looked_at(library: str) -> None:
    from edgecnn.device.live.server.requests import Why
    from edgecnn.device.live.server.viewers import Hub

    watcher = watched(told(library, 1.0, wrong=1, after=LOADING + 4))
    watcher.run(3)
    assert watcher.latest
    with pytest.raises(ContradictionError):
        Hub(watcher, None).reasons._make(watcher.latest, Why(1, "occlusion", None), lambda *_: None, threading.Event())


@pytest.mark.parametrize("late", [False, True])
def test_a_shadow_goes_on_with_the_cpu_where_that_is_allowed(late: bool, library: str, tmp_path: Path) -> None:
    once = tmp_path / "failed"
    failing = {"fail_invoke": 1, "helper_invoke": 1, "once": once, "after": LOADING + 2} if late else {"wrong": 1}
    watcher, notes = watched(None), list[str]()
    delegate = told(library, 0.0, **failing)
    shadow = Shadow("fashion-mnist", watcher.classifier.labels, RunOptions(delegate=delegate), tell=notes.append)
    try:
        watcher.listeners.append(shadow)

        def is_told() -> bool:
            watcher.run(watcher.status.frames + 8)  # while the shadow is busy, it misses frames
            return bool(notes)

        assert until(is_told)
        shadow.finish()
        assert shadow.report().frames and not shadow.report().trouble
    finally:
        shadow.close()
    assert [note.startswith(f"the shadow: {library} ") and "going on with the CPU" in note for note in notes] == [True]
    assert until(lambda: not running_with(f"tail\0-f\0{once}"))


@pytest.mark.parametrize("audit", [None, 0.0, 0.25])
def test_a_shadow_is_audited_as_it_was_told(audit: float | None) -> None:
    from edgecnn.device.runtime.child_process import options_from_json, options_to_json

    asked = RunOptions(delegate=Delegate("./a.so", (("key", "value"),), fallback=True, isolate=False, audit=audit))
    assert options_from_json(options_to_json(asked)) == asked
