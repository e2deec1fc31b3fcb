"""The deployable bundle: written, loaded back the consumer's way, compared, and only then there."""

from clintune.exporting.exporting import describe, export, metrics
from clintune.exporting.mlflow_model import save_mlflow_model

__all__ = ["describe", "export", "metrics", "save_mlflow_model"]
