"""MLflow takes every name and value after this; what it would take anyway stays as it is."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clintune.tracking import limits

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from mlflow.utils.validation import _validate_param, _validate_tag

NAMES = st.text(min_size=1, max_size=400)


@pytest.mark.parametrize("name", ["train/loss", "dvc.dep.data/raw", "f1 strict", "a-b_c.d"])
def test_a_legal_name_stays(name):
    assert limits.name(name) == name


@given(name=NAMES, value=st.text(max_size=50))
def test_mlflow_takes_any_name(name, value):
    _validate_param(limits.name(name), limits.param(value))
    _validate_tag(limits.name(name), limits.tag(value))


@given(one=NAMES, two=NAMES)
def test_two_names_stay_two(one, two):
    assert (limits.name(one) == limits.name(two)) == (one == two)


def test_names_that_differ_only_in_what_mlflow_forbids_stay_two():
    assert limits.name("labels.a+b") != limits.name("labels.a(b")


@pytest.mark.parametrize("length", [6000, 6001, 50_000])
def test_a_long_param_is_whole_or_a_hash_never_a_part(length):
    text = "x" * length
    assert limits.param(text) == text if length == 6000 else limits.param(text).startswith(f"{length} char")


def test_a_long_tag_is_cut_and_says_so():
    assert limits.tag("x" * 9000).endswith("x…")
    _validate_tag("note", limits.tag("x" * 9000))
