"""Runs that must come to the same: cut into batches or not, padded or not, in one window or in many."""

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from clintune.batching import Batch, pad, predict
from clintune.checkpoints import Outputs, Scale
from clintune.devices import Compute, prepare
from clintune.examples import IGNORED, Example, Span, Window
from clintune.files import sha256, write_json
from clintune.networks import Network, build, forward_of
from clintune.params import AbsoluteError, Dropout, Params, Sgd, Train
from clintune.tables import SPANS, read_windows, write_examples
from clintune.tasks.codecs import CODECS
from clintune.tasks.items import Totals
from clintune.tokenization import tokenize
from clintune.training.attention import use_products
from clintune.training.batches import steps
from clintune.training.fine_tuning import train
from clintune.training.learner import Learned, Learner
from clintune.training.losses import criterion_of

CPU = torch.device("cpu")
NONE = Dropout(hidden=0.0, attention=0.0)
OUTPUTS = {
    "entities": Outputs("entities", ("O", "B-Drug", "I-Drug"), 32, 8),
    "regression": Outputs("regression", ("dose", "effect"), 32, 8, (Scale(0.0, 1.0), Scale(0.0, 1.0))),
}
LENGTHS = (6, 9, 9, 12, 17, 20, 24, 30)
every_task = pytest.mark.parametrize("task", OUTPUTS)


def window(task: str, length: int, seed: int) -> Window:
    """A window of random tokens; of entities some are not owned, of texts it is a part."""
    random = np.random.default_rng([length, seed])
    zeros, no = (0,) * length, (False,) * length
    ids = tuple(random.integers(1000, 2000, length).tolist())
    tags = np.where(random.random(length) < 0.3, IGNORED, random.integers(0, 3, length)).tolist()
    values = (float(random.random()), *random.normal(size=2).tolist())
    return Window("a", ids, zeros, zeros, no, no, tuple(tags if task == "entities" else values))


def learner_of(network: Network, task: str, section: Train, *, count: int, bf16: bool = False) -> Learner:
    """The learner of a run of `count` steps, without clipping: it would hide a gradient of the wrong size."""
    loss = section.loss if task == "entities" else AbsoluteError(kind="mae")
    criterion = criterion_of(loss, OUTPUTS[task], Totals(9.0, (6.0, 1.0, 2.0)))
    section = section.model_copy(update={"clip_norm": 1e9, "learning_rate": 0.01, "loss": loss})
    return Learner.prepare(network, criterion, section, steps=count, compute=Compute(CPU, bf16=bf16))


def fresh(tiny: Params, task: str) -> Network:
    return build(tiny.model, OUTPUTS[task], seed=3, dropout=NONE)


def attentive(tiny: Params, task: str) -> Network:
    """A network in which attention matters: with small random weights it hardly adds to the states."""
    network = fresh(tiny, task)
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if ".attention." in name and tensor.ndim > 1:
                tensor.mul_(10)
    return network


def apart(one: Sequence[torch.Tensor], two: Sequence[torch.Tensor]) -> float:
    """The length of the difference by the length of the first."""
    first, second = (torch.cat([tensor.detach().flatten() for tensor in side]) for side in (one, two))
    return float((first - second).norm() / first.norm())


@every_task
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_accumulating_four_batches_of_two_is_one_batch_of_eight_over_several_steps(tiny, task, optimizer):
    sgd = Sgd(kind="sgd", momentum=0.9, nesterov=False)
    section = tiny.train.model_copy(update={} if optimizer == "adamw" else {"optimizer": sgd})
    eights = [[window(task, length, seed) for length in LENGTHS] for seed in range(5)]

    def run(size: int) -> tuple[list[Learned], list[torch.Tensor]]:
        network = fresh(tiny, task)
        learner = learner_of(network, task, section, count=len(eights))
        cut = [[pad(eight[first : first + size]) for first in range(0, 8, size)] for eight in eights]
        return [learner.learn(batches) for batches in cut], list(network.parameters())

    (whole, one), (parts, two) = run(8), run(2)
    start = list(fresh(tiny, task).parameters())
    moved = apart(start, one)
    assert apart(one, two) < 1e-4 * moved
    for a, b in zip(whole, parts, strict=True):
        assert b.loss == pytest.approx(a.loss, rel=1e-4)
        assert b.gradient_norm == pytest.approx(a.gradient_norm, rel=1e-3)
        assert (b.weight, b.tokens) == pytest.approx((a.weight, a.tokens))


