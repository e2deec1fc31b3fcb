"""The environment of a run: what is installed, wherever it is installed."""

import pytest

from clintune.provenance import distributions

RECORD = """\
../../../bin/tool,sha256={script},210
tool-1.2.dist-info/INSTALLER,sha256={installer},4
tool-1.2.dist-info/METADATA,sha256=aaa,99
tool/__init__.py,sha256={code},7
tool/__pycache__/__init__.cpython-311.pyc,,
tool-1.2.dist-info/RECORD,,
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    def record(**sums):
        folder = tmp_path / "tool-1.2.dist-info"
        folder.mkdir(exist_ok=True)
        named = {"script": "here", "installer": "pip", "code": "ccc", **sums}
        (folder / "RECORD").write_text(RECORD.format(**named))
        monkeypatch.setattr("sys.path", [str(tmp_path)])
        return distributions()["tool"]

    return record


def test_a_distribution_has_its_version_and_a_sum_over_its_files(installed):
    assert installed()["version"] == "1.2"
    assert len(installed()["record_sha256"]) == 64
    assert installed() != installed(code="ddd")


def test_where_and_by_what_it_was_installed_does_not_count(installed):
    assert installed() == installed(script="elsewhere") == installed(installer="uv")


def test_without_a_list_of_files_there_is_no_sum(tmp_path, monkeypatch):
    (tmp_path / "tool-1.2.dist-info").mkdir()
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    assert distributions() == {"tool": {"version": "1.2", "record_sha256": ""}}
