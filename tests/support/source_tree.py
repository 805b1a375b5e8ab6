"""The modules of this source tree."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
STAGES = ("train", "convert", "device")


def module_name(path: Path) -> str:
    """`train/data/idx.py` is edgecnn.train.data.idx."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "edgecnn" else ("edgecnn", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def module_files() -> dict[str, Path]:
    """Every module that ships, by its name; the links in edgecnn/ lead to the same files and are left out."""
    paths = [path for stage in STAGES for path in (ROOT / stage).rglob("*.py")]
    paths += [path for path in (ROOT / "edgecnn").rglob("*.py") if path.relative_to(ROOT).parts[1] not in STAGES]
    return dict(sorted((module_name(path), path) for path in paths))
