"""LiteRT, TFLite's runtime of today: takes everything."""

from .target import Target


class LiteRT(Target):
    """LiteRT, or TFLite's runtime since 2.16."""

    name = "litert"


TARGET = LiteRT()
