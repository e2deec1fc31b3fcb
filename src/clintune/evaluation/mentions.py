"""Which mentions a model could have learned by heart: those that the training split names too."""

from collections.abc import Iterable
from typing import TypeAlias

from clintune.evaluation.matching import pieces
from clintune.examples import Example, Span, Spans

Mention: TypeAlias = tuple[str, str]
"""Surface form and label."""


def mention(text: str, span: Span) -> Mention:
    """The span's characters, case folded and with single blanks, and its label."""
    words = " ".join(text[start:end] for start, end in pieces(span)).casefold().split()
    return " ".join(words), span.label


def mentions(examples: Iterable[Example[Spans]]) -> frozenset[Mention]:
    """All mentions of a split, each once."""
    return frozenset(mention(example.text, span) for example in examples for span in example.target)
