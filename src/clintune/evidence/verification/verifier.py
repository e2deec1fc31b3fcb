"""Is everything as it was sealed? Needs Python alone: no package, no network, no trust in who packed it.
`clintune verify` judges with this same file. Exit codes: 0 all as sealed, 1 a finding, 2 no evidence file.

    python3 -I verify.py evidence.zip [--files FOLDER] [--signers ALLOWED_SIGNERS] [--json]
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Tree = dict[str, Any]
Finding = dict[str, str]
Findings = Iterator[Finding]
Pairs = list[tuple[Tree, Tree]]
FIRST, NAMESPACE = "0" * 64, "clintune-evidence"
LINE = {"number", "at", "kind", "subject", "record", "previous", "hash"}
SET_BY_THE_STORE = {"mlflow.parentRunId", "mlflow.runName", "mlflow.runColor"}
THREATS = """\
Shown is any later change by whoever cannot redo what it is compared with too. Not shown: a lie told while a stage ran
(`clintune replay` shows it), a ledger and a store that one person made anew (a signature by somebody else shows it)."""


def canonical(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def finding(kind: str, place: str, field: str, sealed: Any, found: Any) -> Finding:
    texts = {key: "" if one is None else str(one) for key, one in (("sealed", sealed), ("found", found))}
    return {"kind": kind, "place": place, "field": field, **texts}


def differences(kind: str, place: str, field: str, sealed: Tree, found: Tree) -> Findings:
    """One for each key that is not the same on both sides; without a `place` the key is the place."""
    for key in sorted(sealed.keys() | found.keys()):
        if sealed.get(key) != found.get(key):
            where = (place, f"{field} {key}".strip()) if place else (key, field)
            yield finding(kind, *where, sealed.get(key), found.get(key))


def judge(observed: Tree, lines: Iterable[str | bytes], contents: Mapping[str, bytes]) -> list[Finding]:
    """All findings: `observed` is what lies there now; the ledger's lines; the records' bytes by their names."""
    sealed, chain, found = read_ledger(lines, contents)
    stages = [(line, record) for line, record in sealed if line["kind"] == "stage"]
    found += [*judge_lock(observed, [record for _, record in stages]), *judge_params(observed)]
    found += judge_runs(observed, stages, chain)
    found += [finding("cache", path, "MD5", *pair) for path, pair in observed["cache"].items() if len({*pair}) > 1]
    found += [finding("trail", place, name, "a trigger of the trail", gap) for place, name, gap in observed["trail"]]
    return sorted({canonical(one): one for one in found}.values(), key=lambda one: [*one.values()])


def read_ledger(lines: Iterable[str | bytes], contents: Mapping[str, bytes]) -> tuple[Pairs, list[Tree], list[Finding]]:
    """(line, record) of each line that holds; the lines, each of which names the one before; what is wrong."""
    chain: list[Tree] = []
    sealed, wrong = Pairs(), list[Finding]()
    for number, text in enumerate(lines, start=1):
        place = f"ledger.jsonl:{number}"
        try:
            line = json.loads(text)
            named = sha256(canonical({key: line[key] for key in LINE - {"hash"}}))
            problem = "" if line["hash"] == named else "the line was changed: its hash is another"
        except (ValueError, KeyError, TypeError):
            problem = "no line of a ledger"
        if problem:
            wrong.append(finding("ledger", place, "", "a line of the chain", problem))
            continue
        before = chain[-1]["hash"] if chain else FIRST
        expected = {"number": number, "previous": line["previous"]}
        wrong += differences("ledger", place, "", expected, {"number": line["number"], "previous": before})
        chain.append(line)
        name = line["record"]
        found = sha256(contents[name]) if name in contents else ""
        if found == name:
            sealed.append((line, json.loads(contents[name])))
        else:
            wrong.append(finding("record", f"records/{name}.json", f"record of {line['subject']}", name, found))
    return sealed, chain, wrong


def name_of(entry: Tree) -> str:
    """What DVC's run cache calls an entry of dvc.lock: by all but sizes."""
    bare = json.loads(json.dumps(entry), object_hook=lambda one: {key: one[key] for key in one.keys() - {"size", "nfiles"}})
    return sha256(json.dumps(bare, sort_keys=True).encode())


