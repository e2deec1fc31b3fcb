"""The run of one stage: what is recorded without the stage's code having to ask."""

import json
import os
import shlex
import sys
import traceback
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any

import psutil

from clintune import provenance, working_tree
from clintune.errors import TrackingError, UserError
from clintune.lockfile import LockEntry, RunningStage, entry_sha256, inputs_sha256, is_code, running_stage
from clintune.params import Params, leaves, load_params
from clintune.process import die_with, dvc_process, identity, wait_for_turn
from clintune.sealing.ledger import Ledger
from clintune.sealing.record import KIND, stage_record
from clintune.tracking import journal, notes
from clintune.tracking.home import Home, home, without_password
from clintune.tracking.journal import Artifact, Closed, Dataset, Journal, Opened, Pipeline, Status, Tags, now
from clintune.tracking.run import LEDGER, NOTE, SEALED, Origin, Run
from clintune.tracking.sending import start_sender, wait_a_little, waiting

_PIPELINE_FILES = ("params.yaml", "dvc.yaml")


@contextmanager
def stage_run(
    name: str, params: Params, *, paths: Mapping[str, Path], sections: Sequence[str]
) -> Iterator[Run]:
    """Record this process as a run of stage `name`, from here to the end of the block.

    Under DVC the run carries what dvc.lock will say of the stage, and ends with it when `dvc` is gone.
    Started by hand, it is a run too, tagged `dvc.outside`: without a lock entry it made nothing of record.
    Raises TrackingError when something that the stage depends on changed while it ran.
    """
    place, dvc = home(), dvc_process()
    if dvc is not None:
        die_with(dvc)
    wait_for_turn(Path())
    if dvc is not None:
        with _writable(place):
            Ledger(place.ledger).expect_sound()
    numerics = _numerics(params) if "numerics" in sections else {}
    commit = working_tree.commit(Path())
    with _writable(place):
        spooled = _open(place, os.environ.get("DVC_STAGE", name), dvc, params, numerics, commit)
        said = not start_sender(place) and place.trouble.exists()
    run = Run(spooled)
    try:
        if dvc is None:
            yield from _outside(spooled, run, params, sections)
        else:
            entry = yield from _under_dvc(spooled, run, params, paths, sections, place)
            _seal(spooled, place, entry, commit)
            if run.origin is not None:
                run.origin.discard()  # not before: what cannot be sealed is to go on from there
    except BaseException as error:
        closed = _closed(error)
        run.describe_end(notes.ended(closed.status, closed.reason))
        spooled.close(closed)
        if closed.status == "FAILED":
            _let_send(place, spooled.folder, said=said)
        raise
    spooled.close(Closed("FINISHED", now(), ""))
    _let_send(place, spooled.folder, said=said)


def _let_send(place: Home, folder: Path, *, said: bool) -> None:
    """Wait a little for the store, and say it where that was in vain: once, not after every stage."""
    if not wait_a_little(place, folder) and not said:
        problem = f"the tracking store has not taken this run yet, so {waiting(place)}"
        print(TrackingError(without_password(place.uri), problem, "later: clintune send"), file=sys.stderr)


def _closed(error: BaseException) -> Closed:
    """How a run ends that raised. Messages of other errors may quote a record: class and place must do."""
    status: Status = "KILLED" if isinstance(error, SystemExit | KeyboardInterrupt) else "FAILED"
    reason = error.recorded if isinstance(error, UserError) else f"{type(error).__qualname__}{_place(error)}"
    return Closed(status, now(), reason)


def _place(error: BaseException) -> str:
    """The last line of the project that the error passed through."""
    library, here = str(Path(__file__).parents[1]), str(Path().resolve())
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    ours = [frame for frame in frames if frame.filename.startswith((library, f"{here}/pipeline"))]
    return f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""


@contextmanager
def _writable(place: Home) -> Iterator[None]:
    """A run that cannot be recorded does not begin."""
    try:
        yield
    except OSError as error:
        problem = f"the record of this run cannot be written ({error.strerror})"
        raise TrackingError(
            f"{place.root.name}/", problem, "make it a folder that you may write to"
        ) from error


