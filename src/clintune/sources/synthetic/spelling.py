"""How writers vary a name: other words for the same thing, and slips of the keyboard."""

import re
from collections.abc import Collection, Mapping

from clintune.sources.synthetic.dice import Dice
from clintune.sources.synthetic.expansion import Passage, Piece

_LONG_WORD = re.compile(r"[^\W\d_]{5,}")
_NEIGHBOURS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuioiosdfghjkkkxcvbnmn", strict=True))


def with_synonyms(passage: Passage, synonyms: Mapping[str, tuple[str, ...]], dice: Dice) -> Passage:
    """Say each mention that has synonyms in one of its forms, its own as likely as each other."""
    return tuple(
        piece if piece.mark is None else _synonym(piece, synonyms.get(piece.text.lower(), ()), dice)
        for piece in passage
    )


def _synonym(piece: Piece, others: tuple[str, ...], dice: Dice) -> Piece:
    text = dice.pick((piece.text, *others))
    if piece.text[0].isupper():
        text = text[0].upper() + text[1:]
    return Piece(text, piece.mark)


def with_misspellings(passage: Passage, marks: Collection[str], share: float, dice: Dice) -> Passage:
    """Misspell one word in `share` of the pieces marked with one of `marks`.

    Only words of five letters and more that are not all capitals: who writes COPD spells it right, and a
    slip in a shorter word gives another word. Names without such a word stay as they are.
    """
    return tuple(
        _misspelled(piece, dice) if piece.mark in marks and dice.chance(share) else piece for piece in passage
    )


def _misspelled(piece: Piece, dice: Dice) -> Piece:
    words = [word for word in _LONG_WORD.finditer(piece.text) if not word.group().isupper()]
    if not words:
        return piece
    word = dice.pick(words)
    return Piece(piece.text[: word.start()] + slip(word.group(), dice) + piece.text[word.end() :], piece.mark)


def slip(word: str, dice: Dice) -> str:
    """The word with one letter, never the first, dropped, doubled, exchanged or struck beside."""
    at = dice.between(1, len(word) - 2)
    before, here, after = word[:at], word[at], word[at + 1 :]
    slips = (
        before + after,
        before + here + here + after,
        before + after[0] + here + after[1:],
        before + _NEIGHBOURS.get(here, "") + after,
    )
    wrong = dice.pick(slips)
    return wrong if wrong != word else slips[1]
