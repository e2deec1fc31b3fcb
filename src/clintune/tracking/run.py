"""What the code of a stage may say about its run."""

import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from clintune.tracking.journal import Artifact, Headline, Journal, Metrics, Model, Tags, now

NOTE = "mlflow.note.content"
"""The tag that MLflow shows as the description of a run."""
SEALED = "clintune.sealed"
"""The tag that names the line of the ledger under which the run's record is sealed: number:hash."""
LEDGER = "clintune.ledger"
"""The tag that names that ledger: a store may hold the runs of several clones."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a stage under DVC is made from: inputs, environment, processor. Two that agree do the same work.

    `folder` is a place for what this work leaves half-way; it belongs to no output.
    """

    made_from: Mapping[str, str]
    folder: Path

    def on(self, facts: Mapping[str, str]) -> Self:
        """The same work where the machine decided so: that is part of what a result is made from."""
        return replace(self, made_from={**self.made_from, **facts})

    def part(self, name: str) -> Self:
        """A part of the work, with a place of its own."""
        return replace(self, folder=self.folder.with_name(f"{self.folder.name}-{name}"))

    def discard(self) -> None:
        """Remove what the work and its parts left half-way."""
        for folder in (self.folder, *self.folder.parent.glob(f"{self.folder.name}-*")):
            shutil.rmtree(folder, ignore_errors=True)


class Run:
    """The run of this stage. All goes to a file first: no call waits for a server, or fails with it.

    `origin` is None for a stage that was started by hand.
    """

    origin: Origin | None = None

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._words = ""
        self._facts = ""
        self._end = ""
        self._models: list[Model] = []

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Record numbers, at a step if there is one. What is not finite is left out and named in a tag."""
        finite = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        if finite:
            self._journal.write(Metrics(finite, step or 0, now()))
        if len(finite) < len(values):
            names = ", ".join(sorted(set(values) - set(finite)))
            where = "" if step is None else f" (step {step})"
            self._journal.write(Tags({"clintune.not_finite": names + where}))

    def facts(self, values: Mapping[str, str]) -> None:
        """Record what the machine decided, and no param says: shown as tags."""
        self._journal.write(Tags(dict(values)))

    def headline(self, values: Mapping[str, float]) -> None:
        """Show numbers in the run of the pipeline's execution too, where executions are compared: those that
        are finite.
        """
        finite = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        self._journal.write(Headline(finite, now()))

    def describe(self, markdown: str) -> None:
        """The description of the run, for a reader who was not there. No text of a record, no id, no file."""
        self._words = markdown
        self._write_note()

    def describe_facts(self, markdown: str) -> None:
        """The part of the description that does not come from the stage's code; it stands last."""
        self._facts = markdown
        self._write_note()

    def describe_end(self, markdown: str) -> None:
        """How the run ended, where it did not finish: what a reader looks for first."""
        self._end = markdown
        self._write_note()

    def model(self, saved: Path, name: str, *, alias: str, description: str) -> None:
        """Show an MLflow model (see packaging.save_model), and register it as a version of `name`.

        That waits for the end of the stage, for the hashes of what it wrote: a stage that fails, or was
        started by hand, registers nothing.
        """
        self._models.append(Model(self._journal.copy(saved), name, alias, description, {}))

    def register_models(self, tags: Mapping[str, str]) -> None:
        """Let the models be registered, now that what they are made of has a name."""
        for model in self._models:
            self._journal.write(replace(model, tags=tags))

    def _write_note(self) -> None:
        self._journal.write(Tags({NOTE: "\n\n".join(filter(None, [self._end, self._words, self._facts]))}))

    def artifact(self, path: Path, folder: str = "") -> None:
        """Show a file or folder, as it is now, below `folder` in the run."""
        self._journal.write(Artifact(self._journal.copy(path), folder))
