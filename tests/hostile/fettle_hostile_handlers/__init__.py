"""Job kinds that open broken files and try to break out of the walls."""

from workers.runtime.kinds import JobKind

KINDS = {
    "mutants": JobKind("fettle_hostile_handlers.mutants:run"),
    "readers": JobKind("fettle_hostile_handlers.readers:run"),
    "tries": JobKind("fettle_hostile_handlers.tries:run"),
}
