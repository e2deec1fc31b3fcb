"""The files of a corpus, archives among them unpacked."""

import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

from clintune.errors import SourceError

_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_ZIP = (".zip",)
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """`name` is its path below the corpus, an archive counting as a folder; its bytes lie at `path`."""

    name: str
    path: Path


def corpus_files(corpus: Path) -> Iterator[list[CorpusFile]]:
    """The plain files of a folder, then those of each archive, which stay unpacked while their turn lasts.

    Sorted by name. Memory holds names only. Raises SourceError for an archive that is broken or unsafe.
    """
    names = sorted(path.relative_to(corpus).as_posix() for path in corpus.rglob("*") if path.is_file())
    yield [CorpusFile(name, corpus / name) for name in names if not name.lower().endswith(_TAR + _ZIP)]
    for name in names:
        if name.lower().endswith(_TAR + _ZIP):
            with TemporaryDirectory(prefix="clintune-") as folder:
                inside = sorted(_unpack(corpus / name, name, Path(folder)))
                yield [CorpusFile(f"{name}/{member}", Path(folder, member)) for member in inside]


def is_hidden(name: str) -> bool:
    """Whether a path runs through a name that begins with a dot: left out, as a shell leaves it out."""
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def expect_utf8(name: str, place: str) -> str:
    """The name of a file. Raises SourceError for one of other bytes, which no manifest could hold."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise SourceError(ascii(place), "a file name that is not UTF-8", "rename the file") from None
    return name


def _unpack(archive: Path, name: str, folder: Path) -> Iterator[str]:
    """Write the archive's files below `folder` and give their names."""
    members = _tar_members if name.lower().endswith(_TAR) else _zip_members
    try:
        for member, content in members(archive, name):
            inside = PurePosixPath(expect_utf8(member, name))
            if inside.is_absolute() or ".." in inside.parts:
                raise SourceError(name, "a file in the archive points outside it", "pack the archive again")
            if is_hidden(member):
                continue
            to = folder / inside
            to.parent.mkdir(parents=True, exist_ok=True)
            with content, to.open("xb") as copy:
                shutil.copyfileobj(content, copy)
            yield inside.as_posix()
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise SourceError(name, "two files in the archive have one name", "pack the archive again") from None
    except OSError as error:
        if error.errno is not None:  # of the disk; bz2 and gzip say of what they read that it is damaged
            raise
        raise _not_whole(name, error) from None
    except _BROKEN as error:
        raise _not_whole(name, error) from None


def _not_whole(name: str, error: Exception) -> SourceError:
    problem = f"not a whole archive ({type(error).__name__})"
    return SourceError(name, problem, "restore the file, or pack it again without a password")


def _tar_members(archive: Path, name: str) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive) as tar:
        for member in tar:
            if not (member.isfile() or member.isdir()):
                raise SourceError(name, "a link or device in the archive", "pack plain files only")
            content = tar.extractfile(member)
            if content is not None:
                yield member.name, content
        _demand_end(tar)


def _demand_end(tar: tarfile.TarFile) -> None:
    """At least one block of zeros after the last file, and nothing else: it would be lost.

    tarfile takes a damaged or missing header for the end, and does not read on to the sum of a gzip file.
    """
    assert tar.fileobj is not None  # it is open
    tar.fileobj.seek(tar.offset)
    padding = 0
    while block := tar.fileobj.read(2**16):
        padding += len(block)
        if block.strip(b"\0"):
            raise tarfile.ReadError("a damaged header")
    if padding < tarfile.BLOCKSIZE:
        raise tarfile.ReadError("no end mark")


def _zip_members(archive: Path, _name: str) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            if not member.is_dir():
                yield member.filename, packed.open(member)
