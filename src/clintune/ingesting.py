"""ingest: bring the records in byte for byte, with a manifest of their SHA-256 sums."""

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from clintune.errors import SourceError
from clintune.files import whole_folder
from clintune.params import Ingest
from clintune.sources.corpus import expect_utf8, is_hidden
from clintune.sources.manifest import FileSum, write_manifest
from clintune.sources.synthetic import write_notes

_PATH = "params.yaml: ingest.path"


def ingest(section: Ingest, *, seed: int, raw: Path) -> Mapping[str, FileSum]:
    """Fill raw/files, and raw/manifest.json, which is returned. Raises SourceError."""
    with whole_folder(raw) as draft:
        (draft / "files").mkdir()
        if section.synthetic:
            write_notes(Path(section.path), section.synthetic, seed, draft / "files" / "notes.jsonl")
        else:
            _copy(section, raw, draft / "files")
        sums = write_manifest(draft)
        _demand_sums(sums, section.sha256)
    return sums


def _copy(section: Ingest, raw: Path, to: Path) -> None:
    """Copy the chosen files, links to files followed; a path that is one file is chosen by its own name."""
    corpus = Path(section.path)
    try:
        if not corpus.is_file() and not corpus.is_dir():
            raise SourceError(_PATH, f"{corpus} is no file or folder", "name the corpus, as seen from here")
        if _overlap(corpus.resolve(), raw.resolve()):
            raise SourceError(_PATH, f"{corpus} and the output {raw} overlap", "keep the corpus elsewhere")
        found = [corpus] if corpus.is_file() else _walk(corpus)
        root = corpus.parent if corpus.is_file() else corpus
        sources = {expect_utf8(path.relative_to(root).as_posix(), str(path)): path for path in found}
        for name in _chosen(sources, section.include):
            target = to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sources[name], target)
    except PermissionError as error:
        raise SourceError(str(error.filename), "no right to read it", "give yourself the right") from None


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _walk(folder: Path) -> Iterator[Path]:
    """Every file below `folder`, except hidden ones: names that begin with a dot, as in a shell's `*`."""
    for path in sorted(folder.iterdir()):
        if is_hidden(path.name):
            continue
        if path.is_dir():
            if path.is_symlink():
                problem = "a link to a folder: DVC does not look into it, so a change there would go unseen"
                raise SourceError(str(path), problem, "put the folder itself in its place")
            yield from _walk(path)
        elif path.is_file():
            yield path
        else:
            raise SourceError(str(path), "neither file nor folder (a link to nothing?)", "remove it")


def _chosen(names: Collection[str], patterns: Iterable[str]) -> list[str]:
    """The names that a pattern fits, sorted. `*` also runs across `/`, as in a shell's case."""
    chosen: set[str] = set()
    for pattern in patterns:
        fitting = {name for name in names if fnmatchcase(name, pattern)}
        if not fitting:
            problem = f"{pattern!r} fits none of the {len(names)} files at ingest.path"
            raise SourceError("params.yaml: ingest.include", problem, "mend or remove the pattern")
        chosen |= fitting
    return sorted(chosen)


def _demand_sums(found: Mapping[str, FileSum], expected: Mapping[str, str]) -> None:
    for name, demanded in sorted(expected.items()):
        place = f"params.yaml: ingest.sha256.{name}"
        if name not in found:
            raise SourceError(place, "no such file was brought in", "add the file, or mend the name")
        if found[name].sha256 != demanded:
            problem = f"the file's SHA-256 is {found[name].sha256}, not the one demanded"
            raise SourceError(place, problem, "restore the file, or mend the sum if the change is meant")


def metrics(sums: Mapping[str, FileSum]) -> dict[str, float]:
    """Files and bytes, for the tracked run."""
    return {"files": float(len(sums)), "bytes": float(sum(one.size for one in sums.values()))}


def describe(section: Ingest, sums: Mapping[str, FileSum]) -> str:
    """What came in, for a reviewer, in Markdown. File names may name people: only counts are shown."""
    origin = "written by the synthetic source" if section.synthetic else "copied byte for byte"
    checked = f"{len(section.sha256)} of them against a SHA-256 in params.yaml"
    total = sum(one.size for one in sums.values())
    return f"{len(sums)} files, {total} bytes, {origin}; {checked}. Sums: `manifest.json`.\n"
