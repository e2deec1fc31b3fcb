"""On tag sequences the strict score is seqeval's strict mode, number for number."""

import random
from math import fsum

import pytest
from seqeval.metrics import classification_report, f1_score
from seqeval.scheme import IOB2, IOBES

from clintune.examples import Span
from clintune.tasks.entities.scoring import Counts, strict

LABELS = ("Chemical", "Disease", "Gene")
CORPORA, SEQUENCES = 500, 20  # 10,000 pairs of sequences for each scheme


def characters(tags, scheme):
    """Spans of a tag sequence read strictly, over words of different lengths. Knows nothing of seqeval."""
    spans, begun = [], None
    for index, tag in enumerate([*tags, "O"]):
        position, _, label = tag.partition("-")
        goes_on = begun is not None and position in ("I", "E") and label == tags[begun][2:]
        if begun is not None and not goes_on and scheme is IOB2:
            spans.append((begun, index))
        begun = begun if goes_on else None
        if position == "S":
            spans.append((index, index + 1))
        if position == "E" and goes_on:
            spans.append((begun, index + 1))
            begun = None
        if position == "B":
            begun = index
    starts = [sum(2 + before % 5 for before in range(index)) for index in range(len(tags))]
    ends = [start + 1 + index % 5 for index, start in enumerate(starts)]
    return tuple(sorted(Span(starts[first], ends[last - 1], tags[first][2:]) for first, last in spans))


def tags_like(chance, scheme, length):
    """A random sequence that is often legal and often not."""
    positions = "BI" if scheme is IOB2 else "BIES"
    tags = []
    for _ in range(length):
        if tags and tags[-1] != "O" and chance.random() < 0.6:
            tags.append(chance.choice(positions.replace("B", "")) + tags[-1][1:])
        elif chance.random() < 0.4:
            tags.append("O")
        else:
            tags.append(f"{chance.choice(positions)}-{chance.choice(LABELS)}")
    return tags


def blurred(chance, tags, scheme):
    return [tags_like(chance, scheme, 1)[0] if chance.random() < 0.15 else tag for tag in tags]


@pytest.mark.parametrize("scheme", [IOB2, IOBES])
def test_it_agrees_with_seqeval_on_ten_thousand_random_sequences(scheme):
    chance = random.Random(2)
    compared = 0
    for _ in range(CORPORA):
        gold = [tags_like(chance, scheme, chance.randint(1, 14)) for _ in range(SEQUENCES)]
        said = [blurred(chance, tags, scheme) for tags in gold]
        theirs = classification_report(
            gold, said, mode="strict", scheme=scheme, output_dict=True, zero_division=0
        )
        micro, labels = ours(gold, said, scheme)
        assert set(theirs) == {*labels, "micro avg", "macro avg", "weighted avg"}
        for label, counts in labels.items():
            equal(theirs[label], counts)
        equal(theirs["micro avg"], micro)
        macro = fsum(counts.f1 for counts in labels.values()) / len(labels)
        assert theirs["macro avg"]["f1-score"] == pytest.approx(macro, rel=1e-14)
        compared += len(gold)
    assert compared == 10_000


def ours(gold, said, scheme):
    pairs = [
        (characters(wanted, scheme), characters(found, scheme))
        for wanted, found in zip(gold, said, strict=True)
    ]
    labels = {span.label for pair in pairs for side in pair for span in side}
    micro = sum((strict(*pair) for pair in pairs), Counts())
    return micro, {label: sum((strict(*only(pair, label)) for pair in pairs), Counts()) for label in labels}


def only(pair, label):
    return tuple(tuple(span for span in side if span.label == label) for side in pair)


def equal(theirs, counts):
    assert theirs["support"] == counts.gold
    assert theirs["precision"] == counts.precision
    assert theirs["recall"] == counts.recall
    # seqeval rounds three times on the way to F1.
    assert theirs["f1-score"] == pytest.approx(counts.f1, rel=1e-15, abs=0)


def test_an_entity_without_a_beginning_is_none_where_lenient_seqeval_gives_full_marks():
    gold, said = ["B-Disease", "I-Disease"], ["I-Disease", "I-Disease"]
    assert f1_score([gold], [said]) == 1.0
    assert f1_score([gold], [said], mode="strict", scheme=IOB2) == 0.0
    assert strict(characters(gold, IOB2), characters(said, IOB2)).f1 == 0.0
