"""Fourteen ways to change a record after the fact, each seeded, each with what a verification has to name."""

import json
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from clintune.sealing.canonical import canonical, digest
from clintune.sealing.ledger import FIRST, Ledger, Line, decode
from tests.project import Project
from tests.tracking.stores import client_of, files_of, stage_runs

OUTPUTS = ("data/raw", "data/examples", "data/windows", "data/checkpoint", "data/evaluation", "data/bundle")


@dataclass(frozen=True)
class Expected:
    """A finding of this kind whose place and field hold these words."""

    kind: str
    place: str
    field: str = ""

    def among(self, findings: list[Mapping[str, str]]) -> bool:
        """Whether one of the findings is it."""
        return any(
            self.kind == one["kind"] and self.place in one["place"] and self.field in one["field"]
            for one in findings
        )


@dataclass(frozen=True)
class Scene:
    """A project to tamper with, and a whole copy of it to restore it from.

    `untouched` is what the system says of each file that is as it was: no program can set its time of change.
    """

    project: Project
    whole: Path
    untouched: dict[str, tuple[int, int]] = field(default_factory=dict)

    def restore(self) -> None:
        """All that a tampering has touched; the database in place, for clients hold it open."""
        restore_in_place(self.database, self.whole / self.database.relative_to(self.project.root))
        wanted, there = (set(_below(root)) for root in (self.whole, self.project.root))
        for name in there - wanted:
            (self.project.root / name).unlink()
        for name in wanted:
            file = self.project.root / name
            if name not in there or self.untouched.get(name) != _identity(file):
                file.parent.mkdir(parents=True, exist_ok=True)
                file.unlink(missing_ok=True)
                shutil.copy2(self.whole / name, file)
                self.untouched[name] = _identity(file)

    @property
    def database(self) -> Path:
        return self.project.root / ".clintune/mlflow/mlflow.db"

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.project.root / ".clintune/ledger")

    def query(self, statement: str, *values: Any) -> list[Any]:
        """What a person with the file can do."""
        with closing(sqlite3.connect(self.database)) as store, store:
            return store.execute(statement, values).fetchall()


def restore_in_place(database: Path, whole: Path) -> None:
    """As the copy was, for clients that hold it open.

    They keep its pages while a counter in its header stays the same, which as many writes as before would
    bring back: it counts on. https://www.sqlite.org/fileformat2.html#file_change_counter
    """
    with database.open("rb") as stream:
        counter = (int.from_bytes(stream.read(28)[24:]) + 1).to_bytes(4)
    shutil.copyfile(whole, database)
    with database.open("r+b") as stream:
        for place in (24, 92):  # the second says that the size in the header is of this count
            stream.seek(place)
            stream.write(counter)


def _below(root: Path) -> Iterator[str]:
    """Every file that a tampering may touch, but the database."""
    for name in ("data", ".dvc/cache", ".clintune/ledger", ".clintune/mlflow/artifacts", "dvc.lock"):
        place = root / name
        files = [place] if place.is_file() else (one for one in place.rglob("*") if one.is_file())
        yield from (str(file.relative_to(root)) for file in files)


