"""Tables for a terminal, with labels in Chinese."""

import pytest

from clintune.tasks.lines import LINES
from clintune.tasks.padding import padded

SCORE = {"f1": 0.5, "precision": 0.5, "recall": 0.5, "gold": 4.0}
ENTITIES = {"strict": SCORE, "seen": SCORE, "unseen": SCORE, "label": {"症状": SCORE}}


@pytest.mark.parametrize(
    ("name", "blanks"),
    [("ab", 4), ("症状", 2), ("ＡＢ", 2), ("e\u0301", 5), ("症状症状", 0)],
)
def test_a_name_takes_the_columns_that_a_terminal_gives_it(name, blanks):
    assert padded(name, 6) == name + " " * blanks


def test_scores_stand_below_each_other_beside_a_chinese_label():
    *_, plain, chinese = LINES["entities"](ENTITIES)
    assert plain.index("0.500") == chinese.index("0.500") + len("症状")
