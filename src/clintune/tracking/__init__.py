"""Tracking: the only door to MLflow. A stage writes a journal; one sender per repository delivers it."""

from clintune.tracking.run import Run

__all__ = ["Run"]
