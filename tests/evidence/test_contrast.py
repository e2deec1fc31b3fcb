"""Where two files begin to differ, in words that hold no text of a record."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from clintune.evidence.replaying.contrast import contrast

TENSORS = {"a": np.zeros((2, 3), np.float32), "b": np.ones(4, np.float32)}


@pytest.fixture
def pair(tmp_path):
    return lambda suffix: (tmp_path / f"one{suffix}", tmp_path / f"other{suffix}")


def test_the_first_tensor_that_differs_is_named_with_how_many_values_and_how_far(pair):
    one, other = pair(".safetensors")
    save_file(TENSORS, one)
    save_file({**TENSORS, "b": np.array([1, 1.5, 1, 0.75], np.float32)}, other)
    assert contrast(one, other) == "tensor b: 2 of 4 values, at most 0.5 apart"


def test_a_tensor_of_one_side_or_of_another_shape_is_named(pair):
    one, other = pair(".safetensors")
    save_file(TENSORS, one)
    save_file({"a": TENSORS["a"]}, other)
    assert contrast(one, other) == "tensor b is in one of them only"
    save_file({**TENSORS, "a": np.zeros((3, 2), np.float32)}, other)
    assert contrast(one, other) == "tensor a has another shape: (2, 3), (3, 2)"


def test_the_first_row_and_column_are_named_and_no_value(pair):
    one, other = pair(".parquet")
    pq.write_table(pa.table({"id": ["a", "b"], "text": ["Anna Berg", "Carl"]}), one)
    pq.write_table(pa.table({"id": ["a", "b"], "text": ["Anna Berg", "Dora"]}), other)
    assert contrast(one, other) == "row 2, column text"
    pq.write_table(pa.table({"id": ["a"], "text": ["Anna Berg"]}), other)
    assert contrast(one, other) == "2 rows, 1 rows"


def test_the_first_key_is_named_with_numbers_but_no_text(pair):
    one, other = pair(".json")
    one.write_text(json.dumps({"f1": {"all": 0.5}, "name": "Anna"}))
    other.write_text(json.dumps({"f1": {"all": 0.75}, "name": "Anna"}))
    assert contrast(one, other) == "key f1.all: 0.5, 0.75"
    other.write_text(json.dumps({"f1": {"all": 0.5}, "name": "Berg"}))
    assert contrast(one, other) == "key name"


@pytest.mark.parametrize(
    ("content", "place"), [(b"abd", "byte 3 of 3"), (b"ab", "byte 3 of 3"), (b"xbc", "byte 1 of 3")]
)
def test_of_any_other_file_the_first_byte_is_named(pair, content, place):
    one, other = pair(".txt")
    one.write_bytes(b"abc")
    other.write_bytes(content)
    assert contrast(one, other) == place


@pytest.mark.parametrize("suffix", ["safetensors", "parquet", "json"])
def test_a_file_that_is_not_what_its_name_says_differs_in_bytes(tmp_path, suffix):
    one, other = (tmp_path / f"{name}.{suffix}" for name in ("one", "other"))
    one.write_bytes(b"no such file")
    other.write_bytes(b"no such thing")
    assert contrast(one, other) == "byte 9 of 12"
