"""Tokenizers of several families of base models, with a token for each letter, or for each of its bytes."""

from tokenizers import Tokenizer
from tokenizers.models import BPE, Unigram
from tokenizers.pre_tokenizers import ByteLevel, Metaspace, PreTokenizer, Sequence, WhitespaceSplit

TOKENIZERS = ("deberta", "xlm-roberta", "modernbert")
_LETTERS = "abcdefghijklmnopqrstuvwxyzANZ0123456789é.,()/'-▁中文糖尿病🩺β"


def tokenizer(kind: str) -> Tokenizer:
    """As these models have it: blanks are part of the word behind them, or are gone, or are bytes."""
    if kind == "modernbert":
        alphabet = sorted(ByteLevel.alphabet())
        made = Tokenizer(BPE({piece: number for number, piece in enumerate(alphabet)}, []))
        made.pre_tokenizer = ByteLevel(add_prefix_space=False)
        return made
    made = Tokenizer(Unigram([("<unk>", 0.0), *((letter, -2.0) for letter in _LETTERS)], unk_id=0))
    splitters: list[PreTokenizer] = [Metaspace()]
    made.pre_tokenizer = Sequence(([WhitespaceSplit()] if kind == "xlm-roberta" else []) + splitters)
    return made
