"""Show the predictions that changed from one release to the next, in the form of the page Compare."""

from app.services.after.trying.showing import MAX_SHOWN, sources_of, with_paths
from app.services.flow.steps import Flow, JobError, JobStep
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from app.services.release.record import Release
from app.services.run.version_steps import MeasuredPair
from workers.contracts.base import Rows
from workers.contracts.jobs import Example, ExamplesParams


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
    folders = [space.artifacts.peek(key) for key in change.keys]
    if None in folders:
        return ()
    data, before, after = (space.artifacts.folder(key) for key in change.keys)
    done = yield from JobStep(
        "examples",
        ExamplesParams(
            **MeasuredPair(data / "data", before, after).parameters(),
            model_dir=str(facts.original_dir),
            items=judged.changed[:MAX_SHOWN],
        ),
        Rows[Example],
        "Show what changed",
        (data / "data", facts.original_dir, before, after, *sources_of(space, facts)),
        cache=True,
    ).run()
    return with_paths(done)
