"""Show the predictions that changed from one release to the next, in the form of the page Compare."""

from app.services.after.trying.showing import MAX_SHOWN, examples_step, sources_of, with_paths
from app.services.flow.steps import Flow, JobError
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from app.services.release.record import Release
from app.services.run.version_steps import prediction_pair
from workers.contracts.jobs import Example


def released_examples(space: Workspace, release: Release) -> Flow[tuple[Example, ...]]:
    """Return the changed examples, worst first, with absolute picture paths; () if none changed or they are gone."""
    change = release.change
    judged = change.judgement if change is not None else None
    if change is None or judged is None or not judged.changed:
        return ()
    try:
        facts = read_facts(space, release.run_id)
    except JobError:
        return ()
    if any(space.artifacts.peek(key) is None for key in change.keys):
        return ()
    data, before, after = (space.artifacts.folder(key) for key in change.keys)
    pair = prediction_pair(data / "data", before, after, judged.changed[:MAX_SHOWN])
    step = examples_step(facts, pair, "Show what changed", sources_of(space, facts))
    return with_paths((yield from step.run()))
