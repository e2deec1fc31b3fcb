"""What lies on disk."""

from clintune.files import size
from tests.corpora import write


def test_the_size_of_a_folder_is_that_of_all_files_in_it(tmp_path):
    write(tmp_path, {"a.txt": "123", "sub/sub/b.txt": "4567", "sub/c": ""})
    assert size(tmp_path) == 7
    assert size(tmp_path / "a.txt") == 3
    assert size(tmp_path / "nothing") == 0
