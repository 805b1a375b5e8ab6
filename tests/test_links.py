"""Every link on the pages leads somewhere: to a file, a heading, or a page of the site."""

import re
from pathlib import Path

import pytest
from markdown.extensions.toc import slugify

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = (*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md")))
SITE = "https://edgecnn.github.io/edgecnn/"
SOURCE = "https://github.com/edgecnn/edgecnn/"
RAW = "https://raw.githubusercontent.com/edgecnn/edgecnn/main/"


def links(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", text))


def headings(page: Path) -> list[str]:
    """Anchors as MkDocs makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    explicit = re.findall(r"\{ ?#([\w-]+) ?\}|<a id=\"([\w-]+)\"", text)
    return [*(slugify(re.sub(r"[`*]", "", title), "-") for title in titles), *(a or b for a, b in explicit)]


def page_exists(path: Path) -> bool:
    """Whether it is there, or is written from a notebook when the site is built."""
    return path.is_file() or (path.parent == DOCS / "tutorials" and (ROOT / f"examples/{path.stem}.ipynb").is_file())


def problem(page: Path, link: str) -> str:
    """What is wrong with a link; empty if nothing is."""
    target, _, anchor = link.partition("#")
    if target.startswith(SITE):
        folder = DOCS / target.removeprefix(SITE).rstrip("/")
        found = next(
            (path for path in (folder.with_name(f"{folder.name}.md"), folder / "index.md") if page_exists(path)), None
        )
    elif target.startswith((f"{SOURCE}blob/", f"{SOURCE}tree/", RAW)):
        place = re.sub(r"^(blob|tree)/main/?", "", target.removeprefix(SOURCE).removeprefix(RAW))
        found = ROOT / place if (ROOT / place).exists() else None
    elif re.match(r"[a-z]+:", target):
        return "" if target.startswith("https://") else "not https"
    elif page.name == "README.md" and page.parent == ROOT:
        return "must be absolute: PyPI shows the README too"
    else:
        path = (page.parent / target).resolve() if target else page
        found = path if page_exists(path) or path.is_dir() else None
    if found is None:
        return "leads nowhere"
    return "no such heading" if anchor and found.suffix == ".md" and anchor not in headings(found) else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    wrong = {link: problem(page, link) for link in links(page)}
    assert not {link: why for link, why in wrong.items() if why}


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_heading_stands_twice_on_a_page(page: Path) -> None:
    """MkDocs numbers the second, so that a link meant for it leads to the first."""
    assert not {heading for heading in headings(page) if headings(page).count(heading) > 1}


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("how-to/no-such-page.md", "leads nowhere"),
        ("explanation/figures.md#no-such-heading", "no such heading"),
        (f"{SITE}tutorials/no-such-lesson/", "leads nowhere"),
        (f"{SOURCE}blob/main/no-such-file.py", "leads nowhere"),
        ("explanation/figures.md#speed", ""),
        ("tutorials/see-what-a-convolution-does.md", ""),
        (f"{SITE}how-to/", ""),
    ],
)
def test_wrong_links_are_found_and_right_ones_are_not(link: str, why: str) -> None:
    assert problem(DOCS / "index.md", link) == why
