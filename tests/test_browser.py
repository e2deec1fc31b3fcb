"""What an auditor sees: `clintune ui` after one `dvc repro`, in a real Chromium."""

import json
from urllib.parse import quote

import pytest

from clintune.lockfile import read_lock
from tests.browser import chromium, open_browser, serving
from tests.project import Project
from tests.tracking.stores import client_of, runs_of, stage_runs

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(chromium() is None, reason="no Chromium with its chromedriver on this machine"),
]


@pytest.fixture(scope="module")
def audited(finished: Project, tmp_path_factory) -> Project:
    """A project of its own: a server may write to the store that it opens."""
    return finished.copy(tmp_path_factory.mktemp("audited") / "project")


@pytest.fixture(scope="module")
def link(audited, tmp_path_factory):
    with serving(audited, tmp_path_factory.mktemp("ui") / "log") as link:
        yield link


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def strict(audited):
    return json.loads((audited.root / "data/evaluation/metrics.json").read_text())["strict"]


def page(link: str, end: str) -> str:
    """Another page of the same server and experiment."""
    return f"{link.partition('/runs?')[0]}/{end}"


def run_page(audited, link: str, stage: str) -> str:
    [run] = stage_runs(client_of(audited), stage)
    return page(link, f"runs/{run.info.run_id}")


def test_the_printed_link_shows_executions_with_scores_and_commit_and_below_them_their_stages(
    audited, browser, link, strict
):
    [execution] = runs_of(client_of(audited), "tags.`dvc.kind` = 'pipeline'")
    browser.open(link, execution.info.run_name, "strict/f1", "git.commit", str(strict["f1"]))
    browser.unfold()
    browser.wait_for("ingest", "preprocess", "tokenize", "train", "evaluate", "export")


def test_the_run_of_a_stage_says_in_words_what_came_out_and_where_it_belongs(audited, browser, link, strict):
    [execution] = runs_of(client_of(audited), "tags.`dvc.kind` = 'pipeline'")
    browser.open(
        run_page(audited, link, "evaluate"),
        f"Strict F1 {strict['f1']:.3f}", "Finished", execution.info.run_name, "evaluate.py", "git.dirty",
    )  # fmt: skip


def test_curves_of_training_are_drawn(audited, browser, link):
    browser.open(f"{run_page(audited, link, 'train')}/model-metrics", "train (train/loss)", "validation")
    assert browser.driver.find_elements("css selector", ".js-plotly-plot .scatterlayer .trace")


def test_the_report_opens_in_the_artifacts(audited, browser, link, strict):
    browser.open(f"{run_page(audited, link, 'evaluate')}/artifacts/report.html", "report.html")
    with browser.frame():
        browser.wait_for(f"{strict['f1']:.3f}")
        assert browser.driver.find_elements("tag name", "script") == []


def test_the_model_has_a_version_with_its_score_and_leads_to_the_run_that_made_it(browser, link, strict):
    address = f"{link.split('/#/')[0]}/#/models/clintune-synthetic/versions/1"
    browser.open(
        address, "Version 1", f"Strict F1 on test {strict['f1']:.3f}", "newest", "export",
        "dvc.lock_entry_sha256",
    )  # fmt: skip


def test_a_hash_of_dvc_lock_in_the_search_field_finds_the_run_that_made_it(audited, browser, link):
    [out] = read_lock(audited.root / "dvc.lock")["train"]["outs"]
    search = quote(f"tags.`dvc.out.{out['path']}` = '{out['md5']}'")
    browser.open(
        f"{link}&searchFilter={search}", "2 matching runs"
    )  # itself, and the execution it belongs to
    browser.unfold()
    text = browser.wait_for("\ntrain\n")
    assert "\nevaluate\n" not in text


def test_no_page_asks_anything_of_another_machine(audited, browser, link):
    browser.open(run_page(audited, link, "evaluate"), "evaluate.py")
    assert browser.hosts() == {"127.0.0.1"}
