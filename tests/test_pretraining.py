"""Stage pretrain: own pieces, hidden tokens, and an encoder that any model can start from."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoModel

from clintune.devices import prepare
from clintune.errors import TrainingError
from clintune.examples import IGNORED, Example, Window
from clintune.files import read_json, sha256
from clintune.params import Params, Vocabulary
from clintune.pretraining.guessing import Guess, build, criterion
from clintune.pretraining.listing import write_none
from clintune.pretraining.masking import MaskedWindows, Masks
from clintune.pretraining.teaching import describe, pretrain
from clintune.pretraining.vocabulary import SPECIAL, learn
from clintune.tables import LABEL, write_examples
from clintune.tracking.run import Origin
from clintune.training.resuming import EVERY
from tests.checkpoints import sums

SOURCE = Path(__file__).parents[1] / "src"
DRUGS = ("aspirin", "metformin", "warfarin", "insulin")
TEXTS = [f"Visit {number}. The patient takes {DRUGS[number % 4]} daily." for number in range(60)]
SIZES = {"layers": 1, "hidden": 32, "heads": 2, "intermediate": 32}


@pytest.fixture(scope="module")
def params(tiny: Params) -> Params:
    stopping = {**tiny.train.stopping.model_dump(), "metric": "accuracy", "patience": 99}
    quick = {"epochs": 12, "batch_tokens": 256, "log_every": 5, "learning_rate": 0.02, "stopping": stopping,
             "validations_per_epoch": 1}  # fmt: skip
    section = {"vocabulary": {"pieces": 120, "lowercase": True, "min_groups": 2}, "sizes": SIZES,
               "max_tokens": 24, "masked": 0.2, "train": tiny.train.model_dump() | quick}  # fmt: skip
    return Params.model_validate({**tiny.model_dump(), "pretrain": {"notes": section}})


@pytest.fixture(scope="module")
def examples(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    for split, texts in (("train", TEXTS), ("validation", TEXTS[:9])):
        made = (Example(str(number), str(number), text, "any") for number, text in enumerate(texts))
        write_examples(folder / f"{split}.parquet", made, LABEL)
    return folder


def run(params: Params, examples: Path, folder: Path, report=lambda values, step: None, origin=None):
    compute = {name: prepare(params.numerics) for name in params.pretrain}
    return pretrain(params, compute, examples=examples, pretrained=folder, report=report, origin=origin)


@pytest.fixture(scope="module")
def made(params, examples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "pretrained"
    return folder, run(params, examples, folder)


def test_it_learns_to_guess(made):
    folder, found = made
    rows = (folder / "notes/validation.csv").read_text().splitlines()
    columns = rows[0].split(",")
    losses = [float(row.split(",")[columns.index("loss")]) for row in rows[1:]]
    assert min(losses) < losses[0] - 1
    assert found["notes"].score > 0.5
    assert found["notes"].verdict.word in describe(found)


def test_any_model_can_start_from_it(made):
    folder = made[0] / "notes"
    encoder, said = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert not any(said[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    stored = load_file(folder / "model.safetensors")
    assert all(torch.equal(stored[name], tensor) for name, tensor in encoder.state_dict().items())
    assert encoder.config.max_position_embeddings == 24


def test_the_list_of_encoders_has_the_sums_of_their_files(made):
    listed = read_json(made[0] / "encoders.json")
    assert listed == {"notes": {file: sha256(made[0] / "notes" / file) for file in listed["notes"]}}
    assert set(listed["notes"]) == {"tokenizer.json", "config.json", "model.safetensors"}


def test_the_same_inputs_give_the_same_bytes_and_a_resumed_run_too(
    params, examples, made, tmp_path, monkeypatch
):
    expected = sums(made[0] / "notes")
    monkeypatch.setenv(EVERY, "0")
    origin = Origin({"made": "from this"}, tmp_path / "unfinished" / "key")

    def stop(values, step):
        if step >= 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(params, examples, tmp_path / "pretrained", stop, origin)
    assert not (tmp_path / "pretrained").exists()
    assert [one.name for one in (tmp_path / "unfinished").glob("key-notes/step-*")]
    run(params, examples, tmp_path / "pretrained", origin=origin)
    assert sums(tmp_path / "pretrained/notes") == expected
    assert list((tmp_path / "unfinished").glob("key-notes/step-*"))
    origin.discard()  # as a stage does when its run is sealed
    assert not (tmp_path / "unfinished/key-notes").exists()


def test_without_a_section_there_is_an_empty_list(tiny, examples, tmp_path):
    assert run(tiny, examples, tmp_path / "pretrained") == {}
    assert [path.name for path in (tmp_path / "pretrained").iterdir()] == ["encoders.json"]
    write_none(tmp_path / "none")
    assert sums(tmp_path / "none") == sums(tmp_path / "pretrained")


CODE = """
from clintune.params import Vocabulary
from clintune.pretraining.vocabulary import learn
words = ["".join(chr(97 + (n * k) % 26) for k in range(1, 6)) for n in range(3000)]
print(learn([("all", " ".join(words))], Vocabulary(pieces=800, lowercase=True, min_groups=1)).to_str())
"""


def test_every_process_learns_the_same_pieces():
    """In that of tokenizers' own word pieces it does not: see DECISIONS.md."""
    said = {subprocess.check_output([sys.executable, "-c", CODE], text=True, cwd=SOURCE) for _ in range(4)}
    assert len(said) == 1


