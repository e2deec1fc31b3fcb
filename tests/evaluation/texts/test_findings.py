"""What is found besides the scores: limits, baselines, subgroups, intervals, and what is said of it all."""

import numpy as np
import pytest

from clintune.evaluation.texts.answers import Answers, Texts
from clintune.evaluation.texts.baselines import Rows, baseline
from clintune.evaluation.texts.ceilings import best_accuracy, least_error
from clintune.evaluation.texts.errors import shown, worst
from clintune.evaluation.texts.files import metrics
from clintune.evaluation.texts.findings import OTHERS
from clintune.evaluation.texts.labels import CLASSIFICATION
from clintune.evaluation.texts.measuring import Case, measure
from clintune.evaluation.texts.page import render
from clintune.evaluation.texts.values import REGRESSION
from clintune.evaluation.texts.wording import cautions
from tests.evaluation.documents import SECTION

LABELS = ("a", "b")


def eye(*places):
    return np.eye(2)[list(places)]


def texts(count, *, groups=None, attributes=None, same=None):
    numbers = np.arange(count)
    return Texts(
        tuple(f"id{number}" for number in numbers),
        numbers if groups is None else np.array(groups),
        tuple(attributes or [{}] * count),
        numbers if same is None else np.array(same),
    )


def findings(gold, said, *, rivals=None, section=SECTION, **known):
    model = Answers(eye(*gold), eye(*said), 0.8 * eye(*said) + 0.1)
    rivals = {name: Answers(eye(*gold), eye(*one), eye(*one)) for name, one in (rivals or {}).items()}
    case = Case(CLASSIFICATION, LABELS, texts(len(gold), **known), model, rivals, frozenset("a"))
    return measure(section, case, [], seed=17)


def test_the_limit_is_the_most_frequent_label_of_each_text():
    gold, same = eye(0, 0, 1, 1, 0), np.array([0, 0, 0, 1, 2])
    assert best_accuracy(gold, same) == {"accuracy": 4 / 5}
    assert best_accuracy(gold, np.arange(5)) == {}


def test_the_least_error_is_that_of_the_mean_of_each_text():
    gold = np.array([[1.0], [3.0], [5.0], [np.nan]])
    assert least_error(gold, np.array([0, 0, 1, 1])) == {"rmse": pytest.approx(np.sqrt(2 / 3))}
    assert least_error(gold, np.arange(4)) == {}


def test_the_limit_stands_beside_the_score_and_among_the_cautions():
    found = findings([0, 1, 0, 1], [0, 0, 0, 1], same=[0, 0, 1, 2])
    assert metrics(found)["ceiling"] == {"accuracy": 0.75}
    assert [one for one in cautions(found) if "at most 0.750" in one]
    assert ">Limit<" in render(found, inputs={})


def test_a_baseline_that_is_not_beaten_is_said_first():
    gold = [0, 1] * 30
    found = findings(gold, [0, 0] * 30, rivals={"words": gold})
    assert found.gains["words"].value < 0
    assert "The baseline Words beats the model" in cautions(found)[0]
    better = findings(gold, gold, rivals={"constant": [0] * 60})
    assert metrics(better)["baseline"]["constant"]["ahead_low"] > 0
    assert not [one for one in cautions(better) if "baseline" in one]