def leaves(tree: Tree, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        yield from leaves(value, f"{prefix}{key}.") if value and isinstance(value, dict) else [(f"{prefix}{key}", value)]


def params_of(entry: Tree) -> Tree:
    return {key: value for values in entry.get("params", {}).values() for key, value in leaves(values)}


def flat(entry: Tree, kinds: Iterable[str] = ("dep", "out")) -> Tree:
    params = {f"param {key}": json.dumps(value, ensure_ascii=False) for key, value in params_of(entry).items()}
    hashes = {f"{kind} {one['path']}": one.get("md5", "") for kind in kinds for one in entry.get(f"{kind}s", [])}
    return {"cmd": entry["cmd"], **hashes, **params}


def made_by(stage: str, entry: Tree, records: Iterable[Tree]) -> tuple[bool, Tree | None]:
    """The record that made an entry; else the one to compare it with, of the same inputs or the last."""
    own: list[Any] = [one for one in records if one["stage"] == stage]
    made = [one for one in own if one["lock_entry_sha256"] == name_of(entry)]
    alike = [one for one in own if flat(one["lock"], ["dep"]) == flat(entry, ["dep"])]
    return bool(made), (made or alike or own or [None])[-1]


def judge_lock(observed: Tree, records: list[Tree]) -> Findings:
    """Each entry of dvc.lock was made by a sealed stage, and what that stage read and wrote lies there."""
    lock, read, wrote = observed["lock"], Tree(), Tree()
    made = {out["path"]: out["md5"] for entry in lock.values() for out in entry.get("outs", [])}
    for stage, entry in lock.items():
        is_made, record = made_by(stage, entry, records)
        place = f"dvc.lock: {stage}"
        if not is_made:
            name = record and record["lock_entry_sha256"]
            yield finding("lock", place, "entry", name, name_of(entry))
            yield from differences("lock", place, "", flat(record["lock"]), flat(entry)) if record else ()
        for dep in entry.get("deps", []):
            if made.get(dep["path"], dep["md5"]) != dep["md5"]:
                yield finding("lock", place, f"dep {dep['path']}", made[dep["path"]], dep["md5"])
        read |= record["inputs"] if record else {}
        wrote |= record["outputs"] if record else {}
    folders = [out["path"] for record in records for out in record["lock"].get("outs", [])]
    sealed = {path: one["sha256"] for path, one in {**read, **wrote}.items()}
    for one in differences("input", "", "SHA-256", sealed, observed["files"]):
        is_output = any(f"{one['place']}/".startswith(f"{folder}/") for folder in folders)
        yield {**one, "kind": "output" if is_output else "input"}


def judge_params(observed: Tree) -> Findings:
    now = observed["params"]
    if isinstance(now, str):
        yield finding("param", "params.yaml", "", "valid params", now)
    for sealed in map(params_of, () if isinstance(now, str) else observed["lock"].values()):
        found = {key: value for key, value in leaves(now) if key in sealed}
        yield from differences("param", "params.yaml", "", sealed, found)


def judge_runs(observed: Tree, sealed: Pairs, chain: list[Tree]) -> Findings:
    """Each run in the store still says what it said when its stage was sealed, and finds the line that it names."""
    names = map(name_of, observed["lock"].values())
    makers = [[record["run"] for _, record in sealed if record["lock_entry_sha256"] == name] for name in names]
    alone = [runs[0] for runs in makers if len(runs) == 1]
    for line, record in sealed:
        run, key = observed["runs"].get(record["run"]), record["run"]
        if key in observed["waiting"]:
            continue  # the store has not got all of it yet
        if run is None:
            place = f"run {key} of stage {record['stage']}"
            yield finding("run", place, "", f"line {line['number']} of the ledger", "")
        elif run["status"] != "KILLED" or run["sealed"] or key in alone:  # else: killed before it named its line
            yield from judge_run(line, record, run, observed["executions"])
    lines = {str(line["number"]): line["hash"] for line in chain}
    for run in observed["runs"].values():  # an end that was cut off, or a chain made anew, shows here
        number, _, name = run["sealed"].partition(":")
        if name and lines.get(number) != name:
            field = f"hash that run {run['id']} of stage {run['name']} names"
            yield finding("ledger", f"ledger.jsonl:{number}", field, name, lines.get(number))


def judge_run(line: Tree, record: Tree, run: Tree, executions: Tree) -> Findings:
    place, said, execution = f"run {run['id']} of stage {record['stage']}", record["reported"], record["execution"]
    facts = {"name": record["stage"], "start": record["started"], "status": "FINISHED", "lifecycle": "active"}
    yield from differences("run", place, "", facts, {key: run[key] for key in facts})
    tags = {**said["tags"], "clintune.sealed": f"{line['number']}:{line['hash']}"}
    yield from judge_said(place, {**said, "tags": tags}, run)
    for name in sorted(said["metrics"].keys() | run["metrics"].keys()):
        points = said["metrics"].get(name, []), run["metrics"].get(name, [])
        yield from judge_curve(place, name, *points, run["latest"].get(name))
    datasets = {one["name"]: f"{one['digest']} {one['role']}" for one in said["datasets"]}
    found = {name: f"{digest} {role}" for name, digest, role in run["datasets"]}
    yield from differences("run", place, "dataset", datasets, found)
    for model in said["models"]:
        files = run["models"].get(model["name"], {})
        yield from differences("run", place, f"model {model['name']}", model["files"], files)
    if execution and run["execution"] not in executions:
        yield finding("run", f"execution {execution['name']}", "", f"parent of run {run['id']}", "")
    elif execution:  # its run repeats what its stages say
        held = executions[run["execution"]]
        place, headline = f"run {run['execution']} of execution {execution['name']}", said["headline"]
        yield from judge_said(place, execution, held)
        shown = {name: value for name, value in held["latest"].items() if name in headline}
        yield from differences("run", place, "metric", headline, shown)


def judge_said(place: str, said: Tree, held: Tree) -> Findings:
    own = {key: one for key, one in held["tags"].items() if key in said["tags"] or key not in SET_BY_THE_STORE}
    for kind, found in {"param": held["params"], "tag": own, "artifact": held["artifacts"]}.items():
        yield from differences("run", place, kind, said[f"{kind}s"], found)


def judge_curve(place: str, name: str, sealed: list[Any], found: list[Any], latest: Any) -> Findings:
    """Points by step and time; then the value that MLflow shows, which lies in a table of its own."""
    before, after = ({(step, at): value for step, value, at in one} for one in (sealed, found))
    for step, at in sorted(before.keys() | after.keys()):
        old, new = (repr(one[step, at]) if (step, at) in one else "" for one in (before, after))
        if old != new:
            yield finding("run", place, f"metric {name} at step {step}", old, new)
    if len(found) != len(sealed) and before == after:
        yield finding("run", place, f"metric {name}", f"{len(sealed)} points", f"{len(found)} points")
    last = max(((step, at, value) for step, value, at in sealed), default=[None])[-1]
    if before == after and latest != last:
        yield finding("run", place, f"metric {name} as it is shown", last, latest)


def judge_pack(parts: Mapping[str, bytes], folder: Path | None = None, signers: Path | None = None) -> list[Finding]:
    """An evidence file alone: its parts are those of its manifest, and say of each other what is so."""
    manifest = json.loads(parts["manifest.json"])
    listed = {path: one["sha256"] for path, one in manifest["parts"].items()}
    there = {path: sha256(one) for path, one in parts.items() if not path.startswith(("manifest.", "signatures/"))}
    found = [*differences("pack", "", "SHA-256", listed, there)]
    lines = parts.get("ledger/ledger.jsonl", b"").splitlines()
    contents = {Path(path).stem: one for path, one in parts.items() if path.startswith("ledger/records/")}
    sealed, chain, _ = read_ledger(lines, contents)
    found += differences("pack", "manifest.json", "head", manifest["head"], chain[-1] if chain else {})
    observed = json.loads(parts["observed.json"])
    copied = {f"files/{path}": one for path, one in observed["files"].items() if f"files/{path}" in there}
    found += differences("pack", "observed.json", "", copied, {path: there[path] for path in copied})
    found += [*judge(observed, lines, contents), *judge_signatures(parts, signers)]
    if folder is not None:
        stages = [record for _, record in sealed if record["kind"] == "stage"]
        made = [made_by(stage, entry, stages)[1] for stage, entry in observed["lock"].items()]
        names = {path: one["sha256"] for record in made if record for path, one in record["outputs"].items()}
        delivered = {path: sha256((folder / path).read_bytes()) for path in names if (folder / path).is_file()}
        found += differences("file", "", "SHA-256", {path: names[path] for path in delivered}, delivered)
        if not delivered:
            found.append(finding("file", str(folder), "", "outputs of a sealed stage", "none of them"))
    return found


def judge_signatures(parts: Mapping[str, bytes], signers: Path | None) -> Findings:
    """Each says who signed this manifest as what. Who may is a list that the reviewer brings."""
    for path in sorted(path for path in parts if path.startswith("signatures/") and path.endswith(".json")):
        said = json.loads(parts[path])
        if said["manifest_sha256"] != sha256(parts["manifest.json"]):
            yield finding("signature", path, "manifest", sha256(parts["manifest.json"]), said["manifest_sha256"])
        if said["role"] == "approver" and said["signer"] in json.loads(parts["manifest.json"])["authors"]:
            yield finding("signature", path, "role", "somebody who is no author", said["signer"])
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, "signature")
            file.write_bytes(parts.get(path.removesuffix("json") + "sig", b""))
            who = ["verify", "-f", str(signers), "-I", said["signer"]] if signers else ["check-novalidate"]
            command = ["ssh-keygen", "-Y", *who, "-n", NAMESPACE, "-s", str(file)]
            done = subprocess.run(command, input=parts[path], capture_output=True, check=False)
        if done.returncode:
            yield finding("signature", path, "", f"a signature of {said['signer']}", "none that holds")


