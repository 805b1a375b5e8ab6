"""All targets by name: those of the files in this folder."""

import importlib
import pkgutil
from pathlib import Path

from .target import Target

DEFAULT_TARGET = "litert"


def _targets() -> dict[str, Target]:
    """The `TARGET` of every module in this folder that has one, the default first, then by name."""
    modules = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    candidates = [getattr(importlib.import_module(f"{__package__}.{name}"), "TARGET", None) for name in modules]
    targets = {target.name: target for target in candidates if isinstance(target, Target)}
    return dict(sorted(targets.items(), key=lambda item: (item[0] != DEFAULT_TARGET, item[0])))


TARGETS: dict[str, Target] = _targets()
