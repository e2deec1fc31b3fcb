"""Descriptions of runs, in Markdown, for a reader who was not there."""

from collections.abc import Mapping

from clintune.lockfile import LockEntry


def pipeline(tags: Mapping[str, str]) -> str:
    """One execution of the pipeline."""
    state = {"true": " plus uncommitted changes", "false": ", clean"}.get(tags.get("git.dirty", ""), "")
    commit = f"Commit `{tags['git.commit']}`{state}." if "git.commit" in tags else "No git commit."
    return (
        f"One execution of the pipeline: `{tags['dvc.cmd']}`. {commit}\n\n"
        "Each child run is a stage that ran. A stage without a child run had nothing to do: its outputs were "
        "up to date, or restored from the run cache. The snapshot run says which run made what."
    )


def stage(entry: LockEntry) -> str:
    """What a stage read and, where it is known yet, wrote."""
    rows = [
        ("read", dep) for dep in entry.get("deps", []) if dep["path"].startswith("data/")
    ] + [("wrote", out) for out in entry.get("outs", []) if "md5" in out]  # fmt: skip
    code = sum(not dep["path"].startswith("data/") for dep in entry.get("deps", []))
    table = "\n".join(f"| {verb} | `{one['path']}` | `{one['md5']}` |" for verb, one in rows)
    head = f"`{entry['cmd']}`, made from {code} files of code and configuration (tags `dvc.dep.…`)."
    return head + (f"\n\n| | path | DVC hash |\n|--|--|--|\n{table}" if rows else "")


def outside() -> str:
    """A stage that was started by hand."""
    return "Started by hand, outside DVC: no lock entry names this run as the producer of anything."
