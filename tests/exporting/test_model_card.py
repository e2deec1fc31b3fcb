"""The model card says what is known, in the open, and nothing that is not."""

from dataclasses import replace

import pytest

from clintune.checkpoints import Outputs
from clintune.exporting.model_card import Facts, model_card
from clintune.files import read_json
from clintune.params import leaves


@pytest.fixture
def facts(walked) -> Facts:
    checkpoint = walked.folder("checkpoint")
    return Facts(
        name="a-model",
        synthetic=False,
        outputs=Outputs.read(checkpoint / "outputs.json"),
        made_by=read_json(checkpoint / "params.json"),
        examples=read_json(walked.folder("examples") / "summary.json"),
        metrics=read_json(walked.folder("evaluation") / "metrics.json"),
        level=0.9,
    )


def test_the_card_of_a_bundle_is_made_from_the_files_beside_it(facts, bundle, walked):
    made = replace(facts, name=walked.params.export.name, synthetic=True, level=walked.params.evaluate.level)
    assert (bundle / "MODEL_CARD.md").read_text(encoding="utf-8") == model_card(made)


def test_synthetic_data_is_said_plainly_and_only_then(facts):
    assert "Made-up data." not in model_card(facts)
    card = model_card(replace(facts, synthetic=True))
    assert "> **Made-up data.** This model was trained and tested on synthetic notes" in card
    assert "no use with real text" in card


def test_scores_stand_with_their_interval_and_its_level(facts):
    strict = facts.metrics["strict"]
    card = model_card(facts)
    assert (
        f"**{strict['f1']:.3f}** ({strict['f1_low']:.3f} to {strict['f1_high']:.3f}, 90 % interval)" in card
    )


def test_without_intervals_the_card_says_why(facts):
    bare = {name: value for name, value in facts.metrics["strict"].items() if "_" not in name}
    card = model_card(replace(facts, metrics={**facts.metrics, "strict": bare}))
    assert "too few groups" in card


def test_every_number_of_the_data_is_there(facts):
    card = model_card(facts)
    assert "68 records: 68 kept, 0 set aside" in card
    assert "| test | 12 | 12 | 840 | 12 |" in card


def test_the_base_model_stands_with_its_sums_and_the_params_that_made_it(facts):
    card = model_card(facts)
    model = facts.made_by["model"]
    assert model["config_sha256"] in card
    assert model["tokenizer_sha256"] in card
    assert "random weights" in card
    for key, _ in leaves(facts.made_by["train"]):
        assert f"`train.{key}`" in card


def test_pretrained_weights_stand_with_their_sum_and_revision(facts):
    model = {**facts.made_by["model"], "source": "hub", "name": "some/model", "revision": "a" * 40,
             "scratch": None, "weights_sha256": "b" * 64}  # fmt: skip
    card = model_card(replace(facts, made_by={**facts.made_by, "model": model}))
    assert "`some/model` (hub)" in card
    assert "a" * 40 in card
    assert "b" * 64 in card
    assert "random weights" not in card


def test_the_path_of_a_folder_with_the_base_model_stays_out(facts):
    model = {**facts.made_by["model"], "source": "folder", "name": "/srv/models/bert"}
    card = model_card(replace(facts, made_by={**facts.made_by, "model": model}))
    assert "/srv" not in card
    assert "`bert` (folder)" in card


def test_each_companion_stands_with_where_it_came_from(facts):
    own = {"source": "pretrained", "name": "data/pretrained/notes", "revision": None, "scratch": None,
           "weights_sha256": "e" * 64, "config_sha256": "f" * 64, "tokenizer_sha256": "0" * 64}  # fmt: skip
    other = {"source": "hub", "name": "some/model", "revision": "a" * 40, "weights_sha256": "b" * 64,
             "config_sha256": "c" * 64, "tokenizer_sha256": "d" * 64, "scratch": None}  # fmt: skip
    model = {**facts.made_by["model"], "companions": [own, other], "fusion": "gate"}
    card = model_card(replace(facts, made_by={**facts.made_by, "model": model}))
    assert "| companion 1 | `notes` (pretrained) |" in card
    assert "| companion 2 | `some/model` (hub) |" in card
    assert all(letter * 64 in card for letter in "bcdef0")
    assert "| fused by | gate |" in card


def test_what_the_tags_cannot_say_is_a_limit_with_a_count(facts):
    lost = {"nested": 3, "inside_word": 2, "no_token": 0}
    card = model_card(replace(facts, metrics={**facts.metrics, "inexpressible": lost}))
    assert "5 annotated mentions, counted as missed: 2 begin or end inside a word, 3 overlap another" in card


def test_labels_with_few_mentions_are_named(facts):
    assert "fewer than 20 annotated mentions in test, little is known: Drug (12)" in model_card(facts)


def test_a_label_cannot_break_the_tables(facts):
    examples = {**facts.examples, "labels": ["a|b\n# c"]}
    label = {"a|b\n# c": facts.metrics["strict"]}
    card = model_card(replace(facts, examples=examples, metrics={**facts.metrics, "label": label}))
    assert r"a\|b \# c" in card
