"""What is sent is what was fetched: wheels that were altered since are refused, and several may fetch at once."""

import hashlib
import json
import os
import shutil
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from edgecnn.deploy.deployment import Supplies
from edgecnn.deploy.machine import Machine
from edgecnn.deploy.release import pack
from edgecnn.deploy.requirements import own_requirements
from edgecnn.deploy.wheels import Wheel, Wheels, find_wheels, require_whole
from edgecnn.errors import DeployError

PI = Machine("/home/pi/x", "/usr/bin/python3", (3, 11, 2), "aarch64", (2, 36), "", 1 << 30)
NEWEST = "99999"  # in every range


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "edgecnn" / "wheels"


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheels as small as they can be, `house`, and a cache to which they were fetched: pip takes time."""
    folder = tmp_path_factory.mktemp("fetched")
    for text in [*own_requirements(PI, ()), "pip"]:
        write_wheel(folder / "house", Requirement(text))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        find(folder / "house", folder / "own")
    return folder


@pytest.fixture
def house(fetched: Path, tmp_path: Path) -> Path:
    """The folder of wheels, of which the cache has those that were fetched."""
    return shutil.copytree(fetched, tmp_path, dirs_exist_ok=True) / "house"


def write_wheel(folder: Path, wanted: Requirement) -> None:
    folder.mkdir(exist_ok=True)
    name, candidates = wanted.name.replace("-", "_"), (NEWEST, *(one.version for one in wanted.specifier))
    version = next(one for one in candidates if wanted.specifier.contains(one))
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {wanted.name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
        archive.comment = b"0"


def find(house: Path, folder: Path, refresh: bool = False) -> Wheels:
    folder.mkdir(exist_ok=True)
    wheels = find_wheels(PI, (), Supplies(house, refresh), lambda _: None, folder)
    require_whole(wheels)
    return wheels


def alter(path: Path) -> None:
    """Another byte, the same length."""
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)


def write_sums(house: Path) -> Path:
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in house.glob("*.whl")]
    (house / "SHA256SUMS").write_text("".join(lines))
    return house / "SHA256SUMS"


def test_a_wheel_altered_in_the_cache_is_refused_and_refreshed(house: Path, tmp_path: Path) -> None:
    wheels = find(house, tmp_path / "own")
    assert {one.name for one in wheels.files[1:]} == {path.name for path in house.iterdir()}
    alter(wheels.files[2].source)
    with pytest.raises(DeployError, match=r"in the cache is damaged: download it anew with --refresh"):
        find(house, tmp_path / "own")
    assert find(house, tmp_path / "own", refresh=True) == wheels


def test_a_wheel_that_is_not_what_sha256sums_says_is_refused(house: Path, tmp_path: Path) -> None:
    sums = write_sums(house)
    find(house, tmp_path / "own")
    altered = next(house.glob("numpy-*"))
    alter(altered)
    with pytest.raises(DeployError, match=rf"{altered.name} in .* is not what SHA256SUMS there says: copy it anew"):
        find(house, tmp_path / "own", refresh=True)
    sums.write_text("\n".join(line for line in write_sums(house).read_text().splitlines() if "numpy" not in line))
    with pytest.raises(DeployError, match=r"numpy-.* has no line in SHA256SUMS there"):
        find(house, tmp_path / "own")
    sums.write_bytes(b"\xff no sums\n\n*\n")
    with pytest.raises(DeployError, match="has no line in SHA256SUMS there"):
        find(house, tmp_path / "own")
    sums.unlink()
    sums.mkdir()
    with pytest.raises(DeployError, match="SHA256SUMS cannot be read"):
        find(house, tmp_path / "own")


def test_a_wheel_that_is_none_is_one_sentence(house: Path, tmp_path: Path) -> None:
    next(house.glob("numpy-*")).write_text("no archive")
    with pytest.raises(DeployError, match=r"numpy-99999-py3-none-any\.whl"):
        find(house, tmp_path / "own")


def test_several_may_fetch_at_once(house: Path, tmp_path: Path, cache: Path) -> None:
    shutil.rmtree(cache)
    with ThreadPoolExecutor(3) as pool:  # one of them with --refresh
        asked = [pool.submit(find, house, tmp_path / f"own{number}", number == 2) for number in range(3)]
    found = [[(one.name, one.source.read_bytes()) for one in future.result().files[1:]] for future in asked]
    assert found[0] == found[1] == found[2] == [(path.name, path.read_bytes()) for path in sorted(house.iterdir())]
    (place,) = cache.iterdir()
    named = json.loads((place / "set.json").read_text())["folder"]
    assert sorted(path.name for path in place.iterdir()) == sorted(["lock", "set.json", named])


def test_who_comes_second_waits_and_takes_what_was_fetched(house: Path, tmp_path: Path, cache: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    wheels = find(house, tmp_path / "own")
    (place,) = cache.iterdir()
    kept = place.rename(tmp_path / "kept")
    place.mkdir()
    with (place / "lock").open("a") as lock, ThreadPoolExecutor(1) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = pool.submit(find, house, tmp_path / "own")
        time.sleep(0.3)
        assert not second.done() and [path.name for path in place.iterdir()] == ["lock"]
        for path in kept.iterdir():
            if path.name != "lock":
                path.rename(place / path.name)
        number = (place / "set.json").stat().st_ino
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert second.result(60) == wheels
    assert (place / "set.json").stat().st_ino == number  # who fetches writes it anew


def test_newer_wheels_do_not_take_those_away_that_are_on_their_way(house: Path, tmp_path: Path, cache: Path) -> None:
    before = find(house, tmp_path / "own")
    for path in house.iterdir():  # another build of the same version
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("newer.py", "")
    assert find(house, tmp_path / "own") != before
    require_whole(before)
    assert len(list(cache.iterdir())) == 2


def test_the_set_before_the_newest_stays_and_older_ones_go(house: Path, tmp_path: Path, cache: Path) -> None:
    """Of one device and one folder whose wheels look as they did: their times and sizes are what they were."""
    sets = [find(house, tmp_path / "own")]
    for byte in (b"1", b"2"):
        for path in house.iterdir():
            times = path.stat()
            path.write_bytes(path.read_bytes()[:-1] + byte)  # of the archive's comment
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        sets.append(find(house, tmp_path / "own", refresh=True))
    (place,) = cache.iterdir()
    folders = [{one.source.parent for one in found.files[1:]} for found in sets]
    assert [all(one.exists() for one in folder) for folder in folders] == [False, True, True]
    require_whole(sets[1])
    assert len([path for path in place.iterdir() if path.is_dir()]) == 2


def test_wheels_with_the_longest_names_are_packed(tmp_path: Path) -> None:
    tags = "manylinux_2_5_x86_64.manylinux1_x86_64.manylinux_2_17_x86_64.manylinux2014_x86_64"
    names = [f"websockets-15.0.1-cp311-cp311-{tags}.whl", f"{246 * 'w'}-1.whl"]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    wheels = tuple(Wheel(name, hashlib.sha256(name.encode()).hexdigest(), len(name), tmp_path / name) for name in names)
    with (tmp_path / "sent.tar").open("w+b") as target:
        pack({"model.tflite": b"m"}, Wheels(wheels, "venv"), target)
        (tmp_path / "there").mkdir()
        subprocess.run(["tar", "-x", "-f", "-", "-C", str(tmp_path / "there")], stdin=target, check=True)
    checked = subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "manifest"], cwd=tmp_path / "there")
    assert checked.returncode == 0
    assert sorted(path.name for path in (tmp_path / "there" / "wheels").iterdir()) == sorted(names)


def test_a_cache_that_cannot_be_written_is_one_sentence(house: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(DeployError, match=r"wheels cannot be kept in .*: set XDG_CACHE_HOME"):
        find(house, tmp_path / "own")
