"""Real corpora are found by CLINTUNE_CORPORA alone, which .ci/run sets where it finds them."""

import os
import shutil
import subprocess

import pytest

from tests.corpora import real_corpus, write
from tests.project import ROOT


@pytest.mark.parametrize("named", [None, "", "nowhere"])
def test_where_no_folder_is_named_or_the_corpus_is_not_in_it_the_skip_says_what_to_do(named, monkeypatch):
    monkeypatch.delenv("CLINTUNE_CORPORA", raising=False)
    if named is not None:
        monkeypatch.setenv("CLINTUNE_CORPORA", named)
    with pytest.raises(
        pytest.skip.Exception, match="export CLINTUNE_CORPORA=FOLDER, where FOLDER/bc5cdr is it"
    ):
        real_corpus("bc5cdr")


def test_a_corpus_in_the_named_folder_is_found(tmp_path, monkeypatch):
    (tmp_path / "bc5cdr").mkdir()
    monkeypatch.setenv("CLINTUNE_CORPORA", str(tmp_path))
    assert real_corpus("bc5cdr") == tmp_path / "bc5cdr"


@pytest.mark.parametrize(
    ("beside", "given", "expected"),
    [(True, None, "{0}/project/../shared/data"), (True, "/mine", "/mine"), (False, None, "")],
)
def test_ci_names_the_folder_beside_the_checkout_where_there_is_one(beside, given, expected, tmp_path):
    script = tmp_path / "project" / ".ci" / "run"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", script)
    if beside:
        (tmp_path / "shared" / "data").mkdir(parents=True)
    # In place of make, and of a browser, so that none is installed.
    for name in ("make", "chromium"):
        write(tmp_path, {f"bin/{name}": '#!/bin/sh\necho "$1 $CLINTUNE_CORPORA"\n'})
        (tmp_path / "bin" / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    if given is not None:
        environment["CLINTUNE_CORPORA"] = given
    done = subprocess.run([script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"test {expected.format(tmp_path)}\n"