def _source() -> str:
    """The script, as a path in the project: the working folder of a stage."""
    script = Path(sys.argv[0]).resolve()
    here = Path().resolve()
    return str(script.relative_to(here)) if script.is_relative_to(here) else script.name


def _open(
    place: Home,
    stage: str,
    dvc: psutil.Process | None,
    params: Params,
    numerics: Mapping[str, str],
    commit: working_tree.Commit | None,
) -> Journal:
    process, key = identity(dvc or psutil.Process()), journal.new_key(stage)
    ledger = {LEDGER: Ledger(place.ledger).begin()}
    environment, cpu = provenance.environment_text(), provenance.processor()
    tags = {
        "dvc.kind": "stage",
        "dvc.stage": stage,
        "dvc.exec_id": process,
        "clintune.run": key,
        "mlflow.user": provenance.user(),
        "mlflow.source.name": _source(),
        "mlflow.source.type": "LOCAL",
        "environment.sha256": provenance.text_sha256(environment),
        "numerics.cpu": cpu.name,
        "numerics.cpu_flags_sha256": cpu.flags_sha256,
        **ledger,
        **numerics,
        **(commit.tags() if commit else {}),
        **_experiment_tags(),
    }
    pipeline = None if dvc is None else _pipeline(dvc, process, params, commit, ledger)
    opened = Opened(key, stage, now(), tags, process, pipeline)
    files = {name: Path(name).read_bytes() for name in _PIPELINE_FILES if Path(name).exists()}
    spooled = Journal.open(
        place.spool, opened, {f"pipeline/{name}": content for name, content in files.items()}
    )
    spooled.write(Artifact(spooled.keep("packages.txt", environment), "environment"))
    if commit is not None and commit.changes:
        spooled.write(Artifact(spooled.keep("uncommitted.diff", commit.changes), "git"))
    return spooled


def _numerics(params: Params) -> dict[str, str]:
    return {f"numerics.{key}": str(value) for key, value in params.numerics.model_dump().items()}


def _pipeline(
    dvc: psutil.Process,
    process: str,
    params: Params,
    commit: working_tree.Commit | None,
    ledger: Mapping[str, str],
) -> Pipeline:
    title = os.environ.get("DVC_EXP_NAME") or "repro"
    name = f"{title} @ {commit.sha[:7]}" if commit else title
    tags = {
        "dvc.kind": "pipeline",
        "dvc.exec_id": process,
        "dvc.cmd": _command(dvc.cmdline()),
        "mlflow.user": provenance.user(),
        "mlflow.source.name": "dvc.yaml",
        "mlflow.source.type": "LOCAL",
        **ledger,
        **(commit.tags() if commit else {}),
        **_experiment_tags(),
    }
    tags[NOTE] = notes.pipeline(tags)
    values = dict(_flat(params.model_dump(mode="json")))
    return Pipeline(process, name, int(dvc.create_time() * 1000), tags, values, "pipeline")


def _command(words: Sequence[str]) -> str:
    """As it was typed: without the interpreter and without the paths of the machine."""
    if Path(words[0]).name.startswith("python"):
        words = [word for word in words[1:3] if word != "-m"] + list(words[3:])
    return shlex.join([Path(words[0]).name, *words[1:]])


def _experiment_tags() -> dict[str, str]:
    names = {"dvc.exp_name": "DVC_EXP_NAME", "dvc.exp_baseline_rev": "DVC_EXP_BASELINE_REV"}
    return {tag: os.environ[name] for tag, name in names.items() if name in os.environ}


def _outside(spooled: Journal, run: Run, params: Params, sections: Sequence[str]) -> Iterator[Run]:
    spooled.write(Tags({"dvc.outside": "true"}))
    known = tuple(f"{section}." for section in sections)
    leaves = _flat(params.model_dump(mode="json"))
    spooled.write(journal.Params({key: text for key, text in leaves if f"{key}.".startswith(known)}))
    run.describe_facts(notes.outside())
    yield run


