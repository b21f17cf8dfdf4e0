"""Verify a bundle: a file or folder that this installation or a stranger exported."""

from pathlib import Path

from app.services.flow.steps import DiskStep, Flow, JobStep, StepResult
from app.services.flow.workspace import Workspace
from workers.contracts.bundles import VerifyParams, VerifyResult
from workers.contracts.folder import sha256_file


def verify(workspace: Workspace, bundle: Path, own_key: str = "", *, allow_code: bool = False) -> Flow[VerifyResult]:
    """Check hashes, signature and golden answers of a bundle; its own scripts are never run.

    `own_key` is the fingerprint of this installation's key. A torch program or TensorRT engine in the bundle runs with
    `allow_code`, or if this installation exported or signed the bundle.
    """
    exported = {record.sha256 for record in workspace.repositories.exports.list()}
    if not allow_code and exported and bundle.is_file():
        allow_code = (yield DiskStep(lambda _stopped: sha256_file(bundle))) in exported
    done: StepResult[VerifyResult] = yield JobStep(
        kind="verify",
        params=VerifyParams(bundle=str(bundle), own_key=own_key, allow_code=allow_code),
        result=VerifyResult,
        title="Verify the bundle",
        read_paths=(bundle,),
    )
    return done.result