def test_every_character_of_the_texts_is_a_piece_and_padding_is_token_0():
    texts = ["Ünïcode 2型糖尿病 C[C@H](N)=O", "c1ccccc1"]
    for lowercase in (True, False):
        section = Vocabulary(pieces=400, lowercase=lowercase, min_groups=1)
        tokenizer = learn(enumerate(texts), section)
        assert [tokenizer.id_to_token(number) for number in range(len(SPECIAL))] == list(SPECIAL)
        for text in texts:
            encoding = tokenizer.encode(text)
            assert "[UNK]" not in encoding.tokens
            assert (encoding.tokens[0], encoding.tokens[-1]) == ("[CLS]", "[SEP]")
        upper, lower = (tokenizer.encode(one).ids for one in ("C", "c"))
        assert (upper == lower) == lowercase


def pieces_of(texts, **changes) -> set[str]:
    section = Vocabulary(**{"pieces": 400, "lowercase": True, "min_groups": 3, **changes})
    return set(learn(texts, section).get_vocab())


FEVER = [("p2", "fever"), ("p3", "fever"), ("p4", "fever")]


@pytest.mark.parametrize("words", [["Okonjo"] * 12, [f"Okonjo{one}" for one in "abcdefghijkl"], ["Ŋkőṋ"] * 9])
def test_what_one_patient_alone_is_called_is_no_piece_however_and_wherever_it_is_written(words):
    """In notes that lie apart, in several forms, in letters that nobody else has."""
    notes = [pair for word in words for pair in (("p1", f"{word} has fever"), *FEVER)]
    pieces = pieces_of(notes)
    assert "fever" in pieces
    assert {piece for piece in pieces if len(piece) > 1 and piece in "okonjo"} == set()
    assert not pieces & set("ŋőṋ")


def test_a_piece_of_enough_groups_stays_and_what_is_in_none_is_unknown():
    section = Vocabulary(pieces=400, lowercase=True, min_groups=3)
    tokenizer = learn([*FEVER, ("p1", "xylophone")], section)
    assert tokenizer.encode("fever xylophone").tokens[:2] == ["[CLS]", "fever"]
    assert "[UNK]" in tokenizer.encode("xylophone").tokens


def test_a_training_of_a_pretraining_is_blamed_by_its_own_key(params, examples, tmp_path):
    section = params.pretrain["notes"]
    wild = section.train.model_copy(update={"learning_rate": 1e30, "clip_norm": 1e30, "warmup": 0.0})
    params = params.model_copy(update={"pretrain": {"notes": section.model_copy(update={"train": wild})}})
    with pytest.raises(TrainingError) as caught:
        run(params, examples, tmp_path / "pretrained")
    assert str(caught.value).startswith("pretrain.notes, train, step ")
    assert "lower pretrain.notes.train.learning_rate" in str(caught.value)
    rows = re.search(r"at rows ([\d, ]+)", str(caught.value))[1]
    assert max(map(int, rows.split(", "))) < len(TEXTS)
    assert not (tmp_path / "pretrained").exists()


def window(length: int) -> Window:
    inner = tuple(range(10, 10 + length))
    flags, zeros = (False, *[True] * length, False), (0,) * (length + 2)
    return Window("x", (2, *inner, 3), zeros, zeros, flags, flags, (IGNORED,) * (length + 2))


def test_the_share_of_the_tokens_is_asked_for_and_eight_in_ten_of_them_are_hidden():
    hidden = Masks(0.15, 1000, (1,)).hide(window(200_000), epoch=0, position=0)
    before, after = np.array(window(200_000).input_ids), np.array(hidden.input_ids)
    wanted = np.array(hidden.labels)
    asked = wanted != IGNORED
    assert asked.mean() == pytest.approx(0.15, abs=0.005)
    assert (wanted[asked] == before[asked]).all()
    assert (after[~asked] == before[~asked]).all()
    shown = after[asked]
    assert (shown == SPECIAL.index("[MASK]")).mean() == pytest.approx(0.8, abs=0.01)
    assert (shown == before[asked]).mean() == pytest.approx(0.1, abs=0.01)
    others = shown[(shown != SPECIAL.index("[MASK]")) & (shown != before[asked])]
    assert len(SPECIAL) <= others.min() < others.max() < 1000
    assert not asked[[0, -1]].any()


class Same:
    """One window, wherever it is asked for."""

    def take(self, positions, epoch):
        return [window(100) for _ in positions]


def test_each_epoch_has_other_masks_and_one_position_in_an_epoch_always_the_same():
    masked = MaskedWindows(Same(), Masks(0.3, 1000, (1,)))
    taken = [*masked.take([0, 1], 0), *masked.take([0, 1], 1)]
    assert len({one.labels for one in taken}) == 4
    assert [*masked.take([1], 1), *masked.take([0], 0)] == [taken[3], taken[0]]


def test_the_loss_is_that_of_the_tokens_asked_for_with_the_embeddings_as_the_last_layer(params):
    section = params.pretrain["notes"]
    network = build(section, pieces=50, seed=3).eval()
    assert network.head.pieces.weight is network.encoder.get_input_embeddings().weight
    ids, mask = torch.tensor([[2, 9, 7, 3]]), torch.ones(1, 4, dtype=torch.int64)
    measured = criterion(network, section.train.loss)
    items = measured.items(torch.tensor([[IGNORED, 8, IGNORED, IGNORED]]))
    states = network(ids, mask)
    by_hand = states[0, 1] @ network.encoder.get_input_embeddings().weight.T + network.head.pieces.bias
    wanted = -by_hand.log_softmax(-1)[8]
    torch.testing.assert_close(measured.total(states, items), wanted)
    assert measured.weight(items) == 1
    assert isinstance(network.head, Guess)


def test_a_long_text_is_read_whole(params, tmp_path, made):
    tokenizer = Tokenizer.from_file(str(made[0] / "notes/tokenizer.json"))
    assert tokenizer.truncation is None
    assert len(tokenizer.encode("aspirin " * 500).ids) > 500