@every_task
@pytest.mark.parametrize("products", [True, False], ids=["products", "torchs own"])
@pytest.mark.parametrize("bf16", [False, True], ids=["fp32", "bf16"])
def test_a_padded_batch_is_its_windows_one_by_one(tiny, task, products, bf16):
    """A gradient in bf16 lies 1 to 2 % from that in fp32, and so do two in bf16 from each other."""
    loss_near, gradient_near = (5e-3, 0.05) if bf16 else (1e-6, 1e-5)
    windows = [window(task, length, 1) for length in LENGTHS]

    def run(batches: list[Batch]) -> tuple[Learned, list[torch.Tensor]]:
        network = attentive(tiny, task)
        if products:
            use_products(network.encoder)
        learner = learner_of(network, task, tiny.train, count=1, bf16=bf16)
        learned = learner.learn(batches)
        assert {one.dtype for one in learner.weights.tensors.values()} == {torch.float32}
        return learned, [one.grad for one in learner.weights.trained()]

    (together, one), (singly, two) = run([pad(windows)]), run([pad([each]) for each in windows])
    assert singly.loss == pytest.approx(together.loss, rel=loss_near)
    assert (singly.weight, singly.tokens) == pytest.approx((together.weight, together.tokens))
    assert apart(two, one) < gradient_near


class Nowhere(torch.nn.Module):
    """In place of an embedding of positions: the same for all."""

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        return torch.zeros(())


def without_context(tiny: Params) -> Network:
    """What it says of a token depends on that token alone: no attention, and no positions."""
    network = fresh(tiny, "entities")
    network.encoder.encoder.layer = torch.nn.ModuleList()
    network.encoder.embeddings.position_embeddings = Nowhere()
    return network


def example(words: Sequence[str], name: str = "a") -> Example[tuple[Span, ...]]:
    """A text in which every third word is a drug."""
    spans, place = [], 0
    for number, word in enumerate(words):
        if number % 3 == 1:
            spans.append(Span(place, place + len(word), "Drug"))
        place += len(word) + 1
    return Example(name, name, " ".join(words), tuple(spans))


def cut(cutter_of: Callable, one: Example, *, size: int, overlap: int) -> list[Window]:
    return CODECS["entities"].windows(one, cutter_of(size, overlap), OUTPUTS["entities"])[0]


WORDS = st.lists(
    st.sampled_from(["aspirin", "pain", "hepatosplenomegaly", "100", "mg", "βcell"]), min_size=1, max_size=60
)


@given(words=WORDS, size=st.integers(8, 24), share=st.floats(0, 0.5))
@settings(max_examples=40)
def test_without_context_many_windows_say_and_cost_what_one_does(cutter_of, tiny, words, size, share):
    network = without_context(tiny).eval()
    outputs, forward = OUTPUTS["entities"], forward_of(network, CPU)
    criterion = criterion_of(tiny.train.loss, outputs, Totals(9.0, (6.0, 1.0, 2.0)))
    note = example(words)

    def judged(windows: list[Window]) -> tuple[float, float, tuple[Span, ...], tuple[float, ...]]:
        batch = pad(windows)
        items = criterion.items(torch.from_numpy(batch.labels))
        loss = float(criterion.total(torch.from_numpy(forward(batch)), items))
        (said,) = predict(windows, forward, outputs, batch_tokens=64)
        return loss, criterion.weight(items), said.target, said.scores

    whole = judged(cut(cutter_of, note, size=512, overlap=0))
    parts = judged(cut(cutter_of, note, size=size, overlap=int((size - 3) * share)))
    assert parts[0] == pytest.approx(whole[0], rel=1e-4)
    assert parts[1:3] == whole[1:3]
    assert parts[3] == pytest.approx(whole[3], rel=1e-4)


def test_without_context_training_on_many_windows_is_training_on_one(cutter_of, tiny):
    random = np.random.default_rng(5)
    vocabulary = ["aspirin", "pain", "hepatosplenomegaly", "100", "mg", "metformin", "daily"]
    notes = [example(random.choice(vocabulary, 40).tolist()) for _ in range(6)]

    def run(size: int, overlap: int) -> tuple[int, list[torch.Tensor]]:
        network = without_context(tiny)
        learner = learner_of(network, "entities", tiny.train, count=len(notes))
        many = [cut(cutter_of, note, size=size, overlap=overlap) for note in notes]
        for windows in many:
            learner.learn([pad(windows)])
        return sum(map(len, many)), [one.detach() for one in network.parameters()]

    (few, one), (many, two) = run(512, 0), run(16, 6)
    assert (few, many > 5 * few) == (6, True)
    assert apart(one, two) < 1e-4 * apart(list(without_context(tiny).parameters()), one)


