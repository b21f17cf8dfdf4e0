"""Replies of a hub about models, for tests of its controllers."""

from typing import Any

from workers.contracts.hub import HubFile, HubModelResult

COMMIT, SIZE = "c" * 40, 1000


def found(repo: str, **more: Any) -> HubModelResult:
    """Return the reply about a model of one file."""
    wanted = (HubFile(name="onnx/model.onnx", size_bytes=SIZE, sha256=repo[0] * 64),)
    base = {"repo": repo, "revision": "main", "commit": COMMIT, "wanted": wanted, "total_bytes": SIZE}
    return HubModelResult(**{**base, "main": wanted[0].name, **more})
