"""The set-up before everything else: what the locks hold, which torch is taken, what is done once."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-setup.lock")


def script(name: str) -> ModuleType:
    """A file of setup/, which is no package: it runs before there is one."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "setup" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def pins(lock: str) -> dict[str, list[str]]:
    """Requirement line -> its hashes."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    return {
        block.split("\\")[0].strip(): re.findall(r"--hash=sha256:[0-9a-f]{64}", block) for block in blocks
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_one_version_and_hashes(lock):
    found = pins(lock)
    assert len(found) > 3
    for line, hashes in found.items():
        [pin] = Requirement(line).specifier
        assert pin.operator == "==", line
        assert hashes, line


def test_the_locks_hold_what_pyproject_asks_for_and_neither_torch_nor_cuda():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {
        "requirements.lock": project["project"]["dependencies"],
        "requirements-setup.lock": project["dependency-groups"]["setup"],
    }
    for lock, requirements in wanted.items():
        locked = {Requirement(line).name: Requirement(line).specifier for line in pins(lock)}
        for requirement in map(Requirement, requirements):
            if requirement.name != "torch":
                [pin] = locked[canonicalize_name(requirement.name)]
                assert requirement.specifier.contains(pin.version), requirement
    everything = [Requirement(line).name for lock in LOCKS for line in pins(lock)]
    assert [name for name in everything if re.fullmatch(r"torch|triton|(nvidia|cuda)-.*", name)] == []


CUDA_BUILD = ["filelock", 'nvidia-cudnn-cu13==9; platform_system == "Linux"', 'triton==3; extra == "x"']


class TestTheBuildOfTorch:
    """Which file is taken."""

    @pytest.fixture
    def torch_build(self):
        return script("torch_build")

    def test_what_of_cuda_a_build_wants_here_is_seen(self, torch_build):
        assert torch_build.cuda_packages(CUDA_BUILD) == ["nvidia-cudnn-cu13"]
        assert torch_build.cuda_packages(["filelock", "sympy"]) == []

    @pytest.mark.parametrize(
        ("choice", "cuda", "gpu", "tool", "dependencies"),
        [
            ("auto", [], False, "pip", False),
            ("auto", ["nvidia-cudnn"], False, "uv", False),
            ("auto", ["nvidia-cudnn"], True, "pip", True),
            ("cpu", ["nvidia-cudnn"], True, "uv", False),
            ("pip", ["nvidia-cudnn"], False, "pip", True),
        ],
    )
    def test_cuda_comes_only_where_a_gpu_is_or_the_user_asks(
        self, torch_build, choice, cuda, gpu, tool, dependencies
    ):
        command = torch_build.plan(choice, cuda, gpu=gpu)
        assert ("--torch-backend" in command) == (tool == "uv")
        assert ("--no-deps" not in command) == dependencies

    def test_the_version_is_the_one_of_pyproject(self, torch_build):
        assert torch_build.pinned(ROOT / "pyproject.toml") == torch_build.installed()


class TestTheEnvironment:
    """What is done once, and what a set-up that was cut off leaves."""

    @pytest.fixture
    def environment(self, tmp_path):
        module = script("environment")
        return module, module.Environment(tmp_path / ".venv"), module.Step("packages", "key", lambda: None)

    def test_a_set_up_that_was_cut_off_begins_anew(self, environment, capsys):
        module, venv, first = environment
        module.prepare(venv, first)
        assert venv.done() == {"packages": module.UNFINISHED}
        (venv.folder / "half-installed").touch()
        module.prepare(venv, first)
        assert not (venv.folder / "half-installed").exists()
        assert "cut off" in capsys.readouterr().out

    def test_a_finished_set_up_stands_until_the_locks_change(self, environment):
        module, venv, first = environment
        module.prepare(venv, first)
        venv.remember("packages", "key")
        (venv.folder / "installed").touch()
        module.prepare(venv, first)
        assert (venv.folder / "installed").exists()
        module.prepare(venv, module.Step("packages", "another key", lambda: None))
        assert not (venv.folder / "installed").exists()

    def test_the_way_to_the_library_is_the_same_wherever_the_checkout_lies(self, environment, monkeypatch):
        """Python 3.11 does not even start in an ASCII locale where a path in site-packages is not ASCII."""
        module, venv, _ = environment
        link = venv.folder / "lib/python3.11/site-packages/__editable__.clintune-0.1.0.pth"
        link.parent.mkdir(parents=True)
        link.write_text("/somewhere/ünïcode/src\n", encoding="utf-8")
        monkeypatch.setattr(module, "ROOT", venv.folder.parent)
        monkeypatch.setattr(module.Environment, "pip", lambda self, *arguments: None)
        monkeypatch.setenv("LC_ALL", "C")
        module.own_code(venv)
        assert link.read_bytes() == b"../../../../src\n"

    def test_a_folder_that_is_not_ours_is_never_removed(self, environment):
        module, venv, first = environment
        venv.folder.mkdir()
        (venv.folder / "precious").touch()
        with pytest.raises(SystemExit, match="move it away"):
            module.prepare(venv, first)
        assert (venv.folder / "precious").exists()

    def test_a_command_that_fails_ends_in_one_more_line_without_paths(self, environment):
        module, _, _ = environment
        with pytest.raises(SystemExit, match=r"^set-up: `false` failed with code 1; mend what it says above"):
            module.run("false")


def test_an_old_python_is_named_in_one_line_before_anything_is_made(tmp_path):
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    done = subprocess.run(
        ["make", "repro", f"PYTHON={old}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        "clintune needs Python 3.11 or newer; name one: make repro PYTHON=python3.12"
    )
    assert not (tmp_path / ".venv").exists()


def test_a_second_set_up_does_nothing():
    memory = ROOT / ".venv" / "set-up.json"
    if not memory.exists() or "dev" not in json.loads(memory.read_text()):
        pytest.skip("this checkout was not set up by make test")
    before = memory.stat().st_mtime_ns
    command = ["make", "--no-print-directory", "setup-dev"]  # silent below `make test` too
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert memory.stat().st_mtime_ns == before


def test_a_checkout_has_the_bytes_of_its_commit_where_git_is_told_to_change_line_ends(tmp_path):
    """With core.autocrlf every stage would be stale, and nothing as it was sealed."""
    ours, clone = tmp_path / "ours", tmp_path / "clone"
    ours.mkdir()
    shutil.copy(ROOT / ".gitattributes", ours)
    (ours / "params.yaml").write_bytes(b"seed: 17\n")
    for command in ("init -q", "add .", "-c user.name=x -c user.email=x@y commit -qm x"):
        subprocess.run(["git", *command.split()], cwd=ours, check=True)
    subprocess.run(["git", "clone", "-q", "-c", "core.autocrlf=true", ours, clone], check=True)
    assert (clone / "params.yaml").read_bytes() == b"seed: 17\n"
