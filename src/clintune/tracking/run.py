"""What the code of a stage may say about its run."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from clintune.tracking.journal import Artifact, Journal, Metrics, Model, Tags, now

NOTE = "mlflow.note.content"
"""The tag that MLflow shows as the description of a run."""


class Run:
    """The run of this stage. All goes to a file first: no call waits for a server, or fails with it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._words = ""
        self._facts = ""
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

    def describe(self, markdown: str) -> None:
        """The description of the run, for a reader who was not there. No text of a record."""
        self._words = markdown
        self._write_note()

    def describe_facts(self, markdown: str) -> None:
        """The part of the description that does not come from the stage's code; it stands last."""
        self._facts = markdown
        self._write_note()

    def model(
        self, bundle: Path, name: str, *, examples: Sequence[str], requirements: Sequence[str], alias: str
    ) -> Path:
        """Package a bundle as an MLflow model, to be registered as a version of `name` with `alias`.

        The registration waits for the end of the stage, with the hashes of what it wrote as tags: a stage
        that fails registers nothing. MLflow records the `examples` and predicts them once: only texts that
        may be shown. `requirements` are what serving needs, as pip spells it.
        Returns the folder of the MLflow model, for mlflow.pyfunc.load_model.
        """
        from clintune.tracking.models import save_model  # MLflow costs seconds, and one stage needs it

        place = self._journal.new_place("model")
        save_model(self._journal.folder / place, bundle, examples=examples, requirements=requirements)
        self._models.append(Model(place, name, alias, {}))
        return self._journal.folder / place

    def register_models(self, tags: Mapping[str, str]) -> None:
        """Let the models be registered, now that what they are made of has a name."""
        for model in self._models:
            self._journal.write(replace(model, tags=tags))

    def _write_note(self) -> None:
        self._journal.write(Tags({NOTE: "\n\n".join(filter(None, [self._words, self._facts]))}))

    def artifact(self, path: Path, folder: str = "") -> None:
        """Show a file or folder, as it is now, below `folder` in the run."""
        self._journal.write(Artifact(self._journal.copy(path), folder))
