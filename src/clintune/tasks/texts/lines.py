"""Scores of tasks on whole texts for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clintune.tasks.padding import padded

_LABELS = ("macro_f1", "accuracy", "exact", "micro_f1", "mcc", "auroc", "auprc")
_VALUES = ("rmse", "mae", "r2", "spearman")


def label_scores(metrics: Mapping[str, Any]) -> Iterator[str]:
    """All scores beside the baselines, then each label."""
    yield f"Scores on test ({metrics['documents']:,} texts; higher is better):"
    yield from _table(metrics, _LABELS)
    yield f"  {'label':24}  {'F1':>6}  {'precision':>9}  {'recall':>6}  {'texts':>8}"
    for label, score in metrics["label"].items():
        numbers = f"{_of(score, 'f1'):>6}  {_of(score, 'precision'):>9}  {_of(score, 'recall'):>6}"
        yield f"  {padded(label[:24], 24)}  {numbers}  {score['gold']:8.0f}"


def value_scores(metrics: Mapping[str, Any]) -> Iterator[str]:
    """All scores beside the baselines, then each target."""
    yield f"Scores on test ({metrics['documents']:,} texts; of RMSE and MAE lower is better):"
    yield from _table(metrics, _VALUES)
    yield f"  {'target':24}  {'RMSE':>6}  {'R2':>6}  {'texts':>8}"
    for target, score in metrics["target"].items():
        numbers = f"{_of(score, 'rmse'):>6}  {_of(score, 'r2'):>6}  {score['known']:8.0f}"
        yield f"  {padded(target[:24], 24)}  {numbers}"


def _table(metrics: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    rivals = metrics["baseline"]
    yield f"  {'':24}  {'model':>6}  {'interval':>17}" + "".join(f"  {name:>12}" for name in rivals)
    for name in names:
        if name in metrics:
            low = f"{name}_low"
            reach = f"{metrics[low]:.3f} to {metrics[f'{name}_high']:.3f}" if low in metrics else "-"
            others = "".join(f"  {_of(rival, name):>12}" for rival in rivals.values())
            yield f"  {name:24}  {metrics[name]:6.3f}  {reach:>17}{others}"
    for name, value in metrics["ceiling"].items():
        yield f"  {f'limit of {name}':24}  {value:6.3f}  for whoever sees nothing but the text"


def _of(scores: Mapping[str, float], name: str) -> str:
    return f"{scores[name]:.3f}" if name in scores else "-"
