"""Synthetic clinical notes: made up from templates and word lists, for building and testing pipelines.

No sentence is about a person and none makes medical sense: findings, diseases and drugs are drawn at random.
A model trained or scored on them says nothing about care. The words are in vocabulary.yaml beside this file.
"""

from clintune.sources.synthetic.writing import write_notes

__all__ = ["write_notes"]
