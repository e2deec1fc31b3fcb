"""What git is asked."""

from clintune.evidence.git import blob, facts, written_by
from tests.project import ROOT


def test_an_option_where_a_record_is_to_name_a_commit_does_nothing(tmp_path):
    option = f"--output={tmp_path}/written"
    assert facts(ROOT, option) is None
    assert blob(ROOT, option, "Makefile") is None
    assert written_by(ROOT, option) == set()
    assert list(tmp_path.iterdir()) == []
