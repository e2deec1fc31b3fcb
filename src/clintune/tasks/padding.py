"""Names in a table for a terminal, where a Chinese character takes the room of two letters."""

import unicodedata

_WIDE, _WITHOUT = ("W", "F"), ("Mn", "Me", "Cf")


def padded(name: str, width: int) -> str:
    """With blanks up to `width` columns; longer names stay whole."""
    return name + " " * max(0, width - sum(map(_columns, name)))


def _columns(character: str) -> int:
    if unicodedata.category(character) in _WITHOUT:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1
