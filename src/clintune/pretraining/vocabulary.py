"""Pieces of words, learnt from texts."""

from collections.abc import Iterable, Iterator
from itertools import groupby
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
    """At most `size` pieces, the special ones among them; every character of the texts is one of them.

    `texts` are pairs of group and text; texts of one group that follow each other count as one. Byte pairs
    (Sennrich et al. 2016, arXiv:1508.07909) over words as BERT splits them: Chinese characters stand by
    themselves, accents stay. The same texts give the same pieces, which cannot be said of pieces with a mark
    for the inside of a word: see DECISIONS.md.
    """
    tokenizer = Tokenizer(BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = _normalizer(section)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    trainer = BpeTrainer(
        vocab_size=section.size, min_frequency=section.min_count, special_tokens=list(SPECIAL),
        show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator(_words(texts, section), trainer)
    frame = [(token, tokenizer.token_to_id(token)) for token in (BEGIN, END)]
    tokenizer.post_processor = TemplateProcessing(single=f"{BEGIN} $A {END}", special_tokens=frame)
    return tokenizer


def _normalizer(section: Vocabulary) -> BertNormalizer:
    return BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=section.lowercase
    )


def _words(texts: Iterable[tuple[str, str]], section: Vocabulary) -> Iterator[str]:
    """The words of each group, each once."""
    # Not those of the tokenizer, which is locked while it learns.
    normalizer, splitter = _normalizer(section), BertPreTokenizer()
    for _, own in groupby(texts, key=itemgetter(0)):
        words: set[str] = set()
        for _, text in own:
            words.update(word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
        yield " ".join(sorted(words))
