"""The table of job kinds: every row names a function, which names its models."""

import inspect
import subprocess
import sys
import typing

import pytest
from pydantic import BaseModel

from workers.contracts.errors import InputRefused
from workers.runtime.kinds import KINDS, load_job


@pytest.mark.parametrize("kind", KINDS)
def test_each_row_names_a_function_from_params_and_context_to_result(kind: str) -> None:
    found = load_job(kind)
    assert list(inspect.signature(found.run).parameters) == ["params", "ctx"]
    assert issubclass(found.params, BaseModel)
    assert issubclass(typing.get_type_hints(found.run)["return"], BaseModel)


def test_unknown_kind_is_refused_with_all_that_exist() -> None:
    with pytest.raises(InputRefused) as refused:
        load_job("mesure")
    assert refused.value.code == "unknown_kind"
    assert all(kind in refused.value.hint for kind in KINDS)


def test_loading_one_kind_imports_no_other_room() -> None:
    """Given a new process, When one kind is loaded, Then rooms that it does not use are not imported."""
    script = (
        "import sys; from workers.runtime.kinds import load_job; load_job('hub_search');"
        "print([name for name in sys.modules if name.startswith(('workers.evaluate', 'workers.export', 'numpy'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
