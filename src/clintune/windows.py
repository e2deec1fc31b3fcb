"""Text into overlapping windows that fit the model: nothing cut away, every token owned once."""

import json
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias, TypeVar

from tokenizers import Tokenizer

from clintune.checkpoints import Outputs
from clintune.errors import ModelError
from clintune.examples import IGNORED, Companion, Window

Item = TypeVar("Item")
Place: TypeAlias = tuple[int, int]

_CHINESE = (
    ("\u3400", "\u4dbf"), ("\u4e00", "\u9fff"), ("\uf900", "\ufaff"), ("\U00020000", "\U0002a6df"),
    ("\U0002a700", "\U0002b73f"), ("\U0002b740", "\U0002b81f"), ("\U0002b820", "\U0002ceaf"),
    ("\U0002f800", "\U0002fa1f"),
)  # fmt: skip
"""The blocks that BERT's normalizer puts blanks around."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """All tokens of one text, without special ones: `ids`, character offsets, and where words begin.

    `companions` are the same text as each companion of the base model reads it.
    """

    ids: tuple[int, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    heads: tuple[bool, ...]
    companions: tuple["Tokens", ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def sharing(self, start: int, end: int) -> tuple[int, int]:
        """The tokens that share a character with start:end, as first:last; first >= last if none does."""
        return bisect_right(self.ends, start), bisect_left(self.starts, end)


@dataclass(frozen=True, slots=True)
class Reader:
    """How one encoder reads: `prefix` and `suffix` are the special tokens around what it gets.

    `unknown` stands for characters that the tokenizer does not know, and is None where it knows them all.
    """

    tokenizer: Tokenizer
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    unknown: int | None
    max_tokens: int

    @property
    def capacity(self) -> int:
        """Tokens of a text beside the special ones."""
        return self.max_tokens - len(self.prefix) - len(self.suffix)

    def tokens(self, text: str, companions: tuple[Tokens, ...] = ()) -> Tokens:
        """The whole text, however long, in tokens."""
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        words, places = encoding.word_ids, [_characters(text, *place) for place in encoding.offsets]
        heads = (
            not index or words[index] != words[index - 1] or _parts(text, places[index - 1], places[index])
            for index in range(len(places))
        )
        return Tokens(
            ids=tuple(encoding.ids),
            starts=tuple(start for start, _ in places),
            ends=tuple(end for _, end in places),
            heads=tuple(heads),
            companions=companions,
        )

    def framed(self, inner: tuple[Item, ...], outer: Item) -> tuple[Item, ...]:
        """With `outer` in the place of each special token."""
        return (outer,) * len(self.prefix) + inner + (outer,) * len(self.suffix)


def _characters(text: str, start: int, end: int) -> Place:
    """Where a token lies: without blanks, which some tokenizers count with the word behind them.

    Of a token of blanks alone nothing is left.
    """
    piece = text[start:end]
    first = start + len(piece) - len(piece.lstrip())
    return first, max(first, start + len(piece.rstrip()))


def _parts(text: str, before: Place, place: Place) -> bool:
    """Whether a word begins between two tokens by BERT's rule, for tokenizers that know no border but blanks.

    Not inside a character, which a tokenizer of bytes may have several tokens for.
    """
    between = text[max(0, before[1] - 1) : place[0] + 1]
    return before[1] <= place[0] and any(one.isspace() or _stands_alone(one) for one in between)


def _stands_alone(character: str) -> bool:
    """Whether a character is a word by itself for BERT: punctuation, or a Chinese character."""
    if character.isascii():
        return character.isprintable() and not (character.isalnum() or character == " ")
    return unicodedata.category(character).startswith("P") or any(
        first <= character <= last for first, last in _CHINESE
    )


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts texts for one model: the windows of its base model, and what its companions read of each."""

    reader: Reader
    overlap: int
    companions: tuple[Reader, ...] = ()

    def tokens(self, text: str) -> Tokens:
        """The whole text, however long, in tokens."""
        return self.reader.tokens(text, tuple(one.tokens(text) for one in self.companions))

    def cut(self, example_id: str, tokens: Tokens, labels: Sequence[int]) -> Iterator[Window]:
        """Windows in the order of the text. `labels` has one item per token; only the owner carries it."""
        places = self._places(tokens)
        borders = _borders(places, tokens.heads)
        framed = self.reader.framed
        for (start, end), (first, last) in zip(places, pairwise(borders), strict=True):
            owned = tuple(first <= index < last for index in range(start, end))
            tags = (labels[index] if first <= index < last else IGNORED for index in range(start, end))
            yield Window(
                example_id=example_id,
                input_ids=(*self.reader.prefix, *tokens.ids[start:end], *self.reader.suffix),
                starts=framed(tokens.starts[start:end], 0),
                ends=framed(tokens.ends[start:end], 0),
                owned=framed(owned, False),
                heads=framed(tokens.heads[start:end], False),
                labels=framed(tuple(tags), IGNORED),
                companions=tuple(self._read(tokens, start, end)),
            )

    def _places(self, tokens: Tokens) -> list[tuple[int, int]]:
        """Where each window lies: as long as every encoder has room for it.

        The last one is moved back to be full: the end of a text has context too.
        """
        places: list[tuple[int, int]] = []
        start, length, capacity = 0, len(tokens), self.reader.capacity
        while (end := self._furthest(tokens, start)) < length:
            places.append((start, end))
            shared = self.overlap if end - start == capacity else min(self.overlap, (end - start) // 2)
            start = end - shared
        return [*places, (self._earliest(tokens, length), length)]

    def _furthest(self, tokens: Tokens, start: int) -> int:
        """The end of the longest window from `start`: one token at least."""
        end = min(start + self.reader.capacity, len(tokens))
        for reader, other in zip(self.companions, tokens.companions, strict=True):
            if start == end:
                break
            beyond = other.sharing(tokens.starts[start], tokens.ends[start])[0] + reader.capacity
            if beyond < len(other):
                end = min(end, max(start + 1, bisect_right(tokens.ends, other.starts[beyond])))
        return end

    def _earliest(self, tokens: Tokens, end: int) -> int:
        """The start of the longest window up to `end`: one token at least."""
        start = max(0, end - self.reader.capacity)
        for reader, other in zip(self.companions, tokens.companions, strict=True):
            if start == end:
                break
            before = other.sharing(tokens.starts[end - 1], tokens.ends[end - 1])[1] - reader.capacity - 1
            if before >= 0:
                start = max(start, min(end - 1, bisect_left(tokens.starts, other.ends[before])))
        return start

    def _read(self, tokens: Tokens, start: int, end: int) -> Iterator[Companion]:
        """What each companion reads of the tokens start:end.

        Of one token that alone is more than a companion can read, it reads the beginning.
        """
        for reader, other in zip(self.companions, tokens.companions, strict=True):
            shared = [other.sharing(tokens.starts[index], tokens.ends[index]) for index in range(start, end)]
            low = min((first for first, last in shared if first < last), default=0)
            high = min(
                max((last for first, last in shared if first < last), default=0), low + reader.capacity
            )
            ahead = len(reader.prefix) - low
            kept = [(first, min(last, high)) for first, last in shared]
            placed = [(first + ahead, last + ahead) if first < last else (0, 0) for first, last in kept]
            firsts, lasts = zip(*placed, strict=True) if placed else ((), ())
            yield Companion(
                input_ids=(*reader.prefix, *other.ids[low:high], *reader.suffix),
                firsts=self.reader.framed(firsts, 0),
                lasts=self.reader.framed(lasts, 0),
            )


def load_cutter(
    tokenizer: Path, *, max_tokens: int, overlap: int, companions: Iterable[tuple[Path, int]] = ()
) -> Cutter:
    """The cutter of the model whose tokenizer.json is at `tokenizer`.

    `companions` are the tokenizers of its companions, each with the most tokens that it can be given. Raises
    ModelError where a file is no tokenizer or a window has no room for text.
    """
    reader = _load_reader(tokenizer, max_tokens)
    if reader.capacity <= overlap:
        problem = "leaves no room beside special tokens and overlap"
        raise ModelError("params.yaml: tokenize.max_tokens", problem, "raise it, or lower tokenize.overlap")
    return Cutter(reader, overlap, tuple(_load_reader(path, longest) for path, longest in companions))


def cutter_of(folder: Path, outputs: Outputs) -> Cutter:
    """The cutter of a trained model whose tokenizers lie in `folder`."""
    tokenizer, *companions = (folder / name for name in outputs.tokenizers)
    return load_cutter(
        tokenizer, max_tokens=outputs.max_tokens, overlap=outputs.overlap,
        companions=zip(companions, outputs.companions, strict=True),
    )  # fmt: skip


def _load_reader(tokenizer: Path, max_tokens: int) -> Reader:
    try:
        loaded = Tokenizer.from_file(str(tokenizer))
    except Exception as error:  # the library raises bare Exception for every malformed file
        raise ModelError(str(tokenizer), f"is no tokenizer ({error})", "name another model") from None
    # A tokenizer.json may carry the truncation and padding of whoever saved it: text would be lost.
    loaded.no_truncation()
    loaded.no_padding()
    prefix, suffix = _special_tokens(loaded)
    return Reader(loaded, prefix, suffix, _unknown_token(loaded), max_tokens)


def _special_tokens(tokenizer: Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    encoding = tokenizer.encode("a", add_special_tokens=True)
    inner = [index for index, special in enumerate(encoding.special_tokens_mask) if not special]
    return tuple(encoding.ids[: inner[0]]), tuple(encoding.ids[inner[-1] + 1 :])


def _unknown_token(tokenizer: Tokenizer) -> int | None:
    """Models of words and pieces name a token, unigram models a number."""
    model = json.loads(tokenizer.to_str())["model"]
    token, number = model.get("unk_token"), model.get("unk_id")
    return number if token is None else tokenizer.token_to_id(token)


def _borders(places: Sequence[tuple[int, int]], heads: Sequence[bool]) -> list[int]:
    """Where ownership changes: in the middle of each overlap, between two words if one ends there."""
    borders = [0]
    for (_, end), (start, _) in pairwise(places):
        middle = (start + end) // 2
        between = [index for index in range(start, end) if heads[index] and index > borders[-1]]
        nearest = min(between, key=lambda index: abs(index - middle), default=max(middle, borders[-1]))
        borders.append(nearest)
    return [*borders, places[-1][1]]
