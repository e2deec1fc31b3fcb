"""What records of people leave behind where they may not be shown: no id, and no value that few have."""

import pytest

from clintune.checkpoints import Outputs
from clintune.evaluation import evaluate, flat
from clintune.evaluation.bootstrap import FEWEST_GROUPS
from clintune.evaluation.outputs import headline, metrics
from clintune.evaluation.results import OTHERS
from clintune.evaluation.wording import describe
from clintune.files import write_json
from clintune.tables import SPANS, write_examples
from tests.evaluation.documents import SECTION, evaluation, example, prediction, spans

HIDDEN = SECTION.model_copy(update={"shareable": False})
GOLD = spans((0, 3, "A"), (5, 9, "B"))
NAME, BORN = "Quillfeather", "1948-03-"


def document(number, **attributes):
    """Its mentions are found in every second one."""
    one = example(f"{NAME}-{number}", GOLD, group=f"patient-{number}", **attributes)
    return one, prediction(one.id, GOLD if number % 2 else ())


def people(count=40):
    """Of common sex, but once somebody wrote a name in its place; each with a birth date of their own."""
    return [
        document(number, sex=f"Dr {NAME}" if number == 3 else "FM"[number % 2], born=f"{BORN}{number}")
        for number in range(count)
    ]


def sent(folder, section):
    """All that stage evaluate hands to the tracking store, and metrics.json, in one text."""
    pairs = people()
    write_examples(folder / "train.parquet", [one for one, _ in pairs], SPANS)
    write_examples(folder / "test.parquet", [one for one, _ in pairs], SPANS)
    write_json(folder / "summary.json", {"test": {"inexpressible": {}}})
    found = evaluate(
        section, seed=17, outputs=Outputs("entities", ("O",), 32, 8), examples=folder, windows=folder,
        predictions=(said for _, said in pairs),
        folder=folder / "made",
    )  # fmt: skip
    shown = [path for path in (folder / "made").rglob("*") if path.suffix in (".html", ".csv", ".json")]
    assert len(shown) == 6
    numbers = flat(metrics(found)) | headline(found)
    return "\n".join([*(path.read_text(encoding="utf-8") for path in shown), *numbers, describe(found)])


def test_no_id_and_no_value_of_few_is_sent_where_records_may_not_be_shown(tmp_path):
    words = sent(tmp_path, HIDDEN)
    assert NAME not in words
    assert BORN not in words
    assert "patient-" not in words


def test_where_they_may_be_shown_they_are(tmp_path):
    words = sent(tmp_path, SECTION)
    assert f"{NAME}-" in words
    assert f"Dr {NAME}" in words
    assert BORN in words


def test_values_of_few_are_counted_together_beside_those_of_many():
    shown, hidden = evaluation(people()).subgroups, evaluation(people(), section=HIDDEN).subgroups
    assert hidden["sex"].keys() == {"F", "M", OTHERS}
    assert {value: hidden["sex"][value] for value in "FM"} == {value: shown["sex"][value] for value in "FM"}
    assert hidden["sex"][OTHERS] == shown["sex"][f"Dr {NAME}"]
    assert hidden["born"] == {}


@pytest.mark.parametrize(
    ("groups", "per_group", "mentions", "named"),
    [
        (FEWEST_GROUPS, 1, GOLD, True),
        (FEWEST_GROUPS - 1, 5, GOLD, False),  # of enough documents, but of too few people
        (FEWEST_GROUPS, 1, GOLD[:1], False),  # of enough people, but with too few mentions
    ],
)
def test_a_value_is_named_where_enough_people_and_mentions_have_it(groups, per_group, mentions, named):
    pairs = [
        (
            example(f"d{number}", mentions, group=f"g{number // per_group}", site="north"),
            prediction(f"d{number}"),
        )
        for number in range(groups * per_group)
    ]
    found = evaluation([*pairs, *(document(number, site="south") for number in range(30))], section=HIDDEN)
    assert found.subgroups["site"].keys() == {"south", "north" if named else OTHERS}


def test_rare_values_are_counted_together_without_counting_a_patient_twice():
    """A patient who moved has one document under each of two rare values."""
    moved = [
        (example(f"d{number}", GOLD, group="one patient", site=site), prediction(f"d{number}"))
        for number, site in enumerate(["here", "there"])
    ]
    pairs = [*(document(number, site="north") for number in range(20)), *moved]
    others = evaluation(pairs, section=HIDDEN).subgroups["site"][OTHERS]
    assert (others.documents, others.groups, others.counts.gold) == (2, 1, 4)


def test_a_value_that_is_called_like_the_pool_loses_nothing():
    pairs = [document(number, site=OTHERS if number < 20 else f"site {number}") for number in range(25)]
    found = evaluation(pairs, section=HIDDEN)
    assert {name: score.documents for name, score in found.subgroups["site"].items()} == {OTHERS: 25}


def test_the_report_says_what_it_leaves_out(tmp_path):
    sent(tmp_path, HIDDEN)
    page = (tmp_path / "made/report.html").read_text(encoding="utf-8")
    assert "<b>born</b>: no value is common enough to be named" in page
    assert "row in data/examples/test.parquet, from 0" in page
    assert '<th scope="row">other values<small>1 document, 1 group</small></th>' in page
