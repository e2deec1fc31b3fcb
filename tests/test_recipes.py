"""Every shipped recipe is whole and valid, and leads from the published corpus to its published counts."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from clintune.errors import UserError
from clintune.ingesting import ingest
from clintune.params import Params, load_params
from clintune.preprocessing import preprocess
from clintune.recipes import RECIPES, recipe_file
from clintune.tasks.intakes import INTAKES
from tests.corpora import real_corpus

ROOT = Path(__file__).parents[1]
MENTIONS = {
    "ncbi-disease": ("ncbi-disease/original", {"train": 5134, "validation": 787, "test": 960}),
    "bc5cdr": ("bc5cdr/pubtator", {"train": 9385, "validation": 9591, "test": 9809}),
    "cmedqaner": ("cmedqaner", {"train": 12490, "validation": 1024, "test": 1340}),
    "meddocan": ("meddocan", {"train": 11333, "validation": 5801, "test": 5661}),
}
"""Folder of the corpus, and mentions per split as its README counts them, but for ncbi-disease's double."""

ROWS = {
    "cmedic": ("cmedic", {"kept": 1890, "quarantined": 0}, (1683, 123, 84)),
    "medical-abstracts": ("medical-abstracts", {"kept": 2888, "quarantined": 0}, None),
    "dnabert-promoter": ("dnabert-promoter", {"kept": 1000, "quarantined": 0}, None),
    "bbbp": ("moleculenet", {"kept": 2039, "quarantined": 11}, (1631, 204, 204)),
    "esol": ("moleculenet", {"kept": 1128, "quarantined": 0}, (902, 113, 113)),
    "lipophilicity": ("moleculenet", {"kept": 4200, "quarantined": 0}, (3360, 420, 420)),
}
"""Folder, records as the READMEs count them, and the sizes of splits that the corpus or DeepChem sets."""

CORPORA = {**MENTIONS, **ROWS}

every_recipe = pytest.mark.parametrize("name", RECIPES)
every_corpus = pytest.mark.parametrize("name", CORPORA)


def load(name: str) -> Params:
    return load_params(recipe_file(name))


@every_recipe
def test_a_recipe_is_valid(name: str) -> None:
    assert load(name).export.name == f"clintune-{name}"


def test_every_recipe_file_is_listed() -> None:
    files = {file.stem for file in recipe_file("synthetic").parent.glob("*.yaml")}
    assert files == set(RECIPES)
    assert set(RECIPES) == set(CORPORA) | {"synthetic", "synthetic-hybrid"}


def test_the_synthetic_recipe_is_the_params_file_of_the_project() -> None:
    committed = (ROOT / "params.yaml").read_text(encoding="utf-8")
    if YAML(typ="safe", pure=True).load(committed)["ingest"]["source"] != "synthetic":
        pytest.skip("params.yaml has been set from another recipe")
    assert recipe_file("synthetic").read_text(encoding="utf-8") == committed


@every_corpus
def test_a_recipe_for_a_corpus_names_its_source_and_terms_and_insists_on_sums(name: str) -> None:
    text = recipe_file(name).read_text(encoding="utf-8")
    assert "# Corpus: " in text
    assert "Terms: " in text
    assert load(name).ingest.sha256


@every_recipe
def test_no_recipe_names_a_place_on_somebodys_machine(name: str) -> None:
    assert not Path(load(name).ingest.path).is_absolute()


def test_texts_are_shown_only_where_the_terms_allow_it() -> None:
    assert {name for name in RECIPES if not load(name).evaluate.shareable} == {"cmedqaner", "cmedic"}


def summary_of(name: str, folder: str, tmp_path: Path) -> dict:
    """What preprocess finds in the real corpus."""
    params = load(name)
    section = params.ingest.model_copy(update={"path": str(real_corpus(folder))})
    ingest(section, seed=params.seed, raw=tmp_path / "raw")
    return preprocess(
        params.preprocess, seed=params.seed, intake=INTAKES[params.task],
        raw=tmp_path / "raw", examples=tmp_path / "examples",
    )  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_a_recipe_reads_every_row_of_its_corpus(name: str, tmp_path: Path) -> None:
    folder, records, sizes = ROWS[name]
    if load(name).preprocess.split.by == "scaffold":
        pytest.importorskip("rdkit")
    found = summary_of(name, folder, tmp_path)
    assert {key: found["records"][key] for key in records} == records
    if sizes:
        assert tuple(one["examples"] for one in found["splits"].values()) == sizes
    else:
        assert all(one["examples"] > 50 for one in found["splits"].values())


@pytest.mark.parametrize("name", MENTIONS)
def test_a_recipe_reads_every_mention_of_its_corpus(name: str, tmp_path: Path) -> None:
    folder, expected = MENTIONS[name]
    found = summary_of(name, folder, tmp_path)
    assert {split: sum(one["spans"].values()) for split, one in found["splits"].items()} == expected


@pytest.mark.parametrize(
    ("name", "hint"), [("ncbi", "ncbi-disease"), ("synthtic", "synthetic"), ("x", "lists")]
)
def test_an_unknown_recipe_is_a_users_error_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(UserError, match=hint):
        recipe_file(name)