def last_words(parts: Mapping[str, bytes], found: list[Finding], signers: Path | None) -> Iterator[str]:
    for said in (json.loads(parts[path]) for path in sorted(parts) if path[:11] == "signatures/" and path[-5:] == ".json"):
        known = "" if signers else "; who that is was not checked: --signers"
        yield f"signed at {said['signed_at']} by {said['signer']} as {said['role']}: {said['meaning']}{known}"
    yield f"{f'{len(found)} findings' if found else 'Everything is as it was sealed'}: {len(parts)} parts.\n{THREATS}"


def read_parts(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        return {str(one.relative_to(path).as_posix()): one.read_bytes() for one in path.rglob("*") if one.is_file()}
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def shown(one: Finding) -> str:
    where = f"{one['place']}: {one['field']}".removesuffix(": ")
    sealed, found = (" ".join(one[key].split())[:64] or "nothing" for key in ("sealed", "found"))
    return f"{one['kind']:6}  {where}: sealed {sealed}, found {found}"


def main() -> None:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("\n\n")[1].strip())
    parser.add_argument("evidence", type=Path, nargs="?", default=Path(__file__).parent, help="a file, or a folder")
    parser.add_argument("--files", type=Path, help="what was delivered: outputs in it are hashed too")
    parser.add_argument("--signers", type=Path, help="who may sign: an allowed-signers file of ssh-keygen")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        parts = read_parts(arguments.evidence)
        found = judge_pack(parts, arguments.files, arguments.signers)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        print(f"{arguments.evidence}: no evidence file ({type(error).__name__}: {error})", file=sys.stderr)
        sys.exit(2)
    lines = [*map(shown, found), *last_words(parts, found, arguments.signers)]
    print(json.dumps(found, indent=2) if arguments.json else "\n".join(lines))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
