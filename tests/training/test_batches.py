"""Every window once an epoch, within the budget, in an order that the seed decides."""

import tempfile
from itertools import chain

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from clintune.batching import similar_lengths
from clintune.examples import Window
from clintune.tables import write_windows
from clintune.training.batches import mapped_windows, steps

LENGTHS = st.lists(st.integers(3, 300), min_size=1, max_size=200)


def flat(plan: list[list[list[int]]]) -> list[int]:
    return list(chain.from_iterable(chain.from_iterable(plan)))


@given(lengths=LENGTHS, accumulation=st.integers(1, 4), epoch=st.integers(0, 3))
def test_an_epoch_sees_every_window_once(lengths, accumulation, epoch):
    plan = steps(lengths, batch_tokens=256, accumulation=accumulation, seed=1, epoch=epoch)
    assert sorted(flat(plan)) == list(range(len(lengths)))
    assert all(len(step) <= accumulation for step in plan)


@given(lengths=LENGTHS, budget=st.integers(1, 1000))
def test_a_batch_stays_within_the_budget_of_padded_tokens(lengths, budget):
    for batch in similar_lengths(lengths, budget=budget):
        assert len(batch) == 1 or len(batch) * max(lengths[position] for position in batch) <= budget


def test_epochs_and_seeds_differ_in_order_and_a_seed_repeats_it():
    lengths = [10 + number % 50 for number in range(300)]
    orders = {
        tuple(flat(steps(lengths, batch_tokens=256, accumulation=1, seed=seed, epoch=epoch)))
        for seed in (1, 2) for epoch in (0, 1) for _ in range(2)
    }  # fmt: skip
    assert len(orders) == 4


def test_windows_are_read_by_position_from_a_file_that_nobody_finds(tmp_path, monkeypatch):
    """In a folder as deep and as foreign as a user may have it."""
    scratch = tmp_path / ("病历" * 30) / "b c" / ("x" * 90) / ("y" * 200)
    scratch.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    written = [
        Window(f"n{number}", tuple(range(number % 200 + 1)), (0,), (3,), (True,), (True,), (0,))
        for number in range(3000)
    ]
    write_windows(tmp_path / "train.parquet", written, pa.int32())
    mapped = mapped_windows(tmp_path / "train.parquet")
    assert list(scratch.iterdir()) == []
    assert mapped.lengths() == [number % 200 + 1 for number in range(3000)]
    assert mapped.take([2999, 0, 1500], epoch=0) == [written[2999], written[0], written[1500]]
