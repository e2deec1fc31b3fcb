"""What of the benchmarks is cheap to test: what they are told, what they measure, and what they print."""

import importlib
import subprocess
import sys
from argparse import ArgumentTypeError
from types import ModuleType
from typing import get_args

import pytest
from ruamel.yaml import YAML

from clintune import params
from clintune.recipes import recipe_file
from tests.project import ROOT


@pytest.fixture
def benchmark(monkeypatch):
    """A benchmark by its name, as if it had been started."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


def kinds() -> set[str]:
    """Every strategy that params.yaml knows."""
    union, _ = get_args(params.Strategy)
    return {get_args(one.model_fields["kind"].annotation)[0] for one in get_args(union)}


@pytest.mark.parametrize("name", sorted(file.stem for file in (ROOT / "benchmarks").glob("*.py")))
def test_each_finds_what_it_imports_of_the_project(benchmark, name):
    assert benchmark(name).__doc__


def test_every_strategy_that_params_know_is_in_the_table_and_valid(benchmark, tmp_path):
    strategies, trials = benchmark("strategies").STRATEGIES, benchmark("trials")
    of_kind = {name: one["train.strategy"]["kind"] for name, one in strategies.items()}
    assert kinds() <= set(of_kind.values())
    for name, kind in of_kind.items():
        if kind in kinds():
            path = tmp_path / "params.yaml"
            path.write_bytes(recipe_file("esol").read_bytes())
            trials.set_params(path, strategies[name])
            assert params.load_params(path).train.strategy.kind == kind


def test_a_setting_is_a_key_and_a_value_of_yaml(benchmark, tmp_path):
    trials = benchmark("trials")
    chosen = trials.parser("").parse_args(["esol", "--set", "train.epochs=1", "model.scratch={layers: 2}"])
    assert dict(chosen.set) == {"train.epochs": 1, "model.scratch": {"layers": 2}}
    with pytest.raises(ArgumentTypeError, match="'epochs' is not KEY=VALUE"):
        trials._setting("epochs")
    path = tmp_path / "params.yaml"
    path.write_text("train:\n  epochs: 9  # many\nseed: 1\n")
    trials.set_params(path, {"train.epochs": 1})
    assert YAML(typ="safe").load(path) == {"train": {"epochs": 1}, "seed": 1}


def test_the_table_has_mean_and_deviation_over_the_seeds(benchmark):
    trials, strategies, commands = (benchmark(name) for name in ("trials", "strategies", "commands"))
    f1 = trials.headline_of("entities")

    def one(score: float, seconds: float) -> object:
        return trials.Trial({}, f1, {"all": f1.shown(score)}, {}, [], 1234, commands.Cost(seconds, 900), "")

    found = {"full": [one(0.83, 60), one(0.85, 62)], "partial": [one(0.8, 9)]}
    assert strategies.table(found).splitlines() == [
        "| strategy | strict F1 (points) | trained parameters | train, s | peak memory, MiB |",
        "| --- | --: | --: | --: | --: |",
        "| full | 84.00 ± 1.41 | 1,234 | 61 ± 1 | 900 ± 0 |",
        "| partial | 80.00 | 1,234 | 9 | 900 |",
    ]


def test_shares_are_given_in_points_and_errors_in_their_units(benchmark):
    headline_of = benchmark("trials").headline_of
    assert (headline_of("classification").name, headline_of("classification").shown(0.4321)) == (
        "macro_f1",
        43.21,
    )
    assert (headline_of("regression").name, headline_of("regression").shown(0.9234)) == ("rmse", 0.923)


MEASURE = """
import sys
from pathlib import Path
from commands import measured
child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'bytearray(2**28)'])"
_, large = measured(Path(), sys.executable, "-c", child)
said, small = measured(Path(), sys.executable, "-c", "print('here')")
print(said.strip(), large.peak_mib > 256, large.peak_mib - small.peak_mib > 200)
"""


def test_the_peak_of_a_program_is_that_of_its_children_and_not_of_programs_before():
    """From a small process, as a benchmark is: a program starts with the peak of who starts it."""
    said = subprocess.check_output([sys.executable, "-c", MEASURE], text=True, cwd=ROOT / "benchmarks")
    assert said == "here True True\n"


def test_two_runs_are_compared_by_every_output(benchmark):
    compared = benchmark("real_corpora").compared
    assert compared({"a": "1", "b": "2"}, {"a": "1", "b": "2"}).endswith("all 2 outputs have the same hash")
    assert compared({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}).endswith("differ in b, c")
