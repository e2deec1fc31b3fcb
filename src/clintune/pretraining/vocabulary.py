"""Pieces of words, learnt from texts."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import itemgetter

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer

from clintune.params import Vocabulary

PAD, UNKNOWN, BEGIN, END, MASK = SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""The first tokens of a vocabulary, in this order: padding is token 0, as batching.pad has it."""


def learn(texts: Iterable[tuple[str, str]], section: Vocabulary) -> Tokenizer:
    """At most `size` pieces, or every character where these are more; what is in no piece is [UNK].

    `texts` are pairs of group and text. The distinct words of each group are held in memory, for a piece that
    fewer than `min_groups` groups have in their words is left out. Byte pairs (Sennrich et al. 2016,
    arXiv:1508.07909) over words as BERT splits them: Chinese characters stand by themselves, accents stay.
    The same texts give the same pieces, which cannot be said of pieces with a mark for the inside of a word:
    see DECISIONS.md.
    """
    groups = _words(texts, section)
    learnt = _tokenizer(BPE(unk_token=UNKNOWN), section)
    trainer = BpeTrainer(
        vocab_size=section.pieces, min_frequency=section.min_groups, special_tokens=list(SPECIAL),
        show_progress=False,
    )  # fmt: skip
    learnt.train_from_iterator(groups, trainer)
    tokenizer = _tokenizer(_frequent(learnt, groups, section.min_groups), section)
    frame = [(token, SPECIAL.index(token)) for token in (BEGIN, END)]
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = TemplateProcessing(single=f"{BEGIN} $A {END}", special_tokens=frame)
    return tokenizer


def _tokenizer(model: BPE, section: Vocabulary) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=section.lowercase
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


def _words(texts: Iterable[tuple[str, str]], section: Vocabulary) -> list[str]:
    """The words of each group, each once, with a blank between them."""
    reader = _tokenizer(BPE(), section)
    words: dict[str, set[str]] = defaultdict(set)
    for group, text in texts:
        split = reader.pre_tokenizer.pre_tokenize_str(reader.normalizer.normalize_str(text))
        words[group].update(word for word, _ in split)
    return [" ".join(sorted(own)) for own in words.values()]


def _frequent(learnt: Tokenizer, groups: Sequence[str], least: int) -> BPE:
    """The model without the pieces that fewer groups have; a merge of one would make another such."""
    model = json.loads(learnt.to_str())["model"]
    kept = [
        piece for piece, _ in sorted(model["vocab"].items(), key=itemgetter(1))
        if piece in SPECIAL or _is_in(piece, groups, least)
    ]  # fmt: skip
    vocabulary = {piece: number for number, piece in enumerate(kept)}
    merges = [(one, two) for one, two in model["merges"] if one + two in vocabulary]
    return BPE(vocabulary, merges, unk_token=UNKNOWN)


def _is_in(piece: str, groups: Sequence[str], least: int) -> bool:
    found = (group for group in groups if piece in group)
    return len(list(islice(found, least))) == least
