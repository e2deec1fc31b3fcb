"""The sections `model` and `pretrain` of params.yaml: base models, and encoders of the project's own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from clintune.params_base import Count, Name, Section, Sha256, Share
from clintune.params_training import Train


class Scratch(Section):
    """Sizes of an encoder that starts from random weights."""

    layers: Count
    hidden: Count
    heads: Count
    intermediate: Count

    @model_validator(mode="after")
    def _heads_divide_hidden(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError("hidden must be a multiple of heads")
        return self


class Encoder(Section):
    """Where a pretrained encoder comes from. Each file is compared with its SHA-256 before use.

    `name` is `package/folder` for a Python package that carries the files, a path for a folder, and
    `organisation/name` for the Hugging Face Hub, which needs a 40-digit `revision`. `pretrained` names
    an encoder of the section pretrain: DVC answers for it, and there are no sums. With `scratch`, the
    tokenizer and the configuration come from there and the weights are random.
    """

    source: Literal["package", "folder", "hub", "pretrained"]
    name: Name
    revision: Annotated[str, Field(pattern="^[0-9a-f]{40}$")] | None
    tokenizer_sha256: Sha256 | None
    config_sha256: Sha256 | None
    weights_sha256: Sha256 | None
    scratch: Scratch | None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.source == "hub") != (self.revision is not None):
            raise ValueError("revision belongs to source hub: 40 hex digits there, null elsewhere")
        sums = (self.tokenizer_sha256, self.config_sha256, self.weights_sha256)
        if self.source == "pretrained":
            if any(sums) or self.scratch is not None:
                raise ValueError("source pretrained is this pipeline's own: sums and scratch must be null")
            return self
        if not all(sums[:2]):
            raise ValueError("tokenizer_sha256 and config_sha256 must be given: only pretrained has none")
        if (self.scratch is None) != (self.weights_sha256 is not None):
            raise ValueError("give either weights_sha256 or scratch, and null for the other")
        return self


class Model(Encoder):
    """The base model, and for the strategy hybrid its `companions`: encoders that read the same text.

    Their states are brought to the tokens of the base model by character offsets, and become one by `fusion`
    (see fusion.py).
    """

    companions: Annotated[tuple[Encoder, ...], Field(strict=False)]
    fusion: Literal["concatenation", "gate"] | None

    @model_validator(mode="after")
    def _fused(self) -> Self:
        if bool(self.companions) != (self.fusion is not None):
            raise ValueError("fusion belongs to companions: concatenation or gate with them, null without")
        return self

    @property
    def encoders(self) -> tuple[Encoder, ...]:
        """The base model, then its companions."""
        return (self, *self.companions)

    def located(self, pretrained: Path) -> Self:
        """With the folders of the encoders that the stage pretrain makes in place of their names."""
        return self.completed(lambda one: {"name": str(pretrained / one.name)})

    def completed(self, keys: Callable[[Encoder], Mapping[str, str]]) -> Self:
        """With these keys of each encoder that the stage pretrain makes; the same object without any."""
        own = {index: keys(one) for index, one in enumerate(self.encoders) if one.source == "pretrained"}
        if not own:
            return self
        companions = (one.model_copy(update=own.get(index)) for index, one in enumerate(self.companions, 1))
        return self.model_copy(update={"companions": tuple(companions), **own.get(0, {})})


class Vocabulary(Section):
    """About so many `pieces` of words, learnt from the texts of train: see pretraining/vocabulary.py.

    Chinese characters stand by themselves. Where case carries meaning, as in SMILES, `lowercase` is false.
    Each piece, single characters too, occurs in at least `min_groups` groups: the vocabulary travels with the
    model, and what one patient alone is called is none of it.
    """

    pieces: Annotated[int, Field(ge=100)]
    lowercase: bool
    min_groups: Count


class Pretraining(Section):
    """A BERT encoder of `sizes` from random weights, taught to guess masked tokens of the texts of train.

    A share `masked` of the tokens is asked for (Devlin et al. 2019, arXiv:1810.04805). `train` is read as the
    section of that name; its task is fixed, and what it can stop by is accuracy or loss.
    """

    vocabulary: Vocabulary
    sizes: Scratch
    max_tokens: Annotated[int, Field(ge=8)]
    masked: Annotated[Share, Field(gt=0)]
    train: Train

    @model_validator(mode="after")
    def _guesses(self) -> Self:
        if self.train.loss.kind != "cross_entropy" or self.train.loss.class_weights is not None:
            raise ValueError("guessing masked tokens needs the train.loss cross_entropy, class_weights null")
        if self.train.stopping.metric not in {"accuracy", "loss"}:
            raise ValueError("train.stopping.metric of a pretraining is accuracy or loss")
        if self.train.strategy.kind != "full":
            raise ValueError("random weights are trained in full: train.strategy.kind must be full")
        return self


PretrainedName = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]*$")]
"""A folder below data/pretrained."""

Pretrain = Mapping[PretrainedName, Pretraining]
