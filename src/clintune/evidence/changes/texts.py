"""Which lines of a text changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_SHOWN = 72


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that took the place of others, from line `line` of the new text on, which counts from 1."""

    line: int
    old: tuple[str, ...]
    new: tuple[str, ...]

    def __str__(self) -> str:
        """`41: - old / + new`, a line of each side and the number of the others."""
        sides = [_side("-", self.old), _side("+", self.new)]
        return f"{self.line}: {' / '.join(filter(None, sides))}"


def hunks(old: bytes, new: bytes) -> list[Hunk]:
    """Between two texts in UTF-8, from the top."""
    before, after = (text.decode("utf-8", "replace").splitlines() for text in (old, new))
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [
        Hunk(start + 1, tuple(before[first:last]), tuple(after[start:end]))
        for kind, first, last, start, end in codes if kind != "equal"
    ]  # fmt: skip


def counts(found: Sequence[Hunk]) -> tuple[int, int]:
    """How many lines were added and removed."""
    return sum(len(one.new) for one in found), sum(len(one.old) for one in found)


def _side(sign: str, lines: tuple[str, ...]) -> str:
    if not lines:
        return ""
    shown = next((line for line in lines if line.strip()), "")
    text = " ".join(shown.split())
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return f"{sign} {text if len(text) <= _SHOWN else f'{text[: _SHOWN - 1]}…'}{more}"
