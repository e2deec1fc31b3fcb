"""The headline score of a recipe on the test split of its corpus, over several seeds, and what training took.

    python benchmarks/real_corpora.py ncbi-disease --corpus FOLDER --seeds 17 18 19

Runs real `dvc repro evaluate` in a clone of HEAD, once per seed, and prints one line of JSON per seed: strict
F1 of entities in points, of texts the headline of the report beside that of the baselines, the curve on
validation, seconds and memory of stage train, the hash of the weights. Then mean ± standard deviation (n - 1)
over the seeds. Nothing else should run on the machine meanwhile. `--set train.epochs=5` tries a setting;
compare settings by `validation`, never by `test`. `--twice` runs the first seed again in a second clone, with
export, and says whether every output has the same hash.
"""

from pathlib import Path

from commands import run
from tables import spread
from trials import Trial, clones, output_hashes, parser, trial


def main() -> None:
    """Run every seed; report as each one ends."""
    arguments = parser(__doc__)
    arguments.add_argument("--twice", action="store_true", help="the first seed again, in another folder")
    chosen = arguments.parse_args()

    def attempt(clone: Path, seed: int) -> Trial:
        return trial(clone, chosen.recipe, chosen.corpus, {"seed": seed, **dict(chosen.set)})

    first, *others = chosen.seeds
    with clones(chosen.scratch, "clone", *["again"] * chosen.twice) as (clone, *again):
        runs = [attempt(clone, first)]
        print(runs[0].as_json(), flush=True)
        for second in again:
            run(clone, "dvc", "repro")
            attempt(second, first)
            run(second, "dvc", "repro")
            print(compared(output_hashes(clone), output_hashes(second)), flush=True)
        for seed in others:
            runs.append(attempt(clone, seed))
            print(runs[-1].as_json(), flush=True)
    for line in averages(chosen.recipe, runs):
        print(line)


def compared(one: dict[str, str], two: dict[str, str]) -> str:
    """Which outputs of two runs differ, in a line."""
    differing = sorted(path for path in one.keys() | two.keys() if one.get(path) != two.get(path))
    if differing:
        return f"Two runs of one seed differ in {', '.join(differing)}"
    return f"Two runs of one seed in two folders: all {len(one)} outputs have the same hash"


def averages(recipe: str, runs: list[Trial]) -> list[str]:
    """Over the seeds: the score of the model, of each label, of each baseline."""
    score, seeds = runs[0].headline, f"({len(runs)} seed{'s' if len(runs) > 1 else ''})"
    model = {name: [one.test[name] for one in runs] for name in runs[0].test}
    rivals = {f"baseline {name}": [one.baselines[name] for one in runs] for name in runs[0].baselines}
    return [
        f"{recipe}, {score.title}, {name}: {spread(values, score.digits)} {seeds}"
        for name, values in (model | rivals).items()
    ]


if __name__ == "__main__":
    main()
