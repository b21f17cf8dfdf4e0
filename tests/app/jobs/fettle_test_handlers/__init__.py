"""Job kinds that misbehave on purpose; a pool finds them when it is built with the name of this package."""

from workers.runtime.kinds import JobKind

KINDS = {
    "early": JobKind("fettle_test_handlers.early:run"),
    "echo": JobKind("fettle_test_handlers.echo:run", preload=("colorsys",)),
    "escape": JobKind("fettle_test_handlers.escape:run"),
    "fill": JobKind("fettle_test_handlers.fill:run"),
    "gpu_walls": JobKind("fettle_test_handlers.gpu_walls:run"),
    "libraries": JobKind("fettle_test_handlers.libraries:run"),
    "measure": JobKind("fettle_test_handlers.measure:run"),
    "misbehave": JobKind("fettle_test_handlers.misbehave:run"),
    "programs": JobKind("fettle_test_handlers.programs:run"),
    "secrets": JobKind("fettle_test_handlers.secrets:run"),
    "sleep": JobKind("fettle_test_handlers.sleep:run"),
    "stage": JobKind("fettle_test_handlers.stage:run"),
    "visit": JobKind("fettle_test_handlers.visit:run"),
}
