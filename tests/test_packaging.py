"""What is built is what is in the tree."""

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names in a wheel that is built from a copy of the sources, not from leftovers of other builds."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignored = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "runs", "demo", "tests")
    shutil.copytree(ROOT, source, symlinks=True, ignore=ignored)
    for stage in ("train", "convert", "device"):
        (source / "edgecnn" / stage).unlink()  # packaging must not rely on the links
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return archive.namelist()


def test_every_source_file_is_in_the_wheel(wheel: list[str]) -> None:
    expected = {
        str(path.relative_to(ROOT)) for path in (ROOT / "edgecnn").rglob("*.py") if "__pycache__" not in path.parts
    }
    for stage in ("train", "convert", "device"):
        expected |= {f"edgecnn/{path.relative_to(ROOT)}" for path in (ROOT / stage).rglob("*.py")}
    assert expected <= set(wheel)


def test_models_samples_the_page_and_type_marker_are_in_the_wheel(wheel: list[str]) -> None:
    page = (ROOT / "device" / "live" / "server" / "static").iterdir()
    expected = {"edgecnn/py.typed", *(f"edgecnn/{path.relative_to(ROOT)}" for path in page)}
    for folder in ("models", "samples"):
        expected |= {
            f"edgecnn/{folder}/{path.name}" for path in (ROOT / "edgecnn" / folder).iterdir() if path.is_file()
        }
    assert len(expected) > 10 and expected <= set(wheel)


def test_nothing_but_edgecnn_is_in_the_wheel(wheel: list[str]) -> None:
    assert {name.split("/")[0] for name in wheel} == {"edgecnn", f"edgecnn-{version('edgecnn')}.dist-info"}


def test_listed_packages_are_the_folders_with_python_files() -> None:
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    found = {"edgecnn", "edgecnn.models", "edgecnn.samples"}
    for top in ("edgecnn", "train", "convert", "device"):
        rooms = [path.relative_to(ROOT).parts[:-1] for path in (ROOT / top).rglob("__init__.py")]
        found |= {".".join(parts if top == "edgecnn" else ("edgecnn", *parts)) for parts in rooms}
    assert listed == found


@pytest.mark.parametrize("stage", ["train", "convert", "device"])
def test_stage_links_point_to_the_folders(stage: str) -> None:
    assert (ROOT / "edgecnn" / stage).is_symlink()
    assert (ROOT / "edgecnn" / stage).resolve() == ROOT / stage


def test_newest_version_in_the_changelog_is_the_packages() -> None:
    headings = [line[3:] for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert headings[0] == "Unreleased"
    assert headings[1].split()[0] == PROJECT["project"]["version"] == version("edgecnn")
