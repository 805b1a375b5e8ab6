"""Devices that have the environment already: it is made once, by the one first deployment of all tests."""

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.command_line import Outcome, Run
from tests.support.devices import Device, running, set_up
from tests.support.shared import once
from tests.support.wheelhouse import write_wheels

Deploy = Callable[..., Outcome]
_numbers = itertools.count()


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheels that devices get."""
    return once(tmp_path_factory, "wheelhouse", write_wheels)


@pytest.fixture(scope="session")
def first(wheelhouse: Path, edgecnn: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """What the first deployment said, to a home with a space in its name, and where the device is.

    Its Python is found by a link in another folder.
    """

    def make(folder: Path) -> tuple[Outcome, Path]:
        with running(set_up(folder, "ho me")) as device:
            return edgecnn("deploy", "fashion-mnist", device.name, *device.options, "--wheels", wheelhouse), folder

    return once(tmp_path_factory, "first", make)


@pytest.fixture
def make_device(first: tuple[Outcome, Path], tmp_path: Path) -> Iterator[Callable[..., Device]]:
    """Start a device on which nothing is deployed, but whose environment is there."""
    _, folder = first
    environments = folder / "ho me" / ".local/share/edgecnn/deploy/venvs"
    with ExitStack() as devices:

        def make(home: str = "home", start: tuple[str, ...] = (), **environment: str) -> Device:
            device = set_up(tmp_path / f"device{next(_numbers)}", home, **environment)
            device.root.mkdir(parents=True)
            # Its own: a device removes what none of its releases uses, whatever another test's device needs.
            shutil.copytree(environments, device.root / "venvs", symlinks=True, copy_function=os.link)
            return devices.enter_context(running(device, start))

        yield make


@pytest.fixture
def device(make_device: Callable[..., Device]) -> Device:
    """One of them."""
    return make_device()


@pytest.fixture
def deploy(edgecnn: Run, wheelhouse: Path) -> Deploy:
    """Run `edgecnn deploy` for a device: `deploy(device, MODEL, ...)`; without a model `deploy(device, "--status")`."""

    def run(device: Device, *arguments: str | Path) -> Outcome:
        has_model = arguments and not str(arguments[0]).startswith("--")
        named = [arguments[0], device.name] if has_model else [device.name]
        rest = arguments[1:] if has_model else arguments
        supplies = ["--wheels", wheelhouse] if has_model else []
        return edgecnn("deploy", *named, *device.options, *supplies, *rest)

    return run
