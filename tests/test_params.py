from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from clintune.errors import ParamsError
from clintune.params import Params, load_params
from clintune.params_faults import LEFT_OUT_BY_DVC
from clintune.recipes import recipe_file

SHIPPED = Path(__file__).parents[1] / "src/clintune/recipes/synthetic.yaml"


@pytest.fixture
def text():
    return SHIPPED.read_text(encoding="utf-8")


def refused(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{tmp_path}/")


def changed(text, old, new):
    assert text.count(old) == 1, old
    return text.replace(old, new)


def without_preset(model):
    """Every field of a section and of the sections in it that has a value of its own in the code."""
    return [
        f"{model.__name__}.{name}" for name, field in model.model_fields.items() if not field.is_required()
    ]


def test_the_shipped_params_are_legal(text):
    assert load_params(SHIPPED).model_dump(mode="json") == YAML(typ="safe", pure=True).load(text)


def test_the_code_holds_no_defaults():
    from clintune import params

    sections = [
        one for one in vars(params).values() if isinstance(one, type) and issubclass(one, params.Section)
    ]
    assert len(sections) > 10
    assert [name for section in sections for name in without_preset(section)] == []


def test_nothing_changes_after_reading():
    with pytest.raises(ValueError, match="frozen"):
        load_params(SHIPPED).train.epochs = 5


@pytest.mark.parametrize("number", ["2e-05", "0.00002", "2.0e-5", "1"])
def test_a_number_may_be_written_in_any_way_of_yaml_1_2(tmp_path, text, number):
    path = tmp_path / "params.yaml"
    path.write_text(changed(text, "learning_rate: 0.0005", f"learning_rate: {number}"))
    assert load_params(path).train.learning_rate == float(number)


@pytest.mark.parametrize("rewrite", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")])
def test_a_byte_order_mark_and_crlf_are_legal(tmp_path, text, rewrite):
    path = tmp_path / "params.yaml"
    path.write_bytes(rewrite(text).encode("utf-8"))
    assert load_params(path) == load_params(SHIPPED)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParamsError, match=r"params\.yaml: no such file; run from"):
        load_params(tmp_path / "params.yaml")


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_known_one(tmp_path, text):
    line = text[: text.index("epochs:")].count("\n") + 1
    assert refused(tmp_path, changed(text, "epochs:", "epoch:")) == (
        f"params.yaml:{line}: train.epoch: unknown key; did you mean epochs?"
    )


def test_an_unknown_key_comes_before_a_missing_one(tmp_path, text):
    message = refused(tmp_path, changed(changed(text, "seed: 17", ""), "  shown:", "  shwn:"))
    assert "evaluate.shwn: unknown key; did you mean shown?" in message


def test_no_key_has_a_name_that_dvc_leaves_out(tmp_path, text):
    """Its run cache takes it for that of a file: another value would get what the first one made."""
    line = text[: text.index("  labels: ")].count("\n") + 1
    assert refused(tmp_path, changed(text, "  labels: {}", "  labels: {size: Disease}")) == (
        f"params.yaml:{line}: preprocess.labels.size: DVC leaves 'size' out, and would restore what another "
        "value of it made; choose another name"
    )
    fields = {name for section in _sections(Params) for name in section.model_fields}
    assert not fields & LEFT_OUT_BY_DVC


def _sections(schema):
    """A section, and all that may stand in it."""
    yield schema
    kinds = [field.annotation for field in schema.model_fields.values()]
    while kinds:
        kind = kinds.pop()
        kinds += get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _sections(kind)


def test_a_missing_key_is_named_with_the_line_of_its_section(tmp_path, text):
    line = text[: text.index("\ntrain:")].count("\n") + 2
    lines = [one for one in text.splitlines() if not one.startswith("  epochs:")]
    assert refused(tmp_path, "\n".join(lines)) == (
        f"params.yaml:{line}: train.epochs: missing; add the key; the code holds no defaults"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed: 17", "seed: '17'", "seed: found '17' (text); it should be a valid integer"),
        ("seed: 17", "seed: true", "seed: found 'True' (boolean); it should be a valid integer"),
        ("seed: 17", "seed: -1", "seed: found '-1' (number); it should be greater than or equal to 0"),
        ("seed: 17", "seed:", "seed: found nothing (null); it should be a valid integer"),
        ("seed: 17", "seed: [1]", "seed: found a list; it should be a valid integer"),
        (
            "learning_rate: 0.0005",
            "learning_rate: '2e-5'",
            "found '2e-5' (text); it should be a valid number",
        ),
        ("learning_rate: 0.0005", "learning_rate: .inf", "it should be a finite number"),
        ("include: ['*']", "include: '*'", "ingest.include: found '*' (text); it should be a list"),
        ("shown: 20", "shown: 100000000000000000000", "it should be less than or equal to 1000000000"),
        ("labels: {}", "labels: {Drug: ''}", "preprocess.labels.Drug: found '' (text); String should have"),
        ("warmup: 0.1", "warmup: .nan", "train.warmup: found 'nan' (number)"),
        ("test: 0.2", "test: 0.3", "preprocess.split: train, validation and test must add up to 1"),
        ("by: hash", "by: hush", "'by' does not say which kind it is; it should be 'hash', 'file'"),
        ("by: hash", "why: hash", "'by' does not say which kind it is; it should be given"),
        ("    train: 0.7", "    train: -0.7", "preprocess.split.train: found '-0.7' (number)"),
        ("overlap: 64", "overlap: 200", "overlap must be at most half of max_tokens"),
        ("format: jsonl", "format: conll", "conll belongs to format conll"),
        ("format: jsonl", "format: csv", "table belongs to csv, tsv and parquet"),
        ("task: entities ", "task: regression ", "task regression needs a preprocess.format that is a table"),
        ("baselines: []", "baselines: [constant]", "task entities has no evaluate.baselines"),
        (
            "metric: f1 ",
            "metric: recal ",
            "task entities needs the train.stopping.metric f1 or loss or precision or recall",
        ),
        ("metric: f1 ", "metric: macro_f1 ", "task entities needs the train.stopping.metric f1 or"),
        ("baselines: []", "baselines: [guess]", "evaluate.baselines.0: found 'guess' (text)"),
        (
            "scratch: null",
            "scratch: {layers: 1, hidden: 10, heads: 3, intermediate: 1}",
            "hidden must be a multiple",
        ),
        ("labels: {}", "labels: {1: x}", "preprocess.labels.1: found '1' (number)"),
        ("labels: {}", 'labels: {"\\e[31m": 3}', r"preprocess.labels.\x1b[31m: found '3' (number)"),
        (
            "precision: fp32",
            "precision: bf16",
            "train.precision bf16 differs between CPUs, and numerics.profile is portable",
        ),
        (
            "kind: full ",
            "kind: lora\n    rank: 0\n    alpha: 16\n    dropout: 0.1\n    targets: ['*.query'] ",
            "train.strategy.rank: found '0' (number); it should be greater than or equal to 1",
        ),
        (
            "kind: full ",
            "kind: lora\n    rank: 8\n    alpha: 16\n    dropout: 0.1\n    targets: [] ",
            "train.strategy.targets: found a list",
        ),
        ("task: entities", "task: entity", "task: found 'entity' (text); it should be 'entities'"),
        pytest.param(
            "seed: 17", f"seed: 0x{'f' * 5000}", "seed: found '0xfffff", id="more than Python spells"
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_was_found_and_expected(tmp_path, text, old, new, message):
    assert message in refused(tmp_path, changed(text, old, new))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the whole file: found nothing (null); it should be a section with keys"),
        (b"- 1", "the whole file: found a list"),
        (b"\xff", "cannot be read as UTF-8"),
        (b"a: \0", "not YAML"),
        (b"a: [1", "params.yaml:1: not YAML"),
        (b"a: 1\n\tb: 2", "params.yaml:2: not YAML"),
        (b"a: 1\na: 2", "duplicate key"),
        (b"a: 2001-99-99", "not YAML"),
        (b"a: !!python/object:os.system x", "could not determine a constructor"),
    ],
)
def test_a_file_that_is_no_yaml_is_named_with_its_line(tmp_path, content, message):
    assert message in refused(tmp_path, content)


def test_a_section_that_repeats_itself_without_end_is_not_spelled_out(tmp_path, text):
    repeated = "".join(
        f"  a{level}: &a{level} {[f'*a{level - 1}'] * 9}\n".replace("'", "") for level in range(1, 12)
    )
    swollen = f"x:\n  a0: &a0 1\n{repeated}{changed(text, 'seed: 17', 'seed: *a11')}"
    assert len(refused(tmp_path, swollen)) < 200


def test_the_types_say_what_the_file_says(text):
    assert list(Params.model_fields) == list(YAML(typ="safe", pure=True).load(text))


TARGET = "labels: {'measured log solubility in mols per litre': 'log solubility (mol/l)'}"


@pytest.mark.parametrize("names", ["x: y, z: y", "a: b, x: y, z: y"])
def test_two_columns_of_numbers_are_not_one_target(tmp_path, names):
    text = recipe_file("esol").read_text(encoding="utf-8")
    message = "task regression has one column per target: preprocess.labels names one twice"
    assert message in refused(tmp_path, changed(text, TARGET, f"labels: {{{names}}}"))


def test_columns_of_numbers_with_names_of_their_own_or_none_are_legal(tmp_path):
    path, text = tmp_path / "params.yaml", recipe_file("esol").read_text(encoding="utf-8")
    path.write_text(changed(text, TARGET, "labels: {a: null, b: null, x: y, z: w}"), encoding="utf-8")
    assert len(load_params(path).preprocess.labels) == 4


def test_two_labels_may_be_one_in_other_tasks(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(changed(text, "labels: {}", "labels: {x: y, z: y}"), encoding="utf-8")
    assert set(load_params(path).preprocess.labels.values()) == {"y"}
