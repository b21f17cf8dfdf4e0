"""Small job kinds for tests of services."""

from workers.runtime.kinds import JobKind

KINDS = {
    "answer_files": JobKind("fettle_service_handlers.answers:run"),
    "echo": JobKind("fettle_service_handlers.echo:run"),
    "keeps": JobKind("fettle_service_handlers.keeps:run"),
    "measure": JobKind("fettle_service_handlers.measure:run"),
    "misbehave": JobKind("fettle_service_handlers.misbehave:run"),
    "sleep": JobKind("fettle_service_handlers.sleep:run"),
}
