"""Is everything as it was sealed? Needs Python alone: no package, no network, no trust in who packed it.
`clintune verify` judges with this same file. Exit codes: 0 all as sealed, 1 a finding, 2 could not be checked.

    python3 -I verify.py evidence.zip [--files FOLDER] [--signers ALLOWED_SIGNERS] [--json]"""
import argparse, hashlib, json, re, subprocess, sys, tempfile, zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Tree = dict[str, Any]
Finding = dict[str, str]
Findings = Iterator[Finding]
Verdict = tuple[list[Finding], list[Tree]]
Pairs = list[tuple[Tree, Tree]]
FIRST, NAMESPACE, BY_STORE = "0" * 64, "clintune-evidence", {"mlflow.parentRunId", "mlflow.runName", "mlflow.runColor"}
LINE, SIZES = {"number", "at", "kind", "subject", "record", "previous", "hash"}, {"size", "nfiles"}
STAGE = {"run": "", "stage": "", "lock": {}, "lock_entry_sha256": "", "inputs": {}, "outputs": {}, "reported": {}}
STATEMENT, DASHED = {"key", "manifest_sha256", "meaning", "role", "signed_at", "signer"}, re.compile("[-0-9]+")
ODD = re.compile(r"(^|[/. ])(/|$)|[^ !#-)+-9;=@-\[\]-{}]")  # a name that is another, or taken for one, once unpacked
SIGNATURE, CONTROL = re.compile(r"signatures/[0-9]+-[A-Za-z0-9-]+\.(json|sig|tsr)"), re.compile(r"[\x00-\x1f\x7f-\x9f]")
COPIED = re.compile(r"(?i)certificates/|files/(?!\w+\.(lock|yaml)$)|ledger/(?!(?-i:ledger\.jsonl|records/.*\.json)$)")
THREATS = """Detected: later changes of files, runs, dvc.lock or ledger by who cannot redo all that vouches for them.
Not detected: a lie told while a stage ran (clintune replay runs it again); ledger, store and evidence all made anew by
one person (a signature of somebody else, or the last line of the ledger kept elsewhere, shows that)."""