def test_groups_are_drawn_whole():
    """Two groups that are all right and all wrong: drawn apart, no interval of 60 texts is that wide."""
    gold, said = [0] * 60, [0] * 30 + [1] * 30
    apart, together = (
        findings(gold, said, groups=groups).scores["accuracy",].interval
        for groups in (range(60), [number // 5 for number in range(60)])
    )
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_few_groups_have_no_interval():
    assert findings([0, 1] * 20, [0, 1] * 20, groups=[0, 1] * 20).scores["macro_f1",].interval is None


def test_a_small_subgroup_has_no_score_and_a_rare_value_no_name_where_records_are_private():
    attributes = [{"sex": "f" if number < 39 else "Dr Quillfeather"} for number in range(40)]
    shown_all = findings([0, 1] * 20, [0, 1] * 20, attributes=attributes)
    assert shown_all.subgroups["sex"]["f"].scores["accuracy"].value == 1
    assert not shown_all.subgroups["sex"]["Dr Quillfeather"].scores
    private = SECTION.model_copy(update={"shareable": False})
    hidden = findings([0, 1] * 20, [0, 1] * 20, attributes=attributes, section=private)
    assert hidden.subgroups["sex"].keys() == {"f", OTHERS}
    assert "Quillfeather" not in render(hidden, inputs={})


def test_a_label_that_train_never_shows_is_named():
    assert [one for one in cautions(findings([0, 1], [0, 1])) if one.endswith("learned them: b.")]


def test_the_worst_errors_come_first_and_right_answers_never():
    answers = Answers(eye(0, 0, 1), eye(1, 1, 1), np.array([[0.4, 0.6], [0.1, 0.9], [0.3, 0.7]]))
    assert worst(answers, CLASSIFICATION, 5) == [1, 0]
    values = Answers(
        *(np.array(one) for one in ([[1.0], [np.nan], [3.0]], [[2.0], [0.0], [3.0]], [[2.0], [0.0], [3.0]]))
    )
    with np.errstate(all="raise"):
        assert worst(values, REGRESSION, 5) == [0]


def test_without_its_text_an_error_has_a_row_and_no_id():
    answers = Answers(eye(0), eye(1), np.array([[0.1, 0.9]]))
    (open_,) = shown([0], texts(1), answers, LABELS, CLASSIFICATION, kept={0: "x" * 1000})
    (hidden,) = shown([0], texts(1), answers, LABELS, CLASSIFICATION, kept={})
    assert (open_.name, len(open_.text)) == ("id0", 400)
    assert (hidden.name, hidden.text, hidden.gold, hidden.said) == ("row 0 of test", None, "a", "b")


TRAIN = ["fever and cough", "high fever", "broken arm", "a broken leg"]
SEEN = ["fever", "broken hand"]


@pytest.mark.parametrize("name", ["words", "characters"])
def test_a_baseline_learns_words_from_train(name):
    found = baseline(name, "classification", Rows(TRAIN, eye(0, 0, 1, 1)), Rows(SEEN, eye(0, 1)), seed=1)
    assert found.said.tolist() == eye(0, 1).tolist()
    assert found.scores.sum(axis=1) == pytest.approx([1, 1])


GOLD = {
    "classification": eye(0, 0, 0, 1),
    "multilabel": np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]),
    "regression": np.array([[1.0, np.nan], [2.0, 4.0], [3.0, 4.0], [6.0, 4.0]]),
}


@pytest.mark.parametrize("task", GOLD)
@pytest.mark.parametrize(("name", "text"), [("words", "…!"), ("characters", "")])
def test_where_no_text_of_train_has_a_word_every_text_gets_the_same_answer(name, text, task):
    found = baseline(name, task, Rows([text] * 4, GOLD[task]), Rows(SEEN, GOLD[task][:2]), seed=1)
    assert found.scores[0].tolist() == pytest.approx(np.nanmean(GOLD[task], axis=0).tolist(), abs=0.01)
    assert found.scores[1].tolist() == found.scores[0].tolist()


@pytest.mark.parametrize("name", ["words", "characters"])
def test_the_only_class_of_train_is_the_answer_to_every_text(name):
    found = baseline(name, "classification", Rows(TRAIN, eye(1, 1, 1, 1)), Rows(SEEN, eye(0, 1)), seed=1)
    assert (found.said.tolist(), found.scores.tolist()) == (eye(1, 1).tolist(), eye(1, 1).tolist())


def test_each_label_and_each_number_is_learned_by_itself():
    gold = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    several = baseline("words", "multilabel", Rows(TRAIN, gold), Rows(SEEN, gold[:2]), seed=1)
    assert several.said.tolist() == [[1, 1], [0, 1]]
    values = np.array([[10.0, np.nan], [10.0, 1.0], [0.0, 2.0], [0.0, 3.0]])
    numbers = baseline("words", "regression", Rows(TRAIN, values), Rows(SEEN, values[:2]), seed=1)
    assert numbers.said[0, 0] > numbers.said[1, 0]
    assert np.isfinite(numbers.said).all()


def test_the_constant_is_the_most_frequent_label_or_the_mean():
    found = baseline(
        "constant", "classification", Rows(TRAIN, eye(0, 1, 1, 1)), Rows(SEEN, eye(0, 1)), seed=1
    )
    assert found.said.tolist() == eye(1, 1).tolist()
    values = np.array([[1.0], [np.nan], [3.0]])
    numbers = baseline("constant", "regression", Rows(TRAIN[:3], values), Rows(SEEN, values[:2]), seed=1)
    assert numbers.said.tolist() == [[2.0], [2.0]]


def test_fingerprints_tell_molecules_apart_and_the_seed_decides_the_forest():
    pytest.importorskip("rdkit")
    train = Rows(["c1ccccc1", "Cc1ccccc1", "CCO", "CCCO"], np.array([[1.0], [1.0], [5.0], [5.0]]))
    test = Rows(["CCc1ccccc1", "CCCCO", "not a molecule"], np.zeros((3, 1)))
    one, two = (baseline("fingerprints", "regression", train, test, seed=3) for _ in range(2))
    assert one.said[0, 0] < one.said[1, 0]
    assert one.said.tolist() == two.said.tolist()
