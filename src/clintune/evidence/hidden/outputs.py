"""Whether a stage made again what dvc.lock names."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from clintune.evidence.hidden.copying import Copy
from clintune.evidence.hidden.finding import Hidden
from clintune.sealing.hashing import sums


def md5(path: Path) -> str:
    """As DVC names it: of a file its MD5; of a folder that of the list of its files with theirs, and .dir."""
    if not path.is_dir():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "md5").hexdigest()
    files = sorted((file.relative_to(path).parts, file) for file in path.rglob("*") if file.is_file())
    listed = [{"md5": md5(file), "relpath": "/".join(parts)} for parts, file in files]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"


def unlike_lock(copy: Copy, stage: str, code: int, made: Mapping[str, str]) -> Iterator[Hidden]:
    """A line for each output that is not the one of dvc.lock, with the first file that is another one."""
    step = "dvc repro; where it comes again, something that is not declared decides"
    if code:
        seen = f"the stage stopped with {code} in a copy of the project"
        yield Hidden(stage, "output", copy.lock[stage]["cmd"], seen, "run it by hand: it says why")
        return
    for out in copy.lock[stage].get("outs", []):
        path = out["path"]
        if not (copy.root / path).exists():
            yield Hidden(stage, "output", path, "the stage did not make it", step)
        elif md5(copy.root / path) != out["md5"]:
            before = {name: one["sha256"] for name, one in sums(copy.whole, [path]).items()}
            now = {name: made[name] for name in made if name == path or name.startswith(f"{path}/")}
            names = sorted(before.keys() | now.keys())
            other = next((name for name in names if before.get(name) != now.get(name)), path)
            yield Hidden(stage, "output", other, "other bytes than dvc.lock names", step)