def _under_dvc(
    spooled: Journal,
    run: Run,
    params: Params,
    paths: Mapping[str, Path],
    sections: Sequence[str],
    place: Home,
) -> Generator[Run, None, LockEntry]:
    with running_stage(os.environ["DVC_STAGE"]) as stage:
        inputs = stage.inputs()
        _expect_same(params, load_params(Path("params.yaml")), sections)
        _record_inputs(spooled, inputs, paths)
        run.describe_facts(notes.stage(inputs))
        run.origin = _origin(place, spooled.opened.tags, inputs)
        yield run
        return _record_outcome(spooled, run, stage, inputs)


def _origin(place: Home, tags: Mapping[str, str], inputs: LockEntry) -> Origin:
    key = inputs_sha256(inputs)
    made_from = {
        "inputs": key,
        "environment": tags["environment.sha256"],
        "cpu_flags": tags["numerics.cpu_flags_sha256"],
    }
    return Origin(made_from, place.unfinished / key)


def _expect_same(used: Params, named: Params, sections: Sequence[str]) -> None:
    """What the stage works with is what dvc.lock is going to name, though it may have waited for its turn."""
    for section in sections:
        part = attrgetter(section)
        if part(used) != part(named):
            place = f"params.yaml: {section}"
            raise TrackingError(place, "changed while the stage began", "run it again")


def _record_inputs(spooled: Journal, inputs: LockEntry, paths: Mapping[str, Path]) -> None:
    deps = inputs.get("deps", [])
    tags = {f"dvc.dep.{dep['path']}": dep["md5"] for dep in deps}
    spooled.write(Tags({"dvc.cmd": inputs["cmd"], "dvc.inputs_sha256": inputs_sha256(inputs), **tags}))
    for file, values in inputs.get("params", {}).items():
        prefix = "" if file == "params.yaml" else f"{file}:"
        spooled.write(journal.Params({prefix + key: value for key, value in _flat(values)}))
    for dep in deps:
        if not is_code(dep["path"]):
            profile = {key: dep[key] for key in ("size", "nfiles") if key in dep}
            spooled.write(Dataset(dep["path"], dep["md5"], _role(Path(dep["path"]), paths), profile))


def _role(dep: Path, paths: Mapping[str, Path]) -> str:
    """The argument that brings it in, with the file's name where only some of a folder are inputs."""
    for name, path in paths.items():
        if dep.is_relative_to(path):
            inside = dep.relative_to(path)
            return "/".join(filter(None, [name, *inside.parent.parts, inside.stem]))
    return "input"


def _flat(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Leaves by dotted name; those that are no text, as JSON."""
    for key, value in leaves(tree):
        yield key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _record_outcome(spooled: Journal, run: Run, stage: RunningStage, inputs: LockEntry) -> LockEntry:
    entry = stage.outcome()
    if inputs_sha256(entry) != inputs_sha256(inputs):
        changed = _changed(inputs, entry)
        raise TrackingError(
            changed, "changed while the stage ran, so dvc.lock would name what was not used", "run it again"
        )
    tags = {f"dvc.out.{out['path']}": out["md5"] for out in entry.get("outs", [])}
    tags["dvc.lock_entry_sha256"] = entry_sha256(entry)
    spooled.write(Tags(tags))
    text = json.dumps(entry, indent=2, sort_keys=True) + "\n"
    spooled.write(Artifact(spooled.keep("lock_entry.json", text), "dvc"))
    run.describe_facts(notes.stage(entry))
    run.register_models(tags | {"dvc.inputs_sha256": inputs_sha256(entry)})
    return entry


def _seal(spooled: Journal, place: Home, entry: LockEntry, commit: working_tree.Commit | None) -> None:
    """Nothing is said after this but the name of the line under which all of it is sealed."""
    with _writable(place):
        record = stage_record(spooled, entry, commit)
        line = Ledger(place.ledger).append(KIND, spooled.opened.key, record, at=now())
    spooled.write(Tags({SEALED: line.name}))


def _changed(before: LockEntry, after: LockEntry) -> str:
    """The first dependency that is not what it was."""
    old = {dep["path"]: dep["md5"] for dep in before.get("deps", [])}
    files = [dep["path"] for dep in after.get("deps", []) if old.get(dep["path"]) != dep["md5"]]
    return files[0] if files else "params.yaml"