def _identity(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_ino, stat.st_ctime_ns


def flip(file: Path, dice: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    file.write_bytes(content)


def files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".gitignore" and path.stat().st_size
    )


def output(scene: Scene, dice: random.Random) -> Expected:
    root = scene.project.root
    file = dice.choice([path for name in OUTPUTS for path in files(root / name)])
    stat = file.stat()
    flip(file, dice)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return Expected("output", str(file.relative_to(root)), "SHA-256")


def cached(scene: Scene, dice: random.Random) -> Path:
    """An object of the cache, writable."""
    file = dice.choice(files(scene.project.root / ".dvc/cache/files"))
    file.chmod(0o644)
    return file


def cache_flipped_and_its_time_restored(scene: Scene, dice: random.Random) -> Expected:
    file = cached(scene, dice)
    stat = file.stat()
    flip(file, dice)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return Expected("cache", str(file.relative_to(scene.project.root)), "MD5")


def cache_truncated(scene: Scene, dice: random.Random) -> Expected:
    file = cached(scene, dice)
    os.truncate(file, dice.randrange(file.stat().st_size))
    return Expected("cache", str(file.relative_to(scene.project.root)), "MD5")


def some_run(scene: Scene, dice: random.Random) -> Any:
    return dice.choice(stage_runs(client_of(scene.project)))


def some_metric(scene: Scene, dice: random.Random) -> tuple[str, str, float, int]:
    return dice.choice(scene.query(
        "SELECT m.run_uuid, m.key, m.value, m.step FROM metrics m JOIN tags t ON t.run_uuid = m.run_uuid"
        " WHERE t.key = 'dvc.kind' AND t.value = 'stage' ORDER BY 1, 2, 4, m.timestamp"
    ))  # fmt: skip


def metric_appended(scene: Scene, dice: random.Random) -> Expected:
    run, name, value, step = some_metric(scene, dice)
    client_of(scene.project).log_metric(run, name, value + 0.01, step=step + 1000)
    return Expected("run", run, f"metric {name} at step {step + 1000}")


def metric_edited_in_sql(scene: Scene, dice: random.Random) -> Expected:
    run, name, value, step = some_metric(scene, dice)
    for table in ("metrics", "latest_metrics"):
        scene.query(f"UPDATE {table} SET value = ? WHERE run_uuid = ? AND key = ? AND step = ?",
                    value * 1.01 + 1e-6, run, name, step)  # fmt: skip
    return Expected("run", run, f"metric {name} at step {step}")


def param(scene: Scene, dice: random.Random) -> Expected:
    run = some_run(scene, dice)
    if run.data.params and dice.random() < 0.7:
        name = dice.choice(sorted(run.data.params))
        scene.query(
            "UPDATE params SET value = value || '1' WHERE run_uuid = ? AND key = ?", run.info.run_id, name
        )
    else:
        name = f"added.{dice.randrange(1000)}"
        client_of(scene.project).log_param(run.info.run_id, name, "1")
    return Expected("run", run.info.run_id, f"param {name}")


def tag(scene: Scene, dice: random.Random) -> Expected:
    run, client = some_run(scene, dice), client_of(scene.project)
    own = sorted(
        set(run.data.tags) - {"mlflow.runName", "mlflow.parentRunId", "clintune.run", "clintune.sealed"}
    )
    name = dice.choice([*own, "approved.by"])
    if name in own and dice.random() < 0.3:
        client.delete_tag(run.info.run_id, name)
    else:
        client.set_tag(run.info.run_id, name, "somebody")
    return Expected("run", run.info.run_id, f"tag {name}")


def artifact(scene: Scene, dice: random.Random) -> Expected:
    run, client = some_run(scene, dice), client_of(scene.project)
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    name = dice.choice(sorted(files_of(client, run.info.run_id)))
    match dice.randrange(3):
        case 0:
            flip(folder / name, dice)
        case 1:
            (folder / name).unlink()
        case _:
            name = f"added-{dice.randrange(1000)}.txt"
            (folder / name).write_text("a better result")
    return Expected("run", run.info.run_id, f"artifact {name}")


def run_deleted(scene: Scene, dice: random.Random) -> Expected:
    run = some_run(scene, dice)
    client_of(scene.project).delete_run(run.info.run_id)
    return Expected("run", run.info.run_id, "lifecycle")


def run_gone_by_mlflow_gc(scene: Scene, dice: random.Random) -> Expected:
    from tests.evidence.verification import run_quickly

    run = some_run(scene, dice)
    client_of(scene.project).delete_run(run.info.run_id)
    uri = f"sqlite:///{scene.database}"
    stores = ["--backend-store-uri", uri, "--tracking-uri", uri]
    run_quickly(scene.project, "mlflow", "gc", *stores, "--run-ids", run.info.run_id)
    return Expected("run", run.data.tags["clintune.run"])


def lock_fabricated(scene: Scene, dice: random.Random) -> Expected:
    yaml, path = YAML(), scene.project.root / "dvc.lock"
    lock = yaml.load(path)
    stage = dice.choice(list(lock["stages"]))
    entry = lock["stages"][stage]
    kind = dice.choice(["deps", "outs"])
    one = dice.choice(entry[kind])
    one["md5"] = f"{dice.randrange(16**8):08x}{one['md5'][8:]}"
    yaml.dump(lock, path)
    return Expected("lock", f"dvc.lock: {stage}", f"{kind[:-1]} {one['path']}")


def laundered_by_dvc_commit(scene: Scene, dice: random.Random) -> Expected:
    from tests.evidence.verification import run_quickly

    found = output(scene, dice)
    run_quickly(scene.project, "dvc", "commit", "-f")
    return found


def lines_of(ledger: Ledger) -> list[Line]:
    return [decode(text, place="") for text in ledger.file.read_bytes().splitlines()]


def ledger_truncated(scene: Scene, dice: random.Random) -> Expected:
    lines = lines_of(scene.ledger)
    kept = dice.randrange(len(lines))
    scene.ledger.file.write_bytes(b"".join(line.encode() for line in lines[:kept]))
    return Expected("ledger", f"ledger.jsonl:{kept + 1}", "hash that run")


def ledger_chained_anew(scene: Scene, dice: random.Random) -> Expected:
    """One record says something else, and every hash from there on is made to fit."""
    lines = lines_of(scene.ledger)
    changed = dice.randrange(len(lines))
    record = json.loads(scene.ledger.record_file(lines[changed].record).read_bytes())
    record["reported"]["params"]["better"] = "true"
    scene.ledger.record_file(digest(record)).write_bytes(canonical(record))
    chained, previous = [], FIRST
    for number, line in enumerate(lines):
        name = digest(record) if number == changed else line.record
        chained.append(Line(line.number, line.at, line.kind, line.subject, name, previous))
        previous = chained[-1].hash
    scene.ledger.file.write_bytes(b"".join(line.encode() for line in chained))
    return Expected("ledger", f"ledger.jsonl:{changed + 1}", "hash that run")


CLASSES: tuple[Callable[[Scene, random.Random], Expected], ...] = (
    output, cache_flipped_and_its_time_restored, cache_truncated, metric_appended, metric_edited_in_sql,
    param, tag, artifact, run_deleted, run_gone_by_mlflow_gc, lock_fabricated, laundered_by_dvc_commit,
    ledger_truncated, ledger_chained_anew,
)  # fmt: skip


def scene_of(finished: Project, root: Path) -> Scene:
    """A copy of a project that ran, and what restores it."""
    project = finished.copy(root / "project")
    shutil.copytree(project.root, root / "whole", symlinks=True)
    return Scene(project, root / "whole")
