"""Texts that are nearly the same: every pair whose sets of word triples overlap by at least 0.8 (Jaccard)."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import ceil

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.8
_WORDS = 3
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
"""A word; in Chinese, Japanese and Korean, where no blank ends it, a character."""

Shingles = NDArray[np.uint64]


def shingles(text: str) -> Shingles:
    """The word triples of a text, whatever their case, each as a number; of a shorter text all of it."""
    words = _WORD.findall(text.casefold()) or [text]
    triples = {" ".join(words[at : at + _WORDS]) for at in range(max(1, len(words) - _WORDS + 1))}
    return np.array(
        sorted(int.from_bytes(blake2b(one.encode(), digest_size=8).digest()) for one in triples),
        dtype=np.uint64,
    )


def alike(texts: Sequence[Shingles], splits: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pairs (place, earlier place) of texts of different splits that are nearly the same. None is missed.

    Of two sets that overlap so far, one of the rarest fifth of the one is among the rarest fifth of the
    other, whatever the order (prefix filtering, Chaudhuri et al. 2006): only those are looked up.
    """
    prefixes = _rarest(texts)
    holders: dict[int, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        candidates = {one for triple in prefixes[place] for one in holders[triple]}
        for other in sorted(candidates):
            if splits[other] != splits[place] and _overlap(text, texts[other]) >= ALIKE:
                yield place, other
        for triple in prefixes[place]:
            holders[triple].append(place)


def _rarest(texts: Sequence[Shingles]) -> list[list[int]]:
    """Of each text so many of its rarest triples that a text that is alike must share one."""
    if not texts:
        return []
    triples, counts = np.unique(np.concatenate(texts), return_counts=True)
    rank = np.lexsort((triples, counts)).argsort()
    chosen = []
    for text in texts:
        ranks = np.sort(rank[np.searchsorted(triples, text)])
        chosen.append(ranks[: len(text) - ceil(ALIKE * len(text)) + 1].tolist())
    return chosen


def _overlap(one: Shingles, other: Shingles) -> float:
    if min(len(one), len(other)) < ALIKE * max(len(one), len(other)):
        return 0.0
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
