"""clintune summary: what the pipeline made, its scores, and where to look next."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clintune.checkpoints import Outputs
from clintune.errors import UserError
from clintune.files import read_json, size
from clintune.graph import read_stages
from clintune.tasks.lines import LINES

_METRICS = "data/evaluation/metrics.json"
_OUTPUTS = "data/checkpoint/outputs.json"
_NEXT = (
    ("data/evaluation/report.html", "the report: open it in a browser"),
    ("data/bundle/MODEL_CARD.md", "the model card"),
)


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a stage; `size` in bytes, None where it is not there."""

    stage: str
    path: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """All outputs in the order of the stages; the task and numbers of the evaluation, if there is one."""

    outputs: tuple[Output, ...]
    task: str | None
    metrics: Mapping[str, Any] | None
    pages: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """For a program to read."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person to read."""
        made = ["What was made:"]
        for output in self.outputs:
            size = "missing: dvc repro" if output.size is None else _readable(output.size)
            made.append(f"  {output.stage:10}  {output.path:36}  {size}")
        if self.metrics is not None and self.task is not None:
            scores = list(LINES[self.task](self.metrics))
        else:
            scores = ["Scores on test:", "  none yet: dvc repro"]
        pages = [f"  {path}  {what}" for path, what in self.pages]
        commands = ["  make ui  every run in MLflow", "  dvc metrics diff; dvc params diff; dvc plots diff"]
        return [*made, "", *scores, "", "Where to look next:", *pages, *commands]


def summarize(root: Path) -> Summary:
    """What lies on disk. Raises UserError where it is not what evaluate writes."""
    outputs = tuple(
        Output(stage.name, path, size(root / path) if (root / path).exists() else None)
        for stage in read_stages(root).values()
        for path in stage.outs
    )
    metrics = None
    if (root / _METRICS).exists():
        try:
            metrics = read_json(root / _METRICS)
        except ValueError:
            raise UserError(_METRICS, "not JSON", "make it again: dvc repro --force evaluate") from None
    return Summary(outputs, _task(root), metrics, tuple(page for page in _NEXT if (root / page[0]).exists()))


def _readable(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _task(root: Path) -> str | None:
    """That of the checkpoint which was evaluated; None where there is none."""
    path = root / _OUTPUTS
    return Outputs.read(path).task if path.exists() else None
