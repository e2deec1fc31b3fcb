import io
import tarfile
import zipfile
from pathlib import Path
from random import Random

import pytest

from clintune.errors import SourceError
from clintune.sources.corpus import corpus_files
from tests.corpora import read, write

INSIDE = {"./train/n.txt": b"Fever", "./train/n.ann": b"T1\tSymptom 0 5\tFever\n"}


def tarred(files, mode="w:gz"):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:
        tar.addfile(folder_entry("./"))
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def folder_entry(name):
    entry = tarfile.TarInfo(name)
    entry.type = tarfile.DIRTYPE
    return entry


def zipped(files, compression=zipfile.ZIP_DEFLATED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def names(folder):
    return [[file.name for file in files] for files in corpus_files(folder)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.tar", tarred(INSIDE, "w")),
        ("c.tar.gz", tarred(INSIDE)),
        ("c.tgz", tarred(INSIDE)),
        ("c.tar.bz2", tarred(INSIDE, "w:bz2")),
        ("c.tar.XZ", tarred(INSIDE, "w:xz")),
        ("c.zip", zipped({name.removeprefix("./"): text for name, text in INSIDE.items()})),
    ],
    # A gzip file holds the time: processes would not agree on a name.
    ids=["tar", "tar.gz", "tgz", "tar.bz2", "tar.xz", "zip"],
)
def test_an_archive_counts_as_a_folder(tmp_path, name, content):
    (record,) = read(write(tmp_path, {name: content}), "brat")
    assert record.place == f"{name}/train/n.txt:1"
    assert record.example.id == f"{name}/train/n"
    assert record.example.text == "Fever"


@pytest.mark.parametrize("format_", ["jsonl", "pubtator", "conll"])
def test_every_format_may_lie_in_an_archive(tmp_path, format_):
    text = {
        "jsonl": '{"id": "1", "group": "1", "text": "a", "spans": []}',
        "pubtator": "1|t|a\n1|a|b\n",
        "conll": "a\tO\n",
    }[format_]
    (record,) = read(write(tmp_path, {"c.zip": zipped({"x/a.txt": text})}), format_)
    assert record.place == "c.zip/x/a.txt:1"


def test_files_come_before_archives_both_sorted(tmp_path):
    write(tmp_path, {"z.txt": "", "b/a.txt": "", "m.zip": zipped({"2": "", "1": ""}), "a.zip": zipped({})})
    assert names(tmp_path) == [["b/a.txt", "z.txt"], [], ["m.zip/1", "m.zip/2"]]


def test_hidden_files_in_an_archive_are_left_out(tmp_path):
    packed = zipped({"__MACOSX/._n.txt": "x", ".hidden/n.txt": "x", "n.txt": "x"})
    assert names(write(tmp_path, {"c.zip": packed})) == [[], ["c.zip/n.txt"]]


def test_nothing_unpacked_is_left_behind(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    corpus = write(tmp_path / "corpus", {"c.zip": zipped({"n.txt": "x"})})
    listings = corpus_files(corpus)
    next(listings)
    assert next(listings)[0].path.is_relative_to(scratch)
    listings.close()
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".zip"])
def test_an_archive_that_is_cut_off_is_named(tmp_path, suffix, at):
    many = {f"{number}.txt": bytes([number]) * 700 for number in range(20)}
    packed = suffix.removeprefix(".tar").replace(".", ":")
    whole = zipped(many) if suffix == ".zip" else tarred(many, f"w{packed}")
    # A tar ends with zeros only, of which two blocks count: cut before them.
    content = whole.rstrip(b"\0") if suffix == ".tar" else whole
    write(tmp_path, {f"c{suffix}": content[: int(len(content) * at)]})
    with pytest.raises(SourceError, match=r"^c\S+: not a whole archive"):
        names(tmp_path)


