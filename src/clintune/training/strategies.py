"""Which tensors are trained, and from when on."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from clintune import params
from clintune.errors import ModelError
from clintune.networks import Network
from clintune.training.parts import Parts, parts_of


@dataclass(frozen=True, slots=True)
class Moment:
    """Where training stands before a step, from 0: steps done, epochs done.

    `waited` is how many validations in a row brought no gain, where one has just been made; else None.
    """

    step: int
    epoch: int
    waited: int | None


class Strategy(Protocol):
    """What is trained at a moment. Only its `thawed` changes, and only upwards."""

    thawed: int

    def names(self) -> frozenset[str]:
        """The tensors that are trained now."""

    def advance(self, moment: Moment) -> bool:
        """Thaw what is due; says whether anything was."""


@dataclass(slots=True)
class Fixed:
    """The same tensors from the first step to the last."""

    trained: frozenset[str]
    thawed: int = 0

    def names(self) -> frozenset[str]:
        """Always the same."""
        return self.trained

    def advance(self, moment: Moment) -> bool:  # noqa: ARG002
        """Nothing ever is due."""
        return False


@dataclass(slots=True)
class Thawing:
    """The top first, then `thawed` parts below it."""

    section: params.Gradual
    parts: Parts
    thawed: int

    def names(self) -> frozenset[str]:
        """The tensors of the top and of the thawed parts."""
        lowest = self.parts.top - self.thawed
        return frozenset(name for name, depth in self.parts.depths.items() if depth >= lowest)

    def advance(self, moment: Moment) -> bool:
        """By epochs or steps the moment says how many are due; without a gain, one more each time."""
        before, every = self.thawed, self.section.every
        match self.section.unit:
            case "epoch":
                due = self.section.initially + moment.epoch // every
            case "step":
                due = self.section.initially + moment.step // every
            case "plateau":
                due = before + bool(moment.waited and moment.waited % every == 0)
        self.thawed = min(max(before, due), self.parts.layers + self.section.embeddings)
        return self.thawed > before


def strategy_of(section: params.Train, network: Network) -> Strategy:
    """The strategy that params.yaml names, for this network, before its first step.

    Raises ModelError where it names layers or tensors that the network has not.
    """
    match section.strategy:
        case params.Full():
            return Fixed(frozenset(name for name, _ in network.named_parameters()))
        case params.Lora():  # add_adapters has frozen all else
            return Fixed(frozenset(name for name, one in network.named_parameters() if one.requires_grad))
        case params.Partial() as partial:
            return Fixed(_all_but_frozen(partial, parts_of(network)))
        case params.Gradual() as gradual:
            parts = parts_of(network)
            if gradual.initially > parts.layers:
                raise _too_many("gradual", "initially", gradual.initially, parts)
            return Thawing(gradual, parts, gradual.initially)


def _all_but_frozen(section: params.Partial, parts: Parts) -> frozenset[str]:
    if section.layers > parts.layers:
        raise _too_many("partial", "layers", section.layers, parts)
    for pattern in section.names:
        if not any(fnmatchcase(name, pattern) for name in parts.depths):
            raise nothing_fits("tensor", "train.strategy.names", pattern, parts.depths)
    trained = frozenset(
        name for name, depth in parts.depths.items()
        if not (section.embeddings and depth == 0) and not 0 < depth <= section.layers
        and not any(fnmatchcase(name, pattern) for pattern in section.names)
    )  # fmt: skip
    if not trained:
        raise ModelError("params.yaml: train.strategy.names", "nothing is left to train", "freeze less")
    return trained


def _too_many(kind: str, key: str, found: int, parts: Parts) -> ModelError:
    problem = f"is {found}; the model has {parts.layers} layers"
    return ModelError(f"params.yaml: train.strategy.{key}", problem, f"lower it ({kind})")


def nothing_fits(what: str, key: str, pattern: str, names: Iterable[str]) -> ModelError:
    """A pattern that fits none of the names of such things is most likely a misspelling."""
    example = next(iter(names))
    return ModelError(f"params.yaml: {key}", f"no {what} fits {pattern!r}", f"names are like {example}")
