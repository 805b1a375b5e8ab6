"""The documentation site builds without a warning, and asks no other computer for anything."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0 and not result.stdout, result.stdout + result.stderr
    assert "WARNING" not in result.stderr, result.stderr
    return folder


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text()
        loaded = re.findall(r"<(?:script|img|iframe)\b[^>]*\bsrc=\"?([^\" >]+)", text)
        loaded += re.findall(r"<link\b[^>]*rel=\"?stylesheet\"?[^>]*href=\"?([^\" >]+)", text)
        assert loaded, page
        assert not [address for address in loaded if re.match(r"(https?:)?//", address)], page
        assert 'data-md-component="source"' not in text  # with it the page's script asks GitHub for stars


def test_the_notebook_is_a_page_with_pictures_and_a_table(site: Path) -> None:
    folder = site / "tutorials/see-what-a-convolution-does"
    text = (folder / "index.html").read_text()
    pictures = re.findall(r"<img[^>]*src=\"([^\"]+\.png)\"", text)
    assert len(pictures) == 8 and all((folder / picture).resolve().is_file() for picture in pictures)
    assert "<td>Sneaker</td>" in text and "Features(maps=" not in text
    assert (site / "tutorials/see-what-a-convolution-does.ipynb").read_bytes() == next(
        (ROOT / "examples").glob("*.ipynb")
    ).read_bytes()


def test_sources_of_the_site_are_not_part_of_it(site: Path) -> None:
    assert not list(site.rglob("*.py"))