@pytest.mark.parametrize("kind", ["tar.gz", "tar.bz2", "tar.xz", "zip", "zip of bz2", "zip of lzma"])
def test_an_archive_with_a_damaged_byte_is_named(tmp_path, kind):
    files = {"n.txt": Random(3).randbytes(5000)}
    if kind.startswith("zip"):
        kinds = {"bz2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA, "zip": zipfile.ZIP_DEFLATED}
        content = bytearray(zipped(files, kinds[kind.split()[-1]]))
    else:
        content = bytearray(tarred(files, kind.replace("tar.", "w:")))
    content[len(content) // 2] ^= 1
    with pytest.raises(SourceError, match="not a whole archive"):
        names(write(tmp_path, {f"c.{kind.split()[0]}": bytes(content)}))


def test_a_tar_that_is_cut_off_between_two_files_is_named(tmp_path):
    many = {f"{number}.txt": bytes(512) for number in range(3)}
    write(tmp_path, {"c.tar": tarred(many, "w")[: 512 + 2 * 1024]})
    with pytest.raises(SourceError, match="not a whole archive"):
        names(tmp_path)


def test_a_tar_with_a_damaged_header_in_the_middle_is_named(tmp_path):
    content = bytearray(tarred({f"{number}.txt": bytes(512) for number in range(3)}, "w"))
    content[512 + 1024] ^= 1
    with pytest.raises(SourceError, match="not a whole archive"):
        names(write(tmp_path, {"c.tar": bytes(content)}))


@pytest.mark.parametrize("name", ["c.tar", "c.tar.gz", "c.tbz2", "c.txz", "c.zip"])
@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\x1f\x8b\x08"])
def test_a_file_that_is_no_archive_is_named(tmp_path, name, content):
    with pytest.raises(SourceError, match="not a whole archive"):
        names(write(tmp_path, {name: content}))


@pytest.mark.parametrize("member", ["../out.txt", "a/../../out.txt", "/out.txt"])
@pytest.mark.parametrize("suffix", [".tar", ".zip"])
def test_an_archive_cannot_write_outside_its_folder(tmp_path, member, suffix):
    content = tarred({member: b"x"}, "w") if suffix == ".tar" else zipped({member: b"x"})
    with pytest.raises(SourceError, match="outside"):
        names(write(tmp_path, {f"c{suffix}": content}))


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
def test_a_file_in_an_archive_whose_name_is_no_utf8_is_named_by_its_archive(tmp_path, suffix):
    packed = io.BytesIO()
    mode = "w" if suffix == ".tar" else "w:gz"
    with tarfile.open(fileobj=packed, mode=mode, encoding="latin-1", format=tarfile.GNU_FORMAT) as tar:
        entry = tarfile.TarInfo("fièvre.txt")
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(SourceError) as caught:
        names(write(tmp_path, {f"c{suffix}": packed.getvalue()}))
    assert str(caught.value) == f"'c{suffix}': a file name that is not UTF-8; rename the file"


def test_a_link_in_an_archive_is_refused(tmp_path):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        link = tarfile.TarInfo("n.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    with pytest.raises(SourceError, match="link or device"):
        names(write(tmp_path, {"c.tar": packed.getvalue()}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("members", [("n.txt", "n.txt"), ("n", "n/m"), ("n/m", "n")])
def test_two_files_of_one_name_in_an_archive_are_named(tmp_path, members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    with pytest.raises(SourceError, match="one name"):
        names(write(tmp_path, {"c.zip": packed.getvalue()}))


def test_an_encrypted_archive_is_named(tmp_path):
    content = bytearray(zipped({"n.txt": b"x" * 50}))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1
    with pytest.raises(SourceError, match="password"):
        names(write(tmp_path, {"c.zip": bytes(content)}))


def test_flipped_bits_are_found_or_harmless(tmp_path):
    whole = tarred(INSIDE)
    for position in range(0, len(whole), 5):
        content = bytearray(whole)
        content[position] ^= 4
        write(tmp_path, {"c.tar.gz": bytes(content)})
        try:
            files = [file.path.read_bytes() for listing in corpus_files(tmp_path) for file in listing]
        except SourceError:
            continue
        # The header of gzip has no sum: a time, a file name. The content has one.
        assert files == [INSIDE["./train/n.ann"], INSIDE["./train/n.txt"]], position


def test_a_corpus_keeps_its_own_files_where_they_are(tmp_path):
    (files,) = corpus_files(write(tmp_path, {"n.txt": "x"}))
    assert files[0].path == Path(tmp_path, "n.txt")
