"""What is amiss among models, those that runs logged and those that are registered: each a finding."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from clintune.evidence.verification import amiss, verifier
from clintune.tracking import limits
from clintune.tracking.stored import OVER, Logged, Registered, Stored


def of_versions(
    versions: Iterable[Registered], stored: Mapping[str, Stored], records: Mapping[str, amiss.Tree]
) -> Iterator[amiss.Amiss]:
    """Versions of models that no sealed run made, or with other tags; models of sealed runs without one.

    What lies in a version is compared with the model that the run logged. A run of a stage that did not
    finish may have registered one.
    """
    runs = {one.id: key for key, one in stored.items()}
    said = {key: record["reported"]["models"] for key, record in records.items()}
    models = {key: {one["name"]: one for one in own} for key, own in said.items()}
    names, there = {name for own in models.values() for name in own}, set[tuple[str, str]]()
    executions = {one.parent_id for one in stored.values()} - runs.keys()
    own = [stored[key] for key in records.keys() & stored.keys()]
    owners = {source: one.id for one in own for source in _sources(one.run)}
    for one in versions:
        key, place = runs.get(one.run_id, ""), f"model {one.name}, version {one.number}"
        there.add((key, one.name))
        unsealed = key not in records and (not key or stored[key].run.info.status == "FINISHED")
        if one.run_id in executions or (one.name in names and unsealed):
            yield "run", place, "run", "one that was sealed", one.run_id or "none"
        elif (owner := owners.get(one.source, one.run_id)) != one.run_id:
            yield "run", place, "run", owner, one.run_id or "none"
        if key in records:
            yield from _of_version(one, place, stored[key].run, models[key].get(one.name, {}))
        tags = limits.tags(models.get(key, {}).get(one.name, {"tags": one.tags})["tags"])
        for tag in sorted(tags.keys() | one.tags.keys()):
            if tags.get(tag) != one.tags.get(tag):
                yield "run", place, f"tag {tag}", tags.get(tag), one.tags.get(tag)
    for key in models.keys() & stored.keys():
        for name in models[key]:
            if stored[key].sealed and (key, name) not in there:
                yield "run", f"run {stored[key].id}", f"model {name}", "a registered version", ""


def _sources(run: Any) -> list[str]:
    """The addresses of the models that a run logged."""
    return [f"models:/{it.model_id}" for it in (run.outputs.model_outputs if run.outputs else ())]


def _of_version(one: Registered, place: str, run: Any, sealed: amiss.Tree) -> Iterator[amiss.Amiss]:
    """One that a sealed run made is of a model that this run logged, leads to the run, and says its words."""
    own = _sources(run)
    facts = {
        "source": (one.source if one.source in own else ", ".join(own), one.source),
        "link in place of its run": ("", one.link), "status": ("READY", one.status),
        "description": (sealed.get("description", one.description), one.description),
    }  # fmt: skip
    yield from amiss.unlike("run", place, facts)


def of_models(
    models: Iterable[Logged], stored: Mapping[str, Stored], records: Mapping[str, amiss.Tree]
) -> Iterator[amiss.Amiss]:
    """Models that say otherwise than the sealed run which logged them, and runs that show those of others.

    What lies in a model is compared with what was sealed. One of an execution, or of a sealed name and no
    sealed run, is nobody's; a run of a stage that did not finish may have logged one.
    """
    runs, own = {one.id: key for key, one in stored.items()}, {key: set[str]() for key in records}
    names = {one["name"] for record in records.values() for one in record["reported"]["models"]}
    executions = {one.parent_id for one in stored.values()}
    for one in models:
        key = runs.get(one.run_id, "")
        ended = not key or stored[key].run.info.status in OVER
        if key in records:
            own[key].add(one.id)
            yield from _of_model(one, records[key]["reported"], on_its_way=not stored[key].sealed)
        elif one.run_id in executions or (one.name in names and ended):
            yield "run", f"model {one.name}, {one.id}", "", "", "a model that no stage logged"
    for key in sorted(stored):
        run, mine = stored[key].run, own.get(key, set())
        shown = {model.model_id for model in run.outputs.model_outputs} if run.outputs else set[str]()
        over = stored[key].sealed if key in records else run.info.status in OVER
        for name in sorted(shown ^ mine) if over else ():
            sealed, found = ("its own", "") if name in mine else ("", "shown")
            yield "run", f"run {stored[key].id}", f"model {name}", sealed, found


def _of_model(model: Logged, said: amiss.Tree, *, on_its_way: bool) -> Iterator[amiss.Amiss]:
    """A run names its line when all else of it was sent: before, a model may be one that is being made."""
    place, sealed = f"model {model.name}, {model.id}", {one["name"]: one for one in said["models"]}
    if model.name not in sealed:
        yield "run", place, "", "", "a model that no stage logged"
        return
    ready = model.status if on_its_way else "READY"
    yield from amiss.unlike("run", place, {"status": (ready, model.status), "type": ("", model.type)})
    tags, params = limits.tags(sealed[model.name]["tags"]), limits.params(said["params"])
    for kind, was, now in (
        ("tag", tags, model.tags), ("param", params, model.params), ("metric", {}, model.metrics)
    ):  # fmt: skip
        yield from amiss.as_amiss(verifier.differences("run", place, kind, was, dict(now)))
