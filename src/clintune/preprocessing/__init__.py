"""preprocess: raw files become checked examples, split by group; what is broken is set aside by reason."""

from clintune.preprocessing.preprocess import describe, metrics, preprocess

__all__ = ["describe", "metrics", "preprocess"]
