"""Many words looked for in many bytes at once, by a hash of every 8 and every 16 bytes (Karp and Rabin)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHORTEST = 8
_WIDTHS = (8, 16)
_FACTOR = 0x9E3779B1
_BITS = 20
_AT_ONCE = 1 << 19

Hashes = NDArray[np.uint32]


class Needles:
    """Byte strings to look for, none shorter than SHORTEST. A word is found by its last 8 or 16 bytes."""

    def __init__(self, words: Iterable[bytes]) -> None:
        self._by_end: Mapping[int, dict[bytes, list[bytes]]] = {w: defaultdict(list) for w in _WIDTHS}
        for word in words:
            width = max(one for one in _WIDTHS if one <= len(word))
            self._by_end[width][word[-width:]].append(word)
        self._tables = {width: self._table(width) for width in _WIDTHS}
        lengths = [len(word) for ends in self._by_end.values() for words in ends.values() for word in words]
        self._longest = max(lengths, default=0)

    def _table(self, width: int) -> NDArray[np.bool_]:
        table = np.zeros(1 << _BITS, dtype=np.bool_)
        ends = self._by_end[width]
        if ends:
            block = np.frombuffer(b"".join(ends), dtype=np.uint8)
            table[_slots(dict(_hashes(block))[width][::width])] = True
        return table

    def among(self, file: Path) -> set[bytes]:
        """Those that stand in a file."""
        found: set[bytes] = set()
        with file.open("rb") as stream:
            kept = b""
            while block := stream.read(_AT_ONCE):
                content = kept + block
                found |= set(self.within(content))
                kept = content[max(0, len(content) - self._longest) :]
        return found

    def within(self, content: bytes) -> Iterator[bytes]:
        """Those that stand in the bytes, each as often as it does."""
        for width, hashes in _hashes(np.frombuffer(content, dtype=np.uint8)):
            ends = self._by_end[width]
            for at in np.flatnonzero(self._tables[width][_slots(hashes)]).tolist() if ends else ():
                for word in ends.get(content[at : at + width], ()):
                    if content[: at + width].endswith(word):
                        yield word


def _hashes(block: NDArray[np.uint8]) -> Iterator[tuple[int, Hashes]]:
    """A hash of each run of bytes of each width: that of twice the length is made of two."""
    hashes, factor, width = block.astype(np.uint32), _FACTOR, 1
    while width < max(_WIDTHS) and len(hashes) > width:
        hashes = hashes[:-width] * np.uint32(factor) + hashes[width:]
        factor, width = factor * factor % (1 << 32), 2 * width
        if width in _WIDTHS:
            yield width, hashes


def _slots(hashes: Hashes) -> Hashes:
    mixed = (hashes ^ (hashes >> np.uint32(15))) * np.uint32(0x85EBCA6B)
    return mixed >> np.uint32(32 - _BITS)
