"""Let one phone of the local network measure a version, from the version's own bundle *Web page*."""

import shutil

from app.domain.variant import Variant
from app.jobs.phone_page import PhonePage
from app.services.after.exporting import ExportRequest
from app.services.after.serving import unpacked
from app.services.flow.steps import DiskStep, Flow, JobError, Unavailable
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts
from workers.contracts.translation import _, mark

TARGET = "web"


def phone_page(workspace: Workspace, facts: RunFacts) -> PhonePage:
    """Return the page of a project for a phone; nothing listens yet. Its folder is deleted with the project."""
    return PhonePage(workspace.paths.services / facts.project.id / "phone")


def open_page(workspace: Workspace, facts: RunFacts, variant: Variant, page: PhonePage, host: str) -> Flow[None]:
    """Write and test the bundle of a version unless that was done, and open its page at an address of this computer.

    Raises:
        JobError: The bundle cannot be written, or the page does not answer.
    """
    place = page.bundles / variant.id
    yield from unpacked(workspace, facts, ExportRequest(variant.id, TARGET), place, _not_opened)
    for other in page.bundles.iterdir():
        if other != place:
            shutil.rmtree(other, ignore_errors=True)
    try:
        answers = yield DiskStep(lambda stopped: page.open(place.name, host, stopped))
    except OSError as error:
        raise _not_opened(f"{error}.") from error
    if not answers:
        shutil.rmtree(place, ignore_errors=True)  # it is written anew the next time
        raise _not_opened(mark("Its process ended before it could answer."))


def _not_opened(detail: str) -> JobError:
    hint = mark("Nobody can open the page, and nothing is lost. Try it again.")
    return Unavailable("phone_page_not_opened", "The page could not be opened", _(detail), hint)
