"""Broken inputs by the hundred: each from a seed, each with the words that its error line must hold."""

import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from io import StringIO
from itertools import islice
from pathlib import Path
from random import Random

from ruamel.yaml import YAML

SHIPPED = Path(__file__).parents[1] / "src/clintune/recipes/synthetic.yaml"
TEXT = "Fever and a cough, no pain.\nSeen at home: dose 5 mg µ-opioid."
WORDS = ("Fever", "cough", "pain", "home", "µ-opioid")
DOCUMENTS = 16
LABELS = {"Symptom": "Symptom"}


@dataclass(frozen=True)
class Broken:
    """One broken input. `expected` is a pattern that the error line must hold."""

    name: str
    files: Mapping[str, bytes]
    expected: str


def _leaves(tree, above=()):
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _dumped(tree):
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(tree, stream)
    return stream.getvalue().encode("utf-8")


@cache
def _shipped():
    return YAML(typ="safe", pure=True).load(SHIPPED.read_text(encoding="utf-8"))


def _with_leaf(path, change):
    """params.yaml after `change(section, key)` at the leaf of `path`."""
    tree = copy.deepcopy(_shipped())
    section = tree
    for key in path[:-1]:
        section = section[key]
    change(section, path[-1])
    return _dumped(tree)


def _numbers(leaves):
    return [path for path, value in leaves if type(value) in (int, float)]


def _params_by_leaf(random):
    """One stream per kind of fault, each over leaves in random order."""
    leaves = list(_leaves(_shipped()))
    paths, numbers = [path for path, _ in leaves], _numbers(leaves)
    sectionless = [path for path in paths if path[-1] != "class_weights"]  # which may be one, of labels
    kinds: dict[str, tuple[list[tuple[str, ...]], Callable[[dict, str], object], str]] = {
        "a section for a value": (sectionless, lambda one, key: one.update({key: {"x": 1}}), "{key}"),
        "a list for a value": (paths, lambda one, key: one.update({key: [[]]}), "{key}"),
        "missing": (paths, lambda one, key: one.pop(key), "missing|which kind it is"),
        "misspelled": (
            paths,
            lambda one, key: one.update({f"{key}z": one.pop(key)}),
            "{key}z: unknown|kind it is",
        ),
        "unknown": (paths, lambda one, _key: one.update({"never_read": 1}), "never_read: unknown key"),
        "negative": (numbers, lambda one, key: one.update({key: -1}), "{key}: found '-1'"),
        "no number": (numbers, lambda one, key: one.update({key: float("nan")}), "{key}: found 'nan'"),
        "endless": (numbers, lambda one, key: one.update({key: float("inf")}), "{key}: found 'inf'"),
        "in quotes": (numbers, lambda one, key: one.update({key: str(one[key])}), "{key}: found .*text"),
        "a truth": (numbers, lambda one, key: one.update({key: True}), "{key}: found 'True'"),
    }
    for kind, (where, change, expected) in kinds.items():
        yield _at_leaves(random.sample(where, len(where)), kind, change, expected)


def _at_leaves(paths, kind, change, expected):
    for path in paths:
        yield Broken(
            f"{kind} at {'.'.join(path)}",
            {"params.yaml": _with_leaf(path, change)},
            expected.replace("{key}", re.escape(path[-1])),
        )


def _again_and_again(name, make, expected):
    """Broken inputs without end; `make` draws another each time."""
    while True:
        yield Broken(name, make(), expected)


