"""Does a vocabulary hold together? Every slot leads somewhere, none in a circle, no mention in another."""

import difflib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from clintune.errors import SourceError
from clintune.sources.synthetic.template import Mark, Part, Recall, Template, Use, walk
from clintune.sources.synthetic.vocabulary import EVERYBODY, Rule, Vocabulary, place, read_vocabulary

SCOPES = ("patient", "episode", "note")
BUILT_IN = ("age", "birthday", "day")

Keys = tuple[str | int, ...]


class _Fault(Exception):  # noqa: N818  (what is wrong, not yet the error that the user sees)
    def __init__(self, keys: Keys, problem: str, next_step: str) -> None:
        super().__init__(keys, problem, next_step)
        self.keys, self.problem, self.next_step = keys, problem, next_step


def load_vocabulary(path: Path) -> Vocabulary:
    """Read and check a vocabulary. Raises SourceError with line, key, problem and next step."""
    vocabulary, text = read_vocabulary(path)
    try:
        _check_names(vocabulary)
        _check_variants(vocabulary)
        _check_slots(vocabulary)
        reach = _Reach(vocabulary)
        for _, template in _templates(vocabulary):
            reach(template)
        _check_marks(vocabulary, reach)
        _check_memory(vocabulary, reach)
    except _Fault as fault:
        raise SourceError(place(path, text, fault.keys), fault.problem, fault.next_step) from None
    return vocabulary


def _rules(vocabulary: Vocabulary) -> Iterator[tuple[Keys, Rule]]:
    for section in ("phrases", "sentences", "notes"):
        for name, rule in getattr(vocabulary, section).items():
            yield (section, name), rule


def _templates(vocabulary: Vocabulary) -> Iterator[tuple[Keys, Template]]:
    for scope, facts in vocabulary.facts.items():
        yield from ((("facts", scope, name), fact.of) for name, fact in facts.items())
    for keys, rule in _rules(vocabulary):
        yield from ((keys, template) for template in _alternatives(rule))


def _alternatives(rule: Rule) -> Iterator[Template]:
    for choice in rule.variants.values():
        yield from choice.templates


def _check_names(vocabulary: Vocabulary) -> None:
    for name in vocabulary.sentences:
        if name in vocabulary.phrases:
            raise _Fault(("sentences", name), "phrases has a rule of this name", "rename one of them")
    for keys, _ in _rules(vocabulary):
        if keys[-1] in BUILT_IN:
            raise _Fault(keys, "this name is built in", "rename the rule")
    if both := sorted(set(vocabulary.labels) & set(vocabulary.identifiers)):
        raise _Fault(("identifiers",), f"{both[0]} is a label, too", "rename one of them")
    if set(vocabulary.facts) != set(SCOPES):
        raise _Fault(
            ("facts",), "its parts are not patient, episode and note", "give these three, {} if empty"
        )
    for number, course in enumerate(vocabulary.courses):
        for kind in course:
            if kind not in vocabulary.notes:
                raise _unknown(("courses", number), kind, vocabulary.notes, "note")


def _check_variants(vocabulary: Vocabulary) -> None:
    attributes = vocabulary.attributes
    values = [set(attributes.sex), set(attributes.site), set(attributes.age_band)]
    if len(set.union(*values)) < sum(map(len, values)):
        raise _Fault(("attributes",), "two attributes share a value", "rename one of them")
    for keys, rule in _rules(vocabulary):
        if set(rule.variants) not in [{EVERYBODY}, *values]:
            raise _Fault(
                keys,
                "variants are not the values of one attribute",
                "give one for each value of sex, site or age_band",
            )


def _check_slots(vocabulary: Vocabulary) -> None:
    names = [*vocabulary.phrases, *vocabulary.sentences]
    marks = [*vocabulary.labels, *vocabulary.identifiers]
    facts = [(scope, name) for scope in SCOPES for name in vocabulary.facts[scope]]
    for keys, template in _templates(vocabulary):
        for part in walk(template):
            match part:
                case Use(rule) if rule not in names:
                    raise _unknown(keys, rule, names, "rule")
                case Recall(scope, fact, mark):
                    if (scope, fact) not in facts:
                        raise _unknown(keys, f"{scope}.{fact}", list(map(".".join, facts)), "fact")
                    if mark is not None and mark not in marks:
                        raise _unknown(keys, mark, marks, "label or identifier")
                case Mark(name) if name not in marks:
                    raise _unknown(keys, name, marks, "label or identifier")
                case _:
                    pass


def _unknown(keys: Keys, name: str, known: Collection[str], kind: str) -> _Fault:
    near = difflib.get_close_matches(name, known, n=1)
    return _Fault(keys, f"no {kind} is called {name}", f"did you mean {near[0]}?" if near else "define it")


class _Reach:
    """Every part that a template can come to, over rules and facts.

    Raises _Fault where a rule or a fact leads back to itself: such a text would have no end.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._done: dict[Keys, frozenset[Part]] = {}
        self._open: list[Keys] = []

    def __call__(self, template: Template) -> frozenset[Part]:
        found = set(walk(template))
        for part in tuple(found):
            match part:
                case Use(name):
                    section = "phrases" if name in self._vocabulary.phrases else "sentences"
                    found |= self._named((section, name), _alternatives(self._vocabulary.rule(name)))
                case Recall(scope, name):
                    found |= self._named(("facts", scope, name), [self._vocabulary.facts[scope][name].of])
                case _:
                    pass
        return frozenset(found)

    def _named(self, keys: Keys, templates: Iterable[Template]) -> frozenset[Part]:
        if keys in self._open:
            raise _Fault(keys, "leads back to itself", "break the circle")
        if keys not in self._done:
            self._open.append(keys)
            self._done[keys] = frozenset[Part]().union(*map(self, templates))
            self._open.pop()
        return self._done[keys]


def _check_marks(vocabulary: Vocabulary, reach: _Reach) -> None:
    used: set[str] = set()
    for keys, template in _templates(vocabulary):
        for part in walk(template):
            if isinstance(part, Mark):
                used.add(part.name)
                if inner := sorted(one.name for one in reach(part.inside) if isinstance(one, Mark)):
                    raise _Fault(
                        keys, f"{part.name} would hold another mark ({inner[0]})", "mark only one of them"
                    )
    for section in ("labels", "identifiers"):
        for name in getattr(vocabulary, section):
            if name not in used:
                raise _Fault(
                    (section,), f"nothing is marked as {name}", "mark something, or take it off the list"
                )


def _check_memory(vocabulary: Vocabulary, reach: _Reach) -> None:
    """A fact may ask for facts above it only; a recalled part must be there to recall."""
    known: set[tuple[str, str]] = set()
    for scope in SCOPES:
        for name, fact in vocabulary.facts[scope].items():
            asked = {(one.scope, one.fact) for one in reach(fact.of) if isinstance(one, Recall)}
            if later := sorted(asked - known):
                raise _Fault(
                    ("facts", scope, name),
                    f"asks for {'.'.join(later[0])} before that is drawn",
                    "move it below that",
                )
            known.add((scope, name))
    for keys, template in _templates(vocabulary):
        for part in walk(template):
            if isinstance(part, Recall) and part.mark is not None:
                inside = reach(vocabulary.facts[part.scope][part.fact].of)
                if not any(isinstance(one, Mark) and one.name == part.mark for one in inside):
                    problem = f"{part.scope}.{part.fact} has no part marked {part.mark}"
                    raise _Fault(keys, problem, "mark it there, or recall the whole")
