"""Pieces of words, learnt from texts."""

from collections.abc import Iterable

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer

from clintune.params import Vocabulary

PAD, UNKNOWN, BEGIN, END, MASK = SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""The first tokens of a vocabulary, in this order: padding is token 0, as batching.pad has it."""


def learn(texts: Iterable[str], section: Vocabulary) -> Tokenizer:
    """At most `size` pieces, the special ones among them; every character of the texts is one of them.

    Byte pairs (Sennrich et al. 2016, arXiv:1508.07909) over words as BERT splits them: Chinese characters
    stand by themselves, accents stay. The same texts give the same pieces, which cannot be said of pieces
    with a mark for the inside of a word: see DECISIONS.md.
    """
    tokenizer = Tokenizer(BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=section.lowercase
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    trainer = BpeTrainer(vocab_size=section.size, special_tokens=list(SPECIAL), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    frame = [(token, tokenizer.token_to_id(token)) for token in (BEGIN, END)]
    tokenizer.post_processor = TemplateProcessing(single=f"{BEGIN} $A {END}", special_tokens=frame)
    return tokenizer
