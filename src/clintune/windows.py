"""Text into overlapping windows that fit the model: nothing cut away, every token owned once."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from tokenizers import Tokenizer

from clintune.errors import ModelError
from clintune.examples import IGNORED, Window

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Tokens:
    """All tokens of one text, without special ones: `ids`, character offsets, and where words begin."""

    ids: tuple[int, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    heads: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts texts for one model.

    `prefix` and `suffix` are the special tokens around each window; `unknown` stands for characters that
    the tokenizer does not know, and is None where it knows them all.
    """

    tokenizer: Tokenizer
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    unknown: int | None
    max_tokens: int
    overlap: int

    def tokens(self, text: str) -> Tokens:
        """The whole text, however long, in tokens."""
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        words = encoding.word_ids
        return Tokens(
            ids=tuple(encoding.ids),
            starts=tuple(start for start, _ in encoding.offsets),
            ends=tuple(end for _, end in encoding.offsets),
            heads=tuple(index == 0 or words[index] != words[index - 1] for index in range(len(words))),
        )

    def cut(self, example_id: str, tokens: Tokens, labels: Sequence[int]) -> Iterator[Window]:
        """Windows in the order of the text. `labels` has one item per token; only the owner carries it."""
        capacity = self.max_tokens - len(self.prefix) - len(self.suffix)
        places = _places(len(tokens), capacity, self.overlap)
        borders = _borders(places, tokens.heads)
        for (start, end), (first, last) in zip(places, pairwise(borders), strict=True):
            owned = tuple(first <= index < last for index in range(start, end))
            tags = (labels[index] if first <= index < last else IGNORED for index in range(start, end))
            yield Window(
                example_id=example_id,
                input_ids=(*self.prefix, *tokens.ids[start:end], *self.suffix),
                starts=self._framed(tokens.starts[start:end], 0),
                ends=self._framed(tokens.ends[start:end], 0),
                owned=self._framed(owned, False),
                heads=self._framed(tokens.heads[start:end], False),
                labels=self._framed(tuple(tags), IGNORED),
            )

    def _framed(self, inner: tuple[Item, ...], outer: Item) -> tuple[Item, ...]:
        return (outer,) * len(self.prefix) + inner + (outer,) * len(self.suffix)


def load_cutter(tokenizer: Path, *, max_tokens: int, overlap: int) -> Cutter:
    """The cutter of the model whose tokenizer.json is at `tokenizer`.

    Raises ModelError where the file is no tokenizer or a window has no room for text.
    """
    try:
        loaded = Tokenizer.from_file(str(tokenizer))
    except Exception as error:  # the library raises bare Exception for every malformed file
        raise ModelError(str(tokenizer), f"is no tokenizer ({error})", "name another model") from None
    # A tokenizer.json may carry the truncation and padding of whoever saved it: text would be lost.
    loaded.no_truncation()
    loaded.no_padding()
    prefix, suffix = _special_tokens(loaded)
    if max_tokens - len(prefix) - len(suffix) <= overlap:
        problem = "leaves no room beside special tokens and overlap"
        raise ModelError("params.yaml: tokenize.max_tokens", problem, "raise it, or lower tokenize.overlap")
    return Cutter(loaded, prefix, suffix, _unknown_token(loaded), max_tokens, overlap)


def _special_tokens(tokenizer: Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    encoding = tokenizer.encode("a", add_special_tokens=True)
    inner = [index for index, special in enumerate(encoding.special_tokens_mask) if not special]
    return tuple(encoding.ids[: inner[0]]), tuple(encoding.ids[inner[-1] + 1 :])


def _unknown_token(tokenizer: Tokenizer) -> int | None:
    """Models of words and pieces name a token, unigram models a number."""
    model = json.loads(tokenizer.to_str())["model"]
    token, number = model.get("unk_token"), model.get("unk_id")
    return number if token is None else tokenizer.token_to_id(token)


def _places(length: int, capacity: int, overlap: int) -> list[tuple[int, int]]:
    """Where each window lies. The last one is moved back to be full: the end of a text has context too."""
    if length <= capacity:
        return [(0, length)]
    starts = list(range(0, length - capacity, capacity - overlap))
    return [(start, start + capacity) for start in [*starts, length - capacity]]


def _borders(places: Sequence[tuple[int, int]], heads: Sequence[bool]) -> list[int]:
    """Where ownership changes: in the middle of each overlap, between two words if one ends there."""
    borders = [0]
    for (_, end), (start, _) in pairwise(places):
        middle = (start + end) // 2
        between = [index for index in range(start, end) if heads[index] and index > borders[-1]]
        borders.append(min(between, key=lambda index: abs(index - middle), default=middle))
    return [*borders, places[-1][1]]