def canonical(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()

def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

def parsed(text: str | bytes) -> Tree:
    """A JSON object; of anything else, nothing."""
    try:
        tree = json.loads(text)
        return tree if isinstance(tree, dict) and canonical(tree) else {}
    except (ValueError, RecursionError):
        return {}

def finding(kind: str, place: str, field: str, sealed: Any, found: Any) -> Finding:
    texts = {key: "" if one is None else str(one) for key, one in (("sealed", sealed), ("found", found))}
    return {"kind": kind, "place": place, "field": field, **texts}

def differences(kind: str, place: str, field: str, sealed: Tree, found: Tree) -> Findings:
    """One for each key that is not the same on both sides; without a `place` the key is the place."""
    for key in sorted(sealed.keys() | found.keys()):
        if (pair := (sealed.get(key), found.get(key)))[0] != pair[1]:
            yield finding(kind, *((place, f"{field} {key}".strip()) if place else (key, field)), *pair)

def judge(observed: Tree, lines: Iterable[str | bytes], contents: Mapping[str, bytes]) -> list[Finding]:
    """All findings: `observed` is what lies there now; the ledger's lines; the records' bytes by their names."""
    sealed, rows, found = read_ledger(lines, contents)
    own = [(line, record) for line, record in sealed if line["kind"] == "stage"]
    found += [finding("cache", path, "MD5", *pair) for path, pair in observed["cache"].items() if len({*pair}) > 1]
    found += [finding(*it) for it in observed["amiss"]] + [*judge_lock(observed, own), *judge_runs(observed, own, rows)]
    return sorted({canonical(one): one for one in found}.values(), key=lambda one: [*one.values()])

def read_ledger(lines: Iterable[str | bytes], contents: Mapping[str, bytes]) -> tuple[Pairs, list[Tree], list[Finding]]:
    """(line, record) of each line that holds; the lines, each of which names the one before; what is wrong."""
    sealed, chain, wrong = Pairs(), list[Tree](), list[Finding]()
    for number, text in enumerate(lines, start=1):
        place, line = f"ledger.jsonl:{number}", parsed(text)
        named = sha256(canonical({key: one for key, one in line.items() if key != "hash"}))
        is_line = line.keys() == LINE and canonical(line) == (text.encode() if isinstance(text, str) else text)
        if not is_line or line["hash"] != named:
            wrong += [finding("ledger", place, "", "line", "changed: other hash" if is_line else "no line of a ledger")]
            continue
        before = chain[-1]["hash"] if chain else FIRST
        wrong += differences("ledger", place, "", {**line, "number": number}, {**line, "previous": before})
        chain.append(line)
        name, subject = str(line["record"]), f"record of {line['subject']}"
        record, form = parsed(contents.get(name, b"")), STAGE if line["kind"] == "stage" else {"kind": ""}
        has_form = all(isinstance(record.get(key), type(one)) for key, one in form.items())
        found = sha256(contents[name]) if has_form else "of no such kind" if name in contents else ""
        sealed += [(line, record)] if found == name else []
        wrong += [] if found == name else [finding("record", f"records/{name}.json", subject, name, found)]
    for name in contents.keys() - {str(line["record"]) for line in chain}:
        wrong.append(finding("record", f"records/{name}.json", "", "a line that names it", ""))
    return sealed, chain, wrong

def name_of(entry: Tree) -> str:
    """What DVC's run cache calls an entry of dvc.lock: by all but sizes."""
    bare = json.loads(json.dumps(entry), object_hook=lambda one: {key: one[key] for key in one.keys() - SIZES})
    return sha256(json.dumps(bare, sort_keys=True).encode())

def leaves(tree: Tree, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, one in tree.items():
        yield from leaves(one, f"{prefix}{key}.") if one and isinstance(one, dict) else [(f"{prefix}{key}", one)]

def flat(entry: Tree, kinds: Iterable[str] = ("dep", "out")) -> Tree:
    params = {f"param {key}": json.dumps(value, ensure_ascii=False)
              for values in entry.get("params", {}).values() for key, value in leaves(values)}
    hashes = {f"{kind} {one['path']}": one.get("md5", "") for kind in kinds for one in entry.get(f"{kind}s", [])}
    return {"cmd": entry["cmd"], **hashes, **params}

def made_by(stage: str, entry: Tree, records: Iterable[Tree]) -> tuple[bool, Tree | None]:
    """The record that made an entry; else the one to compare it with, of the same inputs or the last."""
    own: list[Any] = [one for one in records if one["stage"] == stage]
    made = [one for one in own if one["lock_entry_sha256"] == name_of(entry)]
    alike = [one for one in own if flat(one["lock"], ["dep"]) == flat(entry, ["dep"])]
    return bool(made), (made or alike or own or [None])[-1]

def judge_lock(observed: Tree, sealed: Pairs) -> Findings:
    """Each entry of dvc.lock was made by a sealed stage, and what that stage read and wrote lies there."""
    lock, files, records, makers = observed["lock"], observed["files"], [one for _, one in sealed], list[Tree]()
    made = {out["path"]: out["md5"] for entry in lock.values() for out in entry.get("outs", [])}
    for stage, entry in lock.items():
        (is_made, record), place = made_by(stage, entry, records), f"dvc.lock: {stage}"
        if not is_made:
            yield finding("lock", place, "entry", record and record["lock_entry_sha256"], name_of(entry))
        yield from differences("lock", place, "", flat(record["lock"]), flat(entry)) if record else ()
        for dep in entry.get("deps", []):
            if made.get(dep["path"], dep["md5"]) != dep["md5"]:
                yield finding("lock", place, f"dep {dep['path']}", made[dep["path"]], dep["md5"])
        makers += [record] if record else []
    folders = tuple(f"{out['path']}/" for record in records for out in record["lock"].get("outs", []))
    wrote, read = {path: one["sha256"] for record in makers for path, one in record["outputs"].items()}, set[str]()
    for record in makers:  # what a stage read is what another one wrote, or what lies there
        own = {path: one["sha256"] for path, one in record["inputs"].items()}
        there, read = {path: one for path, one in {**files, **wrote}.items() if path in own}, read | own.keys()
        yield from differences("input", "", "SHA-256", own, there)
    yield from differences("output", "", "SHA-256", wrote, {path: one for path, one in files.items() if path in wrote})
    for path in files.keys() - wrote.keys() - read:
        yield finding("output" if f"{path}/".startswith(folders) else "input", path, "SHA-256", "", files[path])

def judge_runs(observed: Tree, sealed: Pairs, chain: list[Tree]) -> Findings:
    """Each run in the store still says what it said when its stage was sealed, and finds the line that it names."""
    made, entries = [record["lock_entry_sha256"] for _, record in sealed], map(name_of, observed["lock"].values())
    alone = [name for name in entries if made.count(name) == 1]
    began = {it["execution"]["process"]: it["execution"] for _, it in reversed(sealed) if it["execution"]}
    for line, record in sealed:
        run, place = observed["runs"].get(record["run"]), f"run {record['run']} of stage {record['stage']}"
        waits = record["run"] in observed["waiting"] and not (run and run["sealed"])  # is yet to be sent, in part
        yield from [finding("run", place, "", f"line {line['number']} of the ledger", "")] if not (run or waits) else ()
        if run and not waits:  # one that was killed before it named a line says so in its tags
            killed = run["status"] == "KILLED" and not run["sealed"] and record["lock_entry_sha256"] not in alone
            tags = {**record["reported"]["tags"], "clintune.sealed": f"{line['number']}:{line['hash']}"}
            ends = {it: tags.get(it) for it in ("clintune.sealed", "clintune.reason", "mlflow.note.content") * killed}
            held = {**run, "status": "FINISHED" if killed else run["status"], "tags": {**run["tags"], **ends}}
            yield from judge_run(tags, record, held, began, observed["executions"])
    lines = {str(line["number"]): line["hash"] for line in chain}
    for run in observed["runs"].values():  # an end that was cut off, or a chain made anew, shows here
        number, _, name = run["sealed"].partition(":")
        if name and lines.get(number) != name:
            field = f"hash that run {run['id']} of stage {run['name']} names"
            yield finding("ledger", f"ledger.jsonl:{number}", field, name, lines.get(number))

def judge_run(tags: Tree, record: Tree, run: Tree, began: Tree, executions: Tree) -> Findings:
    place, said = f"run {run['id']} of stage {record['stage']}", record["reported"]
    execution = record["execution"] and began[record["execution"]["process"]]  # later stages find another commit
    facts = {"name": record["stage"], "start": record["started"], "status": "FINISHED", "lifecycle": "active"}
    yield from differences("run", place, "", facts, {key: run[key] for key in facts})
    yield from judge_said(place, {**said, "tags": tags}, run)
    for key in sorted(said["metrics"].keys() | run["metrics"].keys()):
        yield from judge_curve(place, key, run["latest"].get(key), *(it["metrics"].get(key, []) for it in (said, run)))
    datasets = {one["name"]: f"{one['digest']} {one['role']}" for one in said["datasets"]}
    yield from differences("run", place, "dataset", datasets, run["datasets"])
    models = {model["name"]: model["files"] for model in said["models"]}
    for name, files in {**{key: {} for key in models}, **run["models"]}.items():  # also "NAME, version 3"
        yield from differences("run", place, f"model {name}", models.get(name.partition(", ")[0], {}), files)
    if execution and run["execution"] not in executions:
        yield finding("run", f"execution {execution['name']}", "", f"parent of run {run['id']}", "")
    elif execution:  # its run repeats what its stages say
        held = executions[run["execution"]]
        place, headline = f"run {run['execution']} of execution {execution['name']}", said["headline"]
        yield from judge_said(place, execution, held)
        for shown in (held["latest"], held["last"]):
            yield from differences("run", place, "metric", headline, {name: shown.get(name) for name in headline})

def judge_said(place: str, said: Tree, held: Tree) -> Findings:
    own = {key: one for key, one in held["tags"].items() if key in said["tags"] or key not in BY_STORE}
    for kind, found in {"param": held["params"], "tag": own, "artifact": held["artifacts"]}.items():
        yield from differences("run", place, kind, said[f"{kind}s"], found)

def judge_curve(place: str, name: str, latest: Any, sealed: list[Any], found: list[Any]) -> Findings:
    before, after = ({(step, at): value for step, value, at in sorted(one, key=str)} for one in (sealed, found))
    for step, at in sorted(before.keys() | after.keys()):
        old, new = (one.get((step, at), "") for one in (before, after))
        yield from () if old == new else [finding("run", place, f"metric {name} at step {step}", old, new)]
    last = max(((step, at, value) for step, value, at in sealed), default=[None])[-1]
    if before == after:  # what MLflow shows as the value lies in a table of its own
        two = ({"points": len({*map(tuple, it)}), "as it is shown": at} for it, at in ((sealed, last), (found, latest)))
        yield from differences("run", place, f"metric {name}", *two)

def judge_pack(parts: Mapping[str, bytes], folder: Path | None, signers: Path | None) -> Verdict:
    """What is not as it was sealed, and the statements of those who signed."""
    manifest, own = json.loads(parts["manifest.json"]), {path for path in parts if not SIGNATURE.fullmatch(path)}
    there = {path: sha256(parts[path]) for path in own - {"manifest.json"}}
    found = [*differences("pack", "", "SHA-256", {key: one["sha256"] for key, one in manifest["parts"].items()}, there)]
    try:
        found += judge_parts(parts, manifest, folder)
    except (LookupError, ValueError, TypeError, AttributeError):
        if not found:  # else it is said already which part is another
            raise
    made = {parsed(one).get("by") for path, one in parts.items() if path.startswith("ledger/records/")} - {None}
    wrong, signed = judge_signatures(parts, {*manifest["authors"], *map(str, made)}, signers)
    return [*found, *wrong], signed

def judge_parts(parts: Mapping[str, bytes], manifest: Tree, folder: Path | None) -> Findings:
    lines, observed = parts["ledger/ledger.jsonl"].splitlines(), json.loads(parts["observed.json"])
    contents = {it.removeprefix("ledger/records/")[:-5]: parts[it] for it in parts if it.startswith("ledger/records/")}
    sealed, chain, _ = read_ledger(lines, contents)
    yield from differences("pack", "manifest.json", "head", manifest["head"], chain[-1] if chain else {})
    known = {f"files/{path}": one for path, one in observed["files"].items() if f"files/{path}" in parts}
    for number, line in enumerate((line for line, _ in sealed if line["kind"] == "certificate"), start=1):
        known[f"certificates/{number}.json"] = line["record"]
    copied = [it for it in parts if it in known or COPIED.match(it)]
    yield from differences("pack", "observed.json", "", known, {path: sha256(parts[path]) for path in copied})
    yield from judge(observed, lines, contents)
    stages = [record for line, record in sealed if line["kind"] == "stage"]
    made = [made_by(stage, entry, stages)[1] for stage, entry in observed["lock"].items()]
    yield from () if any(made) else [finding("pack", "observed.json", "lock", "what a stage made", "nothing")]
    yield from judge_delivered(folder, [one for one in made if one]) if folder else ()

def judge_delivered(folder: Path, records: list[Tree]) -> Findings:
    """A checkout, or what one stage wrote: each output in it is whole, and nothing was put into it."""
    read, sealed = ({at: one["sha256"] for it in records for at, one in it[of].items()} for of in ("inputs", "outputs"))
    outs = [out["path"] for record in records for out in record["lock"].get("outs", [])]
    places = [(out, folder / out) for out in outs if (folder / out).exists()]
    whole = {*outs, *(Path(out).parent.as_posix() for out in outs)} if folder.is_dir() else ()  # of files, too
    shared = {out: sum(f"{out}/{file.name}" in sealed for file in folder.iterdir()) for out in whole}
    places += [(out, folder) for out in shared if shared[out] == max(shared.values()) > bool(places)]
    found = {(Path(out) / file.relative_to(place)).as_posix(): file for out, place in places
             for file in ([place], place.rglob("*"))[place.is_dir()] if file.is_file() or file.is_symlink()}
    found |= {path: folder / path for path in read if path[0] not in "/." and (folder / path).is_file()}
    wanted = {path: one for path, one in {**read, **sealed}.items()
              if path in found or any(f"{path}/".startswith(f"{out}/") for out, _ in places)}
    yield from differences("file", "", "SHA-256", wanted, {path: sha256(found[path].read_bytes()) for path in found})
    yield from () if wanted else [finding("file", str(folder), "", "what a stage read or wrote", "nothing of it")]

def judge_signatures(parts: Mapping[str, bytes], authors: set[str], signers: Path | None) -> Verdict:
    """Who signed this manifest as what. Who may is a list that the reviewer brings."""
    found, signed, owner, manifest = list[Finding](), list[Tree](), dict[str, str](), sha256(parts["manifest.json"])
    for stem in sorted({path.rpartition(".")[0] for path in parts if SIGNATURE.fullmatch(path)}):
        statement, signature = (parts.get(f"{stem}.{end}", b"{}") for end in ("json", "sig"))
        said = {key: str(parsed(statement).get(key, "")) for key in STATEMENT}
        key = key_of(statement, signature, said["signer"], signers)
        facts = {**said, "manifest_sha256": manifest, "role": stem.partition("-")[2], "key": said["key"] or "some key",
                 "signer": owner.setdefault(key, said["signer"]), "statement": canonical(said).decode()}
        held = {**said, "key": key, "statement": statement.decode(errors="replace")}
        wrong = [*differences("signature", f"{stem}.json", "", facts, held)]
        found, signed = [*found, *wrong], [*signed, *([] if wrong or said in signed else [said])]
    role = {of: [it for it in signed if of in DASHED.split(it["role"].casefold())] for of in ("author", "approver")}
    own = {it.strip().casefold() for it in [*authors, *(one[of] for one in role["author"] for of in ("signer", "key"))]}
    alike = [it["signer"] for it in role["approver"] if own & {it["signer"].strip().casefold(), it["key"].casefold()}]
    found += [finding("signature", f"approval by {it}", "role", "of no author", "of an author") for it in alike]
    return found, signed

def key_of(statement: bytes, signature: bytes, signer: str, signers: Path | None) -> str:
    """The fingerprint of the key that signed it; nothing if none did, or not one of this signer."""
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch, "signature").write_bytes(signature)
        who = ["verify", "-f", str(signers), "-I", signer] if signers else ["check-novalidate"]
        command = ["ssh-keygen", "-Y", *who, "-n", NAMESPACE, "-s", f"{scratch}/signature"]
        done = subprocess.run(command, input=statement, capture_output=True, check=False)
    named = re.search(r" (SHA256:\S+)\s*$", done.stdout.decode(errors="replace"))
    return named[1] if named and done.returncode == 0 else ""

def last_words(parts: Mapping[str, bytes], found: list[Finding], signed: list[Tree], known: bool) -> Iterator[str]:
    whose = "" if known else "; whose key that is was not checked: --signers"
    yield from ("signed at {signed_at!r} by {signer!r} as {role}: {meaning!r}".format_map(it) + whose for it in signed)
    waiting = len(parsed(parts.get("observed.json", b"")).get("waiting", ()))
    counts = f"{len(parts)} parts" + (f"; {waiting} run(s) that wait to be sent were not compared" if waiting else "")
    yield f"{f'{len(found)} not as sealed' if found else 'Everything is as it was sealed'}: {counts}.\n{THREATS}"

def read_parts(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        return {str(one.relative_to(path).as_posix()): one.read_bytes() for one in path.rglob("*") if one.is_file()}
    with zipfile.ZipFile(path) as archive:
        every, content = {it.filename.casefold(): it for it in archive.infolist()}.values(), path.read_bytes()
        odd = any(e.compress_type | e.flag_bits | e.external_attr & 7 << 28 or ODD.search(e.filename) for e in every)
        raw = (it.FileHeader() + archive.read(it) for it in every if not odd and it.compress_size == it.file_size)
        own, rest = b"".join(raw), 22 + sum(46 + len(it.filename) for it in every)  # unzip goes by those headers
        if odd or own != content[:archive.start_dir] or len(own) + rest != len(content):  # nothing lies between
            raise ValueError("a part is in it twice, hidden, under two names, compressed, or is a folder or a link")
        return {it.filename: archive.read(it) for it in every}

def shown(one: Finding) -> str:
    sealed, found = (" ".join(one[key].split())[:64] or "nothing" for key in ("sealed", "found"))
    where = "{kind:6}  {place}: {field}".format_map(one).removesuffix(": ")
    return CONTROL.sub(" ", f"{where}: sealed {sealed}, found {found}")

def main() -> None:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("\n\n")[1].strip(), epilog=THREATS)
    parser.add_argument("evidence", type=Path, nargs="?", default=Path(__file__).parent, help="a file, or a folder")
    parser.add_argument("--files", type=Path, help="what was delivered: a checkout, or a bundle alone")
    parser.add_argument("--signers", type=Path, help="who may sign: an allowed-signers file of ssh-keygen")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        found, signed = judge_pack(parts := read_parts(arguments.evidence), arguments.files, arguments.signers)
        lines = [*map(shown, found), *last_words(parts, found, signed, arguments.signers is not None)]
    except Exception as error:
        parser.exit(2, f"{arguments.evidence}: could not be checked ({type(error).__name__}: {error})\n")
    text = json.dumps({"findings": found, "signed": signed}, indent=2) if arguments.json else "\n".join(lines)
    print(text.encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding))
    sys.exit(1 if found else 0)

if __name__ == "__main__":
    main()
