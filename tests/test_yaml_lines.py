"""A message names the line of the key that it is about."""

import pytest

from clintune.yaml_lines import line_of

TEXT = """seed: 1
# a comment

train:
  epochs: 2
  sizes:
    - 8
    - {low: 1,
       high: 2}
1: a number for a key
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ((), 1),
        (("seed",), 1),
        (("train",), 4),
        (("train", "epochs"), 5),
        (("train", "sizes", 0), 7),
        (("train", "sizes", 1, "high"), 9),
        ((1,), 10),
    ],
)
def test_the_line_is_that_of_the_key_or_the_item(keys, line):
    assert line_of(TEXT, keys) == line


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (("train", "epoch"), 4),
        (("train", "epochs", "more"), 5),
        (("export", "name"), 1),
        (("train", "sizes", "x"), 6),
    ],
)
def test_for_a_key_that_is_not_there_it_is_the_line_of_what_is_around_it(keys, line):
    assert line_of(TEXT, keys) == line
