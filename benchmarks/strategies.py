"""Which strategy of training is worth what: score, trained parameters, time and memory, over several seeds.

    python benchmarks/strategies.py esol --corpus FOLDER --seeds 17 18 19

Runs real `dvc repro evaluate` in a clone of HEAD for each strategy and seed, prints a line of JSON for each
run on stderr, and at the end a table of Markdown: mean ± standard deviation (n - 1). Nothing else should run
on the machine meanwhile. What an own encoder costs in the stage pretrain is not in the table. `--set` changes
params of every strategy. The score is that of test: choose by the curves on validation, in the lines of JSON.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from tables import markdown, spread
from trials import ROOT, Trial, clones, parser, trial


def _frozen(layers: int) -> Mapping[str, Any]:
    return {"train.strategy": {"kind": "partial", "embeddings": True, "layers": layers, "names": []}}


def _thawing(unit: str) -> Mapping[str, Any]:
    return {
        "train.strategy": {"kind": "gradual", "initially": 1, "every": 1, "unit": unit, "embeddings": True}
    }


_FULL = {"train.strategy": {"kind": "full"}}
_LORA = {"kind": "lora", "rank": 8, "alpha": 16, "dropout": 0.0, "targets": ["*.query", "*.value"]}


def _hybrid() -> Mapping[str, Any]:
    """The own encoder of the recipe synthetic-hybrid; case is kept, for it means something in molecules."""
    recipe = YAML(typ="safe").load(ROOT / "src/clintune/recipes/synthetic-hybrid.yaml")
    own = recipe["pretrain"]["notes"]
    pretrain = {"notes": {**own, "vocabulary": {**own["vocabulary"], "lowercase": False}}}
    model = {f"model.{key}": recipe["model"][key] for key in ("companions", "fusion")}
    return {"pretrain": pretrain, **model, "train.strategy": recipe["train"]["strategy"]}


STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    "full": _FULL,
    "full, layer_decay 0.9": {**_FULL, "train.layer_decay": 0.9},
    "partial: embeddings frozen": _frozen(0),
    "partial: embeddings and 3 layers frozen": _frozen(3),
    "gradual: a layer each epoch": _thawing("epoch"),
    "gradual: a layer on each plateau": _thawing("plateau"),
    "lora: rank 8, rate 0.002": {"train.strategy": _LORA, "train.learning_rate": 0.002},
    "hybrid: with an own encoder, gated": _hybrid(),
}
"""Params, by their path, that differ from the recipe's; a rate of its own stands in the name.

Half of the 6 layers of the recipes' base model are 3.
"""


def main() -> None:
    """Run all; then the table."""
    arguments = parser(__doc__)
    arguments.add_argument("--only", nargs="+", choices=STRATEGIES, default=list(STRATEGIES), metavar="NAME")
    chosen = arguments.parse_args()
    found: dict[str, list[Trial]] = {}
    with clones(chosen.scratch, "clone") as (clone,):
        for name in chosen.only:
            for seed in chosen.seeds:
                changes = {"seed": seed, **STRATEGIES[name], **dict(chosen.set)}
                one = trial(clone, chosen.recipe, chosen.corpus, changes)
                found.setdefault(name, []).append(one)
                print(name, one.as_json(), file=sys.stderr, flush=True)
    print(table(found))


def table(found: Mapping[str, Sequence[Trial]]) -> str:
    """A row for each strategy."""
    score = next(iter(found.values()))[0].headline
    unit = "lower is better" if score.falling else "points"
    heads = ("strategy", f"{score.title} ({unit})", "trained parameters", "train, s", "peak memory, MiB")
    return markdown(heads, [
        (
            name,
            spread([one.test["all"] for one in runs], score.digits),
            f"{max(one.trained for one in runs):,}",
            spread([one.train.seconds for one in runs], 0),
            spread([one.train.peak_mib for one in runs], 0),
        )
        for name, runs in found.items()
    ])  # fmt: skip


if __name__ == "__main__":
    main()
