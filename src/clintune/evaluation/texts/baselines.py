"""Simple models of the text, fitted on train: what a network must beat to be worth its price.

`constant` knows the targets of train only: the most frequent label, or the mean. `words` and `characters`
weigh words, or sequences of 1 to 4 characters, by TF-IDF (logarithmic counts) for a logistic or ridge
regression. `fingerprints` reads texts as SMILES: Morgan fingerprints (radius 2, 2048 bits) for a random
forest of 500 trees. All with scikit-learn's presets otherwise. The same train and seed give the same numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from clintune.evaluation.texts.answers import Answers
from clintune.evaluation.texts.weighted import Numbers
from clintune.molecules import fingerprints
from clintune.params import Baseline

TREES = 500

Fit: TypeAlias = Callable[[Any, Numbers, Any, int, str], Numbers]
"""From features of train, its gold [text, label], features of test, seed and baseline to scores."""

Features: TypeAlias = Callable[[Sequence[str], Sequence[str]], tuple[Any, Any]]
"""From texts of train and of test to a row of numbers for each; what is learned is learned from train."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The texts of a split and their gold [text, label]."""

    texts: Sequence[str]
    gold: Numbers


def baseline(name: Baseline, task: str, train: Rows, test: Rows, *, seed: int) -> Answers:
    """What the baseline `name`, fitted on train, says of test. Raises UserError where it needs RDKit."""
    features = FEATURES[name]
    if features is None:
        scores = np.tile(np.nanmean(train.gold, axis=0), (len(test.gold), 1))
    else:
        fitted, seen = features(train.texts, test.texts)
        scores = SCORES[task](fitted, train.gold, seen, seed, name)
    return Answers(test.gold, SAID[task](scores), scores)


def _words(train: Sequence[str], test: Sequence[str]) -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return _weighed(TfidfVectorizer(token_pattern=r"(?u)\b\w+\b", sublinear_tf=True), train, test)


def _characters(train: Sequence[str], test: Sequence[str]) -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    # SMILES tell c from C.
    known = TfidfVectorizer(analyzer="char", ngram_range=(1, 4), lowercase=False, sublinear_tf=True)
    return _weighed(known, train, test)


def _weighed(known: Any, train: Sequence[str], test: Sequence[str]) -> tuple[Any, Any]:
    """Where no text of train has a word, nothing tells texts apart: one feature that is always 0."""
    if not any(map(known.build_analyzer(), train)):
        return np.zeros((len(train), 1)), np.zeros((len(test), 1))
    return known.fit_transform(train), known.transform(test)


def _morgan(train: Sequence[str], test: Sequence[str]) -> tuple[Any, Any]:
    return fingerprints(train), fingerprints(test)


def _one_label(fitted: Any, gold: Numbers, seen: Any, seed: int, name: str) -> Numbers:
    """What train has one class of alone is that class."""
    found, labels = np.zeros((seen.shape[0], gold.shape[1])), gold.argmax(axis=1)
    if len(only := np.unique(labels)) == 1:
        found[:, only] = 1.0
        return found
    model = _classifier(name, seed).fit(fitted, labels)
    found[:, model.classes_] = model.predict_proba(seen)
    return found


def _each_label(fitted: Any, gold: Numbers, seen: Any, seed: int, name: str) -> Numbers:
    """Label by label; one that always holds in train, or never, keeps its share."""
    found = np.tile(gold.mean(axis=0), (seen.shape[0], 1))
    for place, column in enumerate(gold.T):
        if 0 < column.mean() < 1:
            found[:, place] = _classifier(name, seed).fit(fitted, column).predict_proba(seen)[:, 1]
    return found


def _each_value(fitted: Any, gold: Numbers, seen: Any, seed: int, name: str) -> Numbers:
    """Target by target, from the texts whose value is known."""
    columns = []
    for column in gold.T:
        known = np.flatnonzero(~np.isnan(column))
        columns.append(_regressor(name, seed).fit(fitted[known], column[known]).predict(seen))
    return np.stack(columns, axis=1)


def _classifier(name: str, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    if name == "fingerprints":
        return RandomForestClassifier(TREES, random_state=seed)
    return LogisticRegression(max_iter=10_000)


def _regressor(name: str, seed: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import Ridge

    if name == "fingerprints":
        return RandomForestRegressor(TREES, random_state=seed)
    # Other solvers draw by chance.
    return Ridge(solver="sparse_cg", tol=1e-8)


def _likeliest(scores: Numbers) -> Numbers:
    ones: Numbers = np.eye(scores.shape[1])[scores.argmax(axis=1)]
    return ones


def _holding(scores: Numbers) -> Numbers:
    holds: Numbers = (scores >= 0.5).astype(np.float64)
    return holds


def _as_is(scores: Numbers) -> Numbers:
    return scores


FEATURES: Mapping[Baseline, Features | None] = {
    "constant": None,
    "words": _words,
    "characters": _characters,
    "fingerprints": _morgan,
}
SCORES: Mapping[str, Fit] = {
    "classification": _one_label,
    "multilabel": _each_label,
    "regression": _each_value,
}
SAID: Mapping[str, Callable[[Numbers], Numbers]] = {
    "classification": _likeliest,
    "multilabel": _holding,
    "regression": _as_is,
}
