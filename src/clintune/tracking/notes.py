"""Descriptions of runs, in Markdown, for a reader who was not there."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from clintune.lockfile import LockEntry, is_code

if TYPE_CHECKING:
    from clintune.tracking.queries import Producers


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
        ("read", dep) for dep in entry.get("deps", []) if not is_code(dep["path"])
    ] + [("wrote", out) for out in entry.get("outs", []) if "md5" in out]  # fmt: skip
    code = sum(is_code(dep["path"]) for dep in entry.get("deps", []))
    table = "\n".join(f"| {verb} | `{one['path']}` | `{one['md5']}` |" for verb, one in rows)
    head = f"`{entry['cmd']}`, made from {code} files of code and configuration (tags `dvc.dep.…`)."
    return head + (f"\n\n| | path | DVC hash |\n|--|--|--|\n{table}" if rows else "")


def ended(status: str, reason: str) -> str:
    """How a run ended that did not finish."""
    return f"**{status}**: {reason}"


def outside() -> str:
    """A stage that was started by hand."""
    return "Started by hand, outside DVC: no lock entry names this run as the producer of anything."


def registered(alias: str) -> str:
    """A registered model."""
    return (
        f"Each version is what one run of stage export made; the alias `{alias}` is the last of them. "
        "The tags of a version are the hashes of its bundle and of its entry in dvc.lock."
    )


def snapshot(producers: "Iterable[Producers]") -> str:
    """Which run made each entry of dvc.lock."""
    rows = "\n".join(
        f"| {one.stage} | {maker(one)} | {len(one.runs)} | {len(one.others)} | `{one.entry_sha256}` |"
        for one in producers
    )
    return (
        "Which run made what `dvc.lock` names. *Same* counts the runs that made exactly this, *other* those "
        "that made something else from the same inputs.\n\n"
        f"| stage | run | same | other | lock entry |\n|--|--|--|--|--|\n{rows}"
    )


def maker(producers: "Producers") -> str:
    """The run that made an entry of dvc.lock, or what to say where none of record did."""
    if not producers.runs:
        return "unrecorded: the run waits in the spool" if producers.unrecorded else "NO PRODUCER"
    run = producers.runs[-1]
    return run if run in producers.sealed else f"{run} (the ledger here did not seal it)"