def test_texts_that_fit_give_the_same_windows_and_the_same_training_whatever_the_size(tiny, tmp_path):
    """At the size of the longest text, and far above it: the same bytes but for the size itself."""
    notes = [
        example(["takes", f"drug{number}", "daily"] * (1 + number % 4), str(number)) for number in range(40)
    ]
    for split, some in (("train", notes[:30]), ("validation", notes[30:36]), ("test", notes[36:])):
        write_examples(tmp_path / "examples" / f"{split}.parquet", some, SPANS)
    write_json(tmp_path / "examples" / "summary.json", {"labels": ["Drug"]})

    def walk(max_tokens: int, overlap: int) -> tuple[Path, Path]:
        windows, checkpoint = (tmp_path / f"{name}-{max_tokens}" for name in ("windows", "checkpoint"))
        folders = {"examples": tmp_path / "examples", "windows": windows}
        size = tiny.tokenize.model_copy(update={"max_tokens": max_tokens, "overlap": overlap})
        tokenize(size, task="entities", model=tiny.model, **folders)
        section = tiny.train.model_copy(update={"epochs": 2, "batch_tokens": 128})
        params = tiny.model_copy(update={"tokenize": size, "train": section})
        train(params, prepare(params.numerics), **folders, checkpoint=checkpoint, report=lambda *_: None)
        return windows, checkpoint

    def sums(folder: Path) -> dict[str, str]:
        return {
            path.name: sha256(path)
            for path in folder.rglob("*")
            if path.is_file() and path.name != "outputs.json"
        }

    large = walk(512, 64)
    longest = max(len(one.input_ids) for one in read_windows(large[0] / "train.parquet"))
    exact = walk(longest, 8)
    assert longest < 60
    assert sums(large[0]) == sums(exact[0])
    assert sums(large[1]) == sums(exact[1])


def order_of(lengths: Sequence[int], seed: int) -> list[list[int]]:
    """The batches of an epoch, in the order in which training meets them."""
    return list(chain.from_iterable(steps(lengths, batch_tokens=256, accumulation=2, seed=seed, epoch=0)))


@every_task
def test_an_epoch_of_batches_has_the_mean_loss_of_its_windows_in_their_own_order(tiny, task):
    """At fixed weights, over the items of the epoch."""
    random = np.random.default_rng(8)
    windows = [window(task, int(length), seed) for seed, length in enumerate(random.integers(5, 120, 90))]
    network = fresh(tiny, task).eval()
    forward, criterion = forward_of(network, CPU), learner_of(network, task, tiny.train, count=1).criterion

    def mean(batches: list[list[int]]) -> float:
        losses, weights = [], []
        for positions in batches:
            batch = pad([windows[position] for position in positions])
            items = criterion.items(torch.from_numpy(batch.labels))
            losses.append(float(criterion.total(torch.from_numpy(forward(batch)), items)))
            weights.append(criterion.weight(items))
        return sum(losses) / sum(weights)

    plain = mean([[position] for position in range(len(windows))])
    for seed in range(3):
        batches = order_of([len(one.input_ids) for one in windows], seed)
        assert sorted(chain.from_iterable(batches)) == list(range(len(windows)))
        assert mean(batches) == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("count", [150, 3000], ids=["one pool", "several pools"])
def test_when_a_window_comes_does_not_hang_on_its_length(count):
    """Ranks correlate with lengths by chance alone, and the longest come as often in each quarter.

    Seeds are fixed. Means of n draws with deviation s lie within 4 s / √n: one in 16,000 would not.
    """
    lengths = np.random.default_rng(2).integers(5, 120, count)
    longest = np.argsort(lengths)[-3:]
    correlations, places = [], []
    for seed in range(200):
        order = list(chain.from_iterable(order_of(lengths.tolist(), seed)))
        place = np.empty(count)
        place[order] = (np.arange(count) + 0.5) / count
        correlations.append(np.corrcoef(place, lengths)[0, 1])
        places.append(place[longest[seed % 3]])
    batches = len(order_of(lengths.tolist(), 0))
    assert abs(np.mean(correlations)) < 4 / (batches * len(correlations)) ** 0.5
    quarters = np.histogram(places, bins=4, range=(0, 1))[0] / len(places)
    assert np.abs(quarters - 0.25).max() < 4 * (0.25 * 0.75 / len(places)) ** 0.5
