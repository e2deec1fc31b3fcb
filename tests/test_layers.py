"""The architecture, held: imports point down, heavy libraries stay behind doors, code stays small."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from clintune.imports import Source

ROOT = Path(__file__).parents[1]
SOURCE = Source(ROOT)

# From the bottom. A module may import what stands below its layer, and its neighbours in it; a stage's own
# package (the layer STAGES) no other stage's. A new module needs a place here.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"clintune", "errors", "imports", "locks", "startup", "markdown"}),
    frozenset({"examples", "params", "params_training", "params_base", "params_faults", "params_models",
               "params_records", "yaml_lines"}),
    frozenset({"files", "tables", "lockfile", "numerics", "process", "provenance", "sealing", "tracking",
               "stage", "working_tree"}),
    frozenset(
        {"tasks", "sources", "windows", "encoders", "checkpoints", "batching", "devices", "networks",
         "inference", "molecules", "serving", "fusion"}
    ),
    frozenset({"graph", "recipes", "evidence"}),
    frozenset({"training"}),  # of two stages: pretrain and train
    frozenset({"ingesting", "preprocessing", "pretraining", "tokenization", "evaluation", "exporting"}),
    frozenset({"pipeline", "cli"}),
)  # fmt: skip
STAGES = LAYERS[-2]

DOORS = {
    "mlflow": ("clintune.tracking",),
    "torch": (
        "clintune.training", "clintune.pretraining", "clintune.evaluation", "clintune.exporting",
        "clintune.inference", "clintune.fusion",
        "clintune.checkpoints", "clintune.encoders", "clintune.devices", "clintune.networks",
        "clintune.tasks.heads", "clintune.tasks.items", "clintune.tasks.entities.head",
        "clintune.tasks.texts.pooling",
    ),
    "transformers": ("clintune.networks", "clintune.pretraining.guessing", "clintune.training"),
    "peft": ("clintune.training.adapters",),
    "rdkit": ("clintune.molecules",),
    "sklearn": ("clintune.evaluation.texts.baselines",),
    "dvc": ("clintune.lockfile", "clintune.evidence.objects", "clintune.cli.why", "clintune.cli.mend"),
    "ruamel": (
        "clintune.params_faults", "clintune.yaml_lines",  # params.yaml
        "clintune.lockfile", "clintune.graph",            # dvc.lock, dvc.yaml
        "clintune.cli.mend",                              # dvc.lock, to write it
        "clintune.evidence.verification.amiss",           # dvc.yaml, for the names of stages
        "clintune.tracking.reported",                     # MLmodel, the description of a model
        "clintune.tracking.artifacts",                    # the same, as it lies in the store
        "clintune.cli.use",                               # a recipe, to find a line in it
        "clintune.sources.synthetic.vocabulary",
    ),
}  # fmt: skip
"""Library -> the only modules (with all below them) that may import it."""

DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
ACTS = {"open", "getLogger", "cwd", "home", "getenv", "environ", "mkdir", "read_text", "read_bytes", "load",
        "run", "is_available", "import_module", "seed", "manual_seed"}  # fmt: skip
ACT_AT_IMPORT = {
    "pipeline",                         # puts the src/ beside it first
    "clintune.tracking.served_model",   # MLflow runs it as a script: "models from code"
}  # fmt: skip

every_module = pytest.mark.parametrize("module", SOURCE.modules)


def part(module: str) -> str:
    """The name that LAYERS has for a module: pipeline, or the first name below clintune."""
    first, *below = module.split(".")
    return below[0] if below and first == "clintune" else first


def layer(module: str) -> int:
    (found,) = [place for place, names in enumerate(LAYERS) if part(module) in names] or [None]
    assert found is not None, f"{module} has no place in LAYERS"
    return found


def imports(module: str) -> set[str]:
    """The project's modules that it imports, anywhere in its text."""
    return {name for name in SOURCE.imports(module) if name in SOURCE.modules and name != "clintune"}


