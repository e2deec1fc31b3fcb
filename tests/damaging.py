"""Ways in which a state of a training gets damaged on disk, each from dice."""

import json
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from clintune.files import sha256

FILES = ("manifest.json", "state.json", "state.safetensors")


@dataclass(frozen=True)
class Spares:
    """Where the file that does not belong comes from."""

    sibling: Path
    strangers: list[Path]


Damage = Callable[[Path, Spares, random.Random], None]


def flip(state: Path, spares: Spares, dice: random.Random) -> None:
    path = state / dice.choice(FILES)
    content = bytearray(path.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


def truncate(state: Path, spares: Spares, dice: random.Random) -> None:
    path = state / dice.choice(FILES)
    size = path.stat().st_size
    # Often only the end is gone, and with the last byte of a manifest no word of it.
    left = dice.choice([0, size - 1, size - dice.randint(1, 9), dice.randrange(size)])
    path.write_bytes(path.read_bytes()[:left])


def blank_the_end(state: Path, spares: Spares, dice: random.Random) -> None:
    """As after a power cut: the length is there and the content is not."""
    path = state / dice.choice(FILES)
    content = path.read_bytes()
    kept = dice.randrange(len(content) - 1)
    path.write_bytes(content[:kept] + bytes(len(content) - kept))


def remove(state: Path, spares: Spares, dice: random.Random) -> None:
    for name in dice.sample(FILES, dice.choice([1, 1, 1, 2, 3])):
        (state / name).unlink()


def take_from_sibling(state: Path, spares: Spares, dice: random.Random) -> None:
    """One or two files of the other state of the run."""
    for name in dice.sample(FILES, dice.choice([1, 1, 2])):
        shutil.copy(spares.sibling / name, state / name)


def take_from_stranger(state: Path, spares: Spares, dice: random.Random) -> None:
    """Files, or all, of the state of another run."""
    stranger = dice.choice(spares.strangers)
    for name in dice.sample(FILES, dice.randint(1, 3)):
        shutil.copy(stranger / name, state / name)


def swap_two(state: Path, spares: Spares, dice: random.Random) -> None:
    one, other = (state / name for name in dice.sample(FILES, 2))
    one.rename(state / "aside")
    other.rename(one)
    (state / "aside").rename(other)


def edit_manifest(state: Path, spares: Spares, dice: random.Random) -> None:
    path = state / "manifest.json"
    manifest = json.loads(path.read_text())
    sums, name = manifest["sha256"], dice.choice(FILES[1:])
    texts: list[Callable[[], object]] = [
        lambda: sums.pop(name),
        lambda: sums.update({name: sha256(spares.sibling / name)}),
        lambda: sums.update({name: sums[name].upper()}),
        lambda: sums.update({name: None}),
        lambda: sums.update({"more": sums[name]}),
        lambda: sums.update(zip(sums, reversed(sums.values()), strict=True)),
        sums.clear,
        lambda: manifest.pop(dice.choice(list(manifest))),
        lambda: manifest.update({"more": 1}),
        lambda: manifest.update({"sha256": dice.choice([[], None, "", 0, FILES])}),
        lambda: manifest["made_from"].update({"inputs": "others"}),
        manifest["made_from"].popitem,
        lambda: manifest.update({"made_from": dice.choice([{}, [], None, "inputs"])}),
    ]
    dice.choice(texts)()
    content = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    others = ["", "\n", "null", "[]", "{}", "0", '"manifest"', "{", "[" * 100_000, "[" * 9 + "]" * 9, "NaN"]
    path.write_text(dice.choice(others) if dice.random() < 0.2 else content)


DAMAGES: Mapping[str, Damage] = {
    "flipped bit": flip,
    "truncated": truncate,
    "end blank": blank_the_end,
    "missing file": remove,
    "file of the other state": take_from_sibling,
    "files of another run": take_from_stranger,
    "two files swapped": swap_two,
    "manifest edited": edit_manifest,
}
