"""clintune summary: what the pipeline made, its scores, and where to look next."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clintune.errors import UserError
from clintune.files import read_json, size
from clintune.graph import read_stages

_METRICS = "data/evaluation/metrics.json"
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
    """All outputs in the order of the stages, and the numbers of the evaluation, if there is one."""

    outputs: tuple[Output, ...]
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
        scores = _scores(self.metrics) if self.metrics is not None else ["  none yet: dvc repro"]
        pages = [f"  {path}  {what}" for path, what in self.pages]
        commands = ["  make ui  every run in MLflow", "  dvc metrics diff; dvc params diff; dvc plots diff"]
        return [*made, "", "Scores on test (strict: label, first and last character):", *scores, "",
                "Where to look next:", *pages, *commands]  # fmt: skip


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
    return Summary(outputs, metrics, tuple(page for page in _NEXT if (root / page[0]).exists()))


def _readable(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _scores(metrics: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {'':24}  {'F1':>6}  {'interval':>15}  {'precision':>9}  {'recall':>6}  {'mentions':>8}"
    rows = [("all", "strict"), ("seen in train", "seen"), ("not seen in train", "unseen")]
    yield from (_row(name, metrics[key]) for name, key in rows)
    yield from (_row(label, score) for label, score in metrics["label"].items())


def _row(name: str, score: Mapping[str, float]) -> str:
    interval = f"{score['f1_low']:.3f} to {score['f1_high']:.3f}" if "f1_low" in score else "-"
    numbers = f"{score['f1']:6.3f}  {interval:>15}  {score['precision']:9.3f}  {score['recall']:6.3f}"
    return f"  {name:24}  {numbers}  {score['gold']:8.0f}"
