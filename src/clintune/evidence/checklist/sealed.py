"""The files that the stages read and wrote, read only where they still are as they were sealed."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clintune.evidence.checklist.items import Evidence, Unknown
from clintune.evidence.subject import Subject
from clintune.files import sha256


@dataclass(frozen=True, slots=True)
class Sealed:
    """SHA-256 by path, as the records of the subject have it."""

    root: Path
    sums: Mapping[str, str]

    @classmethod
    def of(cls, subject: Subject) -> "Sealed":
        """Of every file that a stage read or wrote."""
        sums = {
            path: one["sha256"]
            for side in ("inputs", "outputs") for record in subject.records.values()
            for path, one in record[side].items()
        }  # fmt: skip
        return cls(subject.root, sums)

    def file(self, path: str) -> Path:
        """The file, as it was sealed. Raises Unknown where it is not there, or is another now."""
        if path not in self.sums:
            raise Unknown(f"no stage of dvc.lock made {path}")
        found = self.root / path
        if not found.is_file():
            raise Unknown(f"{path} is not here")
        if sha256(found) != self.sums[path]:
            raise Unknown(f"{path} is not as it was sealed")
        return found

    def json(self, path: str) -> Any:
        """What a JSON file holds. Raises Unknown."""
        return json.loads(self.file(path).read_bytes())

    def text(self, path: str) -> str:
        """What a text file holds. Raises Unknown."""
        return self.file(path).read_text(encoding="utf-8")

    def rows(self, path: str) -> list[dict[str, str]]:
        """What a CSV file holds. Raises Unknown."""
        with self.file(path).open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def says(self, what: str, value: object, path: str) -> Evidence:
        """That a file says so. Raises Unknown where no stage made it."""
        if path not in self.sums:
            raise Unknown(f"no stage of dvc.lock made {path}")
        return Evidence(what, str(value), path, self.sums[path])