@every_module
def test_imports_point_down_only(module: str) -> None:
    above = {name for name in imports(module) if layer(name) > layer(module)}
    assert above == set()


@every_module
def test_no_stage_imports_another(module: str) -> None:
    others = {name for name in imports(module) if part(name) in STAGES and part(name) != part(module)}
    assert others == set() or part(module) in LAYERS[-1]


@every_module
def test_nobody_imports_a_stage_script(module: str) -> None:
    assert {name for name in imports(module) if name.startswith("pipeline.")} == set()


def test_no_two_modules_import_each_other() -> None:
    """Packages aside: a package's __init__ may gather what its modules define."""
    graph = {
        module: {name for name in imports(module) if not module.startswith(f"{name}.")}
        for module in SOURCE.modules
    }
    assert list(TopologicalSorter(graph).static_order())


def outside_imports(module: str) -> set[str]:
    """First names of all libraries imported, function-level imports included."""
    nodes = list(ast.walk(SOURCE.tree(module)))
    plain = {
        alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    return plain | {
        (node.module or "").split(".")[0]
        for node in nodes
        if isinstance(node, ast.ImportFrom) and not node.level
    }


@pytest.mark.parametrize("library", DOORS)
def test_a_heavy_library_comes_in_by_its_doors_only(library: str) -> None:
    users = {module for module in SOURCE.modules if library in outside_imports(module)}
    by_a_door = {user for user in users for door in DOORS[library] if f"{user}.".startswith(f"{door}.")}
    assert users - by_a_door == set()


@pytest.mark.parametrize(
    "module",
    [
        "pipeline.ingest",
        "pipeline.preprocess",
        "pipeline.tokenize",
        "clintune.cli",
        "clintune.cli.check",
        "clintune.evidence.packing.judging",
    ],
)
def test_what_starts_often_starts_without_torch_mlflow_and_dvc(module: str) -> None:
    heavy = "{'torch', 'mlflow', 'dvc', 'transformers', 'peft', 'sklearn', 'rdkit'}"
    text = f"import pipeline, {module}, sys; print({heavy} & set(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert found.stdout == "set()\n"


@every_module
def test_nothing_happens_at_import(module: str) -> None:
    """Definitions only."""
    if module in ACT_AT_IMPORT:
        return
    doing = [
        f"line {node.lineno}"
        for node in SOURCE.tree(module).body
        if not isinstance(node, DEFINITIONS) and not is_passive(node)
    ]
    assert doing == []
    assert {name for node in assignments(module) for name in called(node)} & ACTS == set()


def is_passive(node: ast.stmt) -> bool:
    """A docstring, a guard against running on import, or imports for the type checker alone."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    test = ast.unparse(node.test) if isinstance(node, ast.If) else ""
    return test == "__name__ == '__main__'" or test.endswith("TYPE_CHECKING")


def assignments(module: str) -> Iterator[ast.stmt]:
    yield from (node for node in SOURCE.tree(module).body if isinstance(node, (ast.Assign, ast.AnnAssign)))


def called(node: ast.AST) -> Iterator[str]:
    """Last names of everything that is called or looked up, but for the bodies of lambdas."""
    for inside in ast.walk(node):
        if isinstance(inside, ast.Attribute):
            yield inside.attr
        elif isinstance(inside, ast.Call) and isinstance(inside.func, ast.Name):
            yield inside.func.id


@every_module
def test_no_module_is_a_drawer_for_everything(module: str) -> None:
    assert not {"utils", "util", "common", "helpers", "helper", "misc"} & set(module.split("."))


OWN_CODE = sorted(
    path for folder in ("src", "pipeline", "setup") for path in (ROOT / folder).rglob("*.py")
)  # fmt: skip


@pytest.mark.parametrize("file", OWN_CODE, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_has_300_lines_and_a_function_40_at_most(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    functions = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: length for name, length in lengths.items() if length > 40} == {}


@pytest.mark.parametrize("file", sorted((ROOT / "pipeline").glob("*.py")), ids=lambda file: file.name)
def test_a_stage_script_has_about_30_lines(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 35
