"""Which tensors are trained, and from when on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol

from torch import Tensor
from transformers import PreTrainedModel

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
    """What is trained at a moment. Only what it has `thawed` changes, and only upwards."""

    def names(self) -> frozenset[str]:
        """The tensors that are trained now."""

    def advance(self, moment: Moment) -> bool:
        """Thaw what is due; says whether anything was."""

    @property
    def thawed(self) -> tuple[int, ...]:
        """How many parts below the top are thawed, of each encoder."""

    def restore(self, thawed: Sequence[int]) -> None:
        """Go back to where that many were."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same tensors from the first step to the last."""

    trained: frozenset[str]
    thawed: tuple[int, ...] = (0,)

    def names(self) -> frozenset[str]:
        """Always the same."""
        return self.trained

    def advance(self, moment: Moment) -> bool:  # noqa: ARG002
        """Nothing ever is due."""
        return False

    def restore(self, thawed: Sequence[int]) -> None:
        """Nothing changes."""


@dataclass(slots=True)
class Thawing:
    """The top first, then `count` parts below it."""

    section: params.Gradual
    parts: Parts
    count: int

    @property
    def thawed(self) -> tuple[int, ...]:
        """One number."""
        return (self.count,)

    def restore(self, thawed: Sequence[int]) -> None:
        """Take the number."""
        (self.count,) = thawed

    def names(self) -> frozenset[str]:
        """The tensors of the top and of the thawed parts."""
        lowest = self.parts.top - self.count
        return frozenset(name for name, depth in self.parts.depths.items() if depth >= lowest)

    def advance(self, moment: Moment) -> bool:
        """By epochs or steps the moment says how many are due; without a gain, one more each time."""
        before, every = self.count, self.section.every
        match self.section.unit:
            case "epoch":
                due = self.section.initially + moment.epoch // every
            case "step":
                due = self.section.initially + moment.step // every
            case "plateau":
                due = before + bool(moment.waited and moment.waited % every == 0)
        self.count = min(max(before, due), self.parts.layers + self.section.embeddings)
        return self.count > before


@dataclass(frozen=True, slots=True)
class Several:
    """A strategy for each encoder, and `shared`, the tensors of none: fusion and head, always trained."""

    strategies: tuple[Strategy, ...]
    shared: frozenset[str]

    def names(self) -> frozenset[str]:
        """Those of all strategies together."""
        return self.shared.union(*(one.names() for one in self.strategies))

    def advance(self, moment: Moment) -> bool:
        """Each at its own pace."""
        return sum(one.advance(moment) for one in self.strategies) > 0

    @property
    def thawed(self) -> tuple[int, ...]:
        """A number for each encoder."""
        return tuple(count for one in self.strategies for count in one.thawed)

    def restore(self, thawed: Sequence[int]) -> None:
        """To each its number."""
        for one, count in zip(self.strategies, thawed, strict=True):
            one.restore((count,))


def strategy_of(section: params.Train, network: Network) -> Strategy:
    """The strategy that params.yaml names, for this network, before its first step.

    Raises ModelError where it names layers or tensors that the network has not.
    """
    tensors = dict(network.named_parameters())
    encoders = list(zip(section.of_encoders, network.encoders.items(), strict=True))
    if len(encoders) == 1:
        [(one, (prefix, encoder))] = encoders
        strategy = _of_encoder(one.strategy, prefix, encoder, tensors, "train.strategy")
        if not strategy.names():
            raise ModelError("params.yaml: train.strategy.names", "nothing is left to train", "freeze less")
        return strategy
    strategies, shared = [], set(tensors)
    for number, (one, (prefix, encoder)) in enumerate(encoders):
        own = {name: tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")}
        key = f"train.strategy.encoders.{number}.strategy"
        strategies.append(_of_encoder(one.strategy, prefix, encoder, own, key))
        shared.difference_update(own)
    return Several(tuple(strategies), frozenset(shared))


def _of_encoder(
    section: params.Single, prefix: str, encoder: PreTrainedModel, tensors: Mapping[str, Tensor], key: str
) -> Strategy:
    """A strategy over these tensors: those of an encoder, and perhaps of what stands on it.

    `key` is where params.yaml has the section.
    """
    match section:
        case params.Full():
            return Fixed(frozenset(tensors))
        case params.Lora():  # add_adapters has frozen all else
            return Fixed(frozenset(name for name, tensor in tensors.items() if tensor.requires_grad))
        case params.Partial() as partial:
            return Fixed(_all_but_frozen(partial, parts_of(prefix, encoder, tensors), key))
        case params.Gradual() as gradual:
            parts = parts_of(prefix, encoder, tensors)
            if gradual.initially > parts.layers:
                raise _too_many("gradual", f"{key}.initially", gradual.initially, parts)
            return Thawing(gradual, parts, gradual.initially)


def _all_but_frozen(section: params.Partial, parts: Parts, key: str) -> frozenset[str]:
    if section.layers > parts.layers:
        raise _too_many("partial", f"{key}.layers", section.layers, parts)
    for pattern in section.names:
        if not any(fnmatchcase(name, pattern) for name in parts.depths):
            raise nothing_fits("tensor", f"{key}.names", pattern, parts.depths)
    return frozenset(
        name for name, depth in parts.depths.items()
        if not (section.embeddings and depth == 0) and not 0 < depth <= section.layers
        and not any(fnmatchcase(name, pattern) for pattern in section.names)
    )  # fmt: skip


def _too_many(kind: str, key: str, found: int, parts: Parts) -> ModelError:
    problem = f"is {found}; the model has {parts.layers} layers"
    return ModelError(f"params.yaml: {key}", problem, f"lower it ({kind})")


def nothing_fits(what: str, key: str, pattern: str, names: Iterable[str]) -> ModelError:
    """A pattern that fits none of the names of such things is most likely a misspelling."""
    example = next(iter(names))
    return ModelError(f"params.yaml: {key}", f"no {what} fits {pattern!r}", f"names are like {example}")