def _params_by_byte(random):
    content = SHIPPED.read_bytes()
    lines = content.split(b"\n")

    def spliced(at, piece):
        return content[:at] + piece + content[at:]

    def between(piece):
        return b"\n".join([*lines[: (at := random.randrange(len(lines)))], piece, *lines[at:]])

    faults: list[tuple[str, Callable[[], bytes], str]] = [
        ("NUL", lambda: spliced(random.randrange(len(content)), b"\0"), "not YAML"),
        ("not UTF-8", lambda: spliced(random.randrange(len(content)), b"\xe9"), "cannot be read as UTF-8"),
        (
            "cut off",
            lambda: content[: random.randrange(int(len(content) * 0.9))],
            "missing|found|not YAML|kind it is",
        ),
        ("an open bracket", lambda: between(b"broken: [1"), "not YAML"),
        ("a tab", lambda: between(b"\tbroken: 1"), "not YAML"),
        (
            "a key twice",
            lambda: content + random.choice([b"seed: 1\n", b"task: x\n", b"train: 1\n"]),
            "duplicate",
        ),
        ("an unknown anchor", lambda: between(b"broken: *nowhere"), "not YAML"),
        ("another encoding", lambda: content.decode().encode(random.choice(["utf-16", "utf-32"])), "UTF-8"),
        ("a list", lambda: b"- " + random.choice([b"1", b"seed", b"{}"]), "found a list"),
        ("empty", lambda: random.choice([b"", b"\n", b"# nothing\n", b"\xef\xbb\xbf", b"---\n"]), "nothing"),
    ]
    for name, fault, expected in faults:
        yield _again_and_again(name, lambda fault=fault: {"params.yaml": fault()}, expected)


def broken_params(count):
    """`count` broken params.yaml, every kind of fault among them."""
    random = Random(17)
    return _in_turn([*_params_by_leaf(random), *_params_by_byte(random)], count)


def _in_turn(streams, count):
    """The first of each stream, then the second of each …, until there are `count`."""
    streams, found = list(streams), []
    while len(found) < count:
        for stream in list(streams):
            found += islice(stream, 1)
    return found[:count]


def spans(text=TEXT):
    return [(text.index(word), text.index(word) + len(word), word) for word in WORDS]


def sound(format_, text=TEXT, end="\n"):
    """Files of a legal corpus: DOCUMENTS records with five mentions each."""
    return {
        "jsonl": _sound_jsonl, "pubtator": _sound_pubtator, "brat": _sound_brat, "conll": _sound_conll,
    }[format_](text, end)  # fmt: skip


def _sound_jsonl(text, end):
    rows = [
        {"start": start, "end": stop, "label": "Symptom", "text": said} for start, stop, said in spans(text)
    ]
    lines = (
        json.dumps(
            {"id": f"n{number}", "group": f"p{number}", "text": text, "spans": rows}, ensure_ascii=False
        )
        for number in range(DOCUMENTS)
    )
    return {"corpus.txt": "".join(line + end for line in lines).encode()}


def _sound_pubtator(text, end):
    title, abstract = text.split("\n")
    lines = []
    for number in range(DOCUMENTS):
        mentions = [f"{number}\t{a}\t{b}\t{said}\tSymptom\tD1" for a, b, said in spans(text)]
        lines += [f"{number}|t|{title}", f"{number}|a|{abstract}", *mentions, f"{number}\tCID\tD1\tD2", ""]
    return {"corpus.txt": end.join(lines).encode()}


def _sound_brat(text, end):
    mentions = [f"T{n}\tSymptom {a} {b}\t{said}{end}" for n, (a, b, said) in enumerate(spans(text))]
    files = {}
    for number in range(DOCUMENTS):
        files[f"d{number}.txt"], files[f"d{number}.ann"] = text.encode(), "".join(mentions).encode()
    return files


def _sound_conll(text, end):
    tagged = [
        f"{token}\t{'B-Symptom' if token in WORDS else 'O'}" for token in re.findall(r"[\w-]+|\S", text)
    ]
    return {
        "corpus.txt": "".join(f"{line}{end}" for _ in range(DOCUMENTS) for line in [*tagged, ""]).encode()
    }


def _line_changed(random, content, fits, change):
    """`content` with one line, drawn among those that `fits` accepts, put through `change`."""
    lines = content.split(b"\n")
    at = random.choice([number for number, line in enumerate(lines) if fits(line)])
    lines[at] = change(lines[at])
    return b"\n".join(lines)


def _column(number, value):
    def change(line):
        columns = line.split(b"\t")
        columns[number] = value
        return b"\t".join(columns)

    return change


def _any(line):
    return bool(line)


def _first(line):
    return line.startswith(b"Fever")


def _mention(line):
    return line.count(b"\t") == 5


def _json_changed(**changes):
    def change(line):
        return json.dumps(json.loads(line) | changes, ensure_ascii=False).encode()

    return change


def _json_span(**changes):
    def change(line):
        row = json.loads(line)
        row["spans"][2] |= changes
        return json.dumps(row, ensure_ascii=False).encode()

    return change


def _json_twice_in_other_splits(line):
    other = _json_changed(id="new", split="test")(line)
    return _json_changed(split="train")(line) + b"\n" + other


def _json_without(key):
    def change(line):
        return json.dumps({name: value for name, value in json.loads(line).items() if name != key}).encode()

    return change


# Faults of a line, by format: name, which lines it may befall, what becomes of the line, the error's words.
_ANY_FORMAT = [
    ("not UTF-8", _any, lambda line: line[:3] + b"\xe9\xff" + line[3:], "not UTF-8"),
    ("NUL", _any, lambda line: line[:2] + b"\0" + line[2:], "NUL|nul_character"),
]
_LINE_FAULTS: Mapping[str, list[tuple[str, Callable[[bytes], bool], Callable[[bytes], bytes], str]]] = {
    "jsonl": [
        *_ANY_FORMAT,
        ("cut off", _any, lambda line: line[: len(line) // 2], "not JSON from column"),
        ("two records on a line", _any, lambda line: line + line, "not JSON from column"),
        ("no object", _any, lambda line: b"[" + line + b"]", "not a JSON object"),
        ("offset is text", _any, _json_span(start="18"), "start is not a whole number"),
        ("offset is a fraction", _any, _json_span(end=22.5), "end is not a whole number"),
        ("offset is true", _any, _json_span(start=True), "start is not a whole number"),
        ("offset is negative", _any, _json_span(start=-4), "span_outside_text -4-"),
        ("offset beyond the text", _any, _json_span(end=10**9), "span_outside_text"),
        ("offsets the wrong way round", _any, _json_span(start=23, end=19), "span_empty 23-19"),
        ("no characters", _any, _json_span(end=22, start=22), "span_empty 22-22"),
        ("offset one too far", _any, _json_span(start=23), "text_mismatch"),
        ("gap outside the span", _any, _json_span(gaps=[[1, 2]]), "gap_outside_span"),
        ("gap is text", _any, _json_span(gaps=["1-2"]), "a gap is not a pair"),
        ("label unknown", _any, _json_span(label="Sympton"), "unknown_label Sympton at"),
        ("label empty", _any, _json_span(label=""), "label is empty"),
        ("label is a number", _any, _json_span(label=3), "label is not a text"),
        ("id twice", lambda line: b'"n0"' not in line and _any(line), _json_changed(id="n0"), "duplicate_id"),
        ("id is a number", _any, _json_changed(id=4), "id is not a text"),
        ("text is null", _any, _json_changed(text=None), "text is not a text"),
        ("text empty", _any, _json_changed(text="", spans=[]), "empty_text"),
        ("text begins with an uncounted BOM", _any, _json_changed(text="\ufeff" + TEXT), "text_mismatch"),
        ("text with uncounted CR", _any, _json_changed(text=TEXT.replace("\n", "\r\n")), "text_mismatch"),
        ("text with an escaped NUL", _any, _json_changed(text="\0" + TEXT[1:]), "nul_character at 0"),
        (
            "half a surrogate",
            _any,
            lambda line: line.replace(b'"text": "', b'"text": "\\ud800', 1),
            "surrogate",
        ),
        ("no group", _any, _json_without("group"), "group is missing"),
        ("no spans", _any, _json_without("spans"), "spans is missing"),
        ("unknown split", _any, _json_changed(split="dev"), "split is none of"),
        ("group in two splits", _any, _json_twice_in_other_splits, "group_in_two_splits train and test"),
    ],
    "pubtator": [
        *_ANY_FORMAT,
        ("a column too few", _mention, lambda line: line.rpartition(b"\t")[0], "5 columns"),
        ("two columns too many", _mention, lambda line: line + b"\tx\ty", "8 columns"),
        ("cut off after the mention", _mention, lambda line: b"\t".join(line.split(b"\t")[:4]), "4 columns"),
        ("offset is text", _mention, _column(1, b"x"), "an offset is not a whole number"),
        ("offset is negative", _mention, _column(1, b"-1"), "an offset is not a whole number"),
        ("offset empty", _mention, _column(2, b""), "an offset is not a whole number"),
        ("offset beyond the text", _mention, _column(2, b"5000"), "span_outside_text"),
        ("no characters", _mention, lambda line: _column(2, line.split(b"\t")[1])(line), "span_empty"),
        ("quoted text differs", _mention, _column(3, b"Chills"), "text_mismatch"),
        ("label unknown", _mention, _column(4, b"Sympton"), "unknown_label Sympton at"),
        ("label empty", _mention, _column(4, b""), "columns"),
        ("id of another document", _mention, _column(0, b"99"), "not a line of the document"),
        (
            "uncounted BOM",
            lambda line: b"|t|" in line,
            lambda line: line.replace(b"|t|", b"|t|\xef\xbb\xbf"),
            "mism",
        ),
        ("no title", lambda line: b"|t|" in line, lambda _line: b"", "no title line"),
        ("no abstract", lambda line: b"|a|" in line, lambda _line: b"", "no title line"),
        ("abstract of another", lambda line: b"|a|" in line, lambda line: b"99" + line[1:], "another id"),
        (
            "id twice",
            lambda line: line == b"15\tCID\tD1\tD2",
            lambda line: line + b"\n\n0|t|a\n0|a|b",
            "duplicate_id",
        ),
    ],
    "conll": [
        *_ANY_FORMAT,
        ("no tag", _any, lambda line: line.split(b"\t")[0], "1 columns"),
        ("a column too many", _any, lambda line: line + b"\tO", "3 columns"),
        ("blanks for the tab", _any, lambda line: line.replace(b"\t", b"  "), "1 columns"),
        ("no token", _any, lambda line: b"\t" + line.split(b"\t")[1], "no token"),
        ("tag without label", _any, _column(1, b"B-"), "no tag of scheme"),
        ("tag of another scheme", _any, _column(1, b"S-Symptom"), "no tag of scheme"),
        ("tag in small letters", _any, _column(1, b"b-Symptom"), "no tag of scheme"),
        ("tag empty", _any, _column(1, b""), "no tag of scheme"),
        (
            "inside nothing",
            lambda line: line.endswith(b"\tO"),
            _column(1, b"I-Drug"),
            "I continues no mention",
        ),
        ("label unknown", _any, _column(1, b"B-Sympton"), "unknown_label Sympton at"),
        ("trailing blank", _any, lambda line: line + b"\t", "3 columns"),
    ],
    "brat": [],
}
_BRAT_FAULTS = [
    *(("ann", *fault) for fault in _ANY_FORMAT),
    ("ann", "no text column", _any, lambda line: line.rpartition(b"\t")[0], "not a line of brat"),
    ("ann", "blanks for tabs", _any, lambda line: line.replace(b"\t", b" "), "not a line of brat"),
    ("ann", "offset is text", _any, _column(1, b"Symptom x 5"), "not a line of brat"),
    ("ann", "offset is negative", _any, _column(1, b"Symptom -1 5"), "not a line of brat"),
    ("ann", "offset missing", _any, _column(1, b"Symptom 5"), "not a line of brat"),
    ("ann", "offset huge", _any, _column(1, b"Symptom 0 " + b"9" * 30), "an offset is not a whole number"),
    ("ann", "offset beyond the text", _any, _column(1, b"Symptom 0 999"), "span_outside_text 0-999"),
    ("ann", "offsets the wrong way round", _any, _column(1, b"Symptom 9 4"), "span_empty 9-4"),
    ("ann", "offset one too far", _any, _column(1, b"Symptom 1 6"), "text_mismatch 1-6"),
    ("ann", "pieces out of order", _any, _column(1, b"Symptom 8 9;2 12"), "gap_outside_span"),
    ("ann", "label unknown", _any, _column(1, b"Sympton 0 5"), "unknown_label Sympton at 0-5"),
    ("ann", "quoted text differs", _any, _column(2, b"Chills"), "text_mismatch"),
    ("ann", "no kind of line", _any, lambda line: b"?" + line, "not a line of brat"),
    ("txt", "not UTF-8", _any, lambda line: line[:4] + b"\xe9" + line[4:], "not UTF-8"),
    ("txt", "NUL", _any, lambda line: line[:4] + b"\0" + line[5:], "nul_character"),
    ("txt", "uncounted BOM", _first, lambda line: b"\xef\xbb\xbf" + line, "text_mismatch"),
    ("txt", "uncounted CR", _first, lambda line: line + b"\r", "text_mismatch"),
]  # fmt: skip


def _rewritten(change):
    """A fault of a whole file that makes other bytes of its bytes."""

    def fault(random, files, file):
        files[file] = change(random, files[file])

    return fault


def _utf16(_random, content):
    return content.decode().encode("utf-16")


def _blank(random, _content):
    return random.choice([b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])


# Faults of a file: name, the end of its name, what becomes of the corpus, the error's words.
_FILES = [
    ("empty file", ".txt", _rewritten(lambda _random, _content: b""), "no record"),
    ("UTF-16", ".txt", _rewritten(_utf16), "not UTF-8"),
    ("nothing but line ends", ".txt", _rewritten(_blank), "no record"),
    (
        "CR for line ends",
        ".txt",
        _rewritten(lambda _random, content: content.replace(b"\n", b"\r")),
        "not JSON|no title line|no tag of scheme",
    ),
    (
        "another format",
        ".txt",
        _rewritten(lambda _random, content: b"{\\rtf1 Fever}\n" + content),
        "not JSON|no title line|1 columns",
    ),
]
_BRAT_FILES = [
    ("empty file", ".txt", _FILES[0][2], "empty_text|text_mismatch|span_outside_text"),
    ("UTF-16", ".txt", _rewritten(_utf16), "not UTF-8"),
    ("text missing", ".txt", lambda _random, files, file: files.pop(file), "no .txt beside it"),
    ("mentions missing", ".ann", lambda _random, files, file: files.pop(file), "neither .ann nor .a1"),
    (
        "mentions twice",
        ".ann",
        lambda _random, files, file: files.update({file.replace(".ann", ".a1"): b""}),
        "both .ann and .a1",
    ),
    (
        "broken archive",
        ".txt",
        lambda _random, files, _file: files.update({"more.tar.gz": b"\x1f\x8b no archive"}),
        "not a whole archive",
    ),
]


def _broken_lines(random, format_):
    for name, fits, change, expected in _LINE_FAULTS[format_]:

        def make(fits=fits, change=change):
            return {"corpus.txt": _line_changed(random, sound(format_)["corpus.txt"], fits, change)}

        yield _again_and_again(f"{format_}: {name}", make, expected)


def _broken_brat(random):
    for suffix, name, fits, change, expected in _BRAT_FAULTS:

        def make(suffix=suffix, fits=fits, change=change):
            files, file = sound("brat"), f"d{random.randrange(DOCUMENTS)}.{suffix}"
            return files | {file: _line_changed(random, files[file], fits, change)}

        yield _again_and_again(f"brat: {name}", make, expected)


def _broken_files(random, format_):
    """Faults of a whole file."""
    for name, suffix, change, expected in _BRAT_FILES if format_ == "brat" else _FILES:

        def make(suffix=suffix, change=change):
            files = dict(sound(format_))
            change(random, files, random.choice(sorted(file for file in files if file.endswith(suffix))))
            return files

        yield _again_and_again(f"{format_}: {name}", make, expected)


def broken_corpora(count):
    """`count` broken corpora over all formats, every kind of fault among them; in turn by format."""
    random = Random(17)
    by_format = [
        [*(_broken_brat(random) if format_ == "brat" else _broken_lines(random, format_)),
         *_broken_files(random, format_)]
        for format_ in ("jsonl", "pubtator", "brat", "conll")
    ]  # fmt: skip
    return _in_turn([stream for streams in by_format for stream in streams], count)
