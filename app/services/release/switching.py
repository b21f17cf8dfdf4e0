"""A running service takes a release: where its address is known the app asks it, else a person is told the command."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app.services.after.exporting import refusal
from app.services.flow.steps import Done, Flow, JobStep
from app.services.flow.workspace import Workspace
from app.services.release.record import Release
from workers.contracts.process.messages import Limits
from workers.contracts.serving import SwitchParams, SwitchResult, service_secret_file

HERE = ("127.0.0.1", "localhost", "::1")
"""A folder of this computer means nothing to a service elsewhere."""
USUAL_PORT = 8000
FOLDER_NAME_CHARS = 16


@dataclass(frozen=True)
class ServiceAddress:
    """Where a service of ours answers on this computer, and its key, "" for none."""

    host: str
    port: int
    key: str = field(default="", repr=False)


def service_address(text: str, key: str = "") -> ServiceAddress:
    """Of "http://127.0.0.1:8000", "localhost:8000" or "8000". Raises `JobError` (exit code 3) for anything else."""
    short = text.strip().rstrip("/")
    try:
        parts = urlsplit(f"http://127.0.0.1:{short}" if short.isdecimal() else short if "//" in short else f"//{short}")
        host, port = (parts.hostname or "").lower(), parts.port or USUAL_PORT
    except ValueError:
        parts, host, port = urlsplit(""), "", 0
    if host not in HERE or parts.scheme not in ("", "http") or parts.path or parts.username:
        raise refusal(
            "bad_service",
            "This is no service on this computer",
            f"{text!r} is not an address such as http://127.0.0.1:8000. Nothing was changed.",
            "For a service elsewhere copy the bundle there, unpack it, and run 'python serve.py --switch FOLDER'.",
        )
    return ServiceAddress(host, port, key)


def switch_to(space: Workspace, wanted: Release, bundle: Path, service: ServiceAddress) -> Flow[SwitchResult]:
    """Unpack a release and have the service take it. Raises `JobError` where it does not; it then answers as before."""
    if not wanted.switch:
        raise refusal(
            "no_service_bundle",
            "This release runs no service",
            f"It is a bundle of the kind {wanted.target!r}. Nothing was changed.",
            "Release a bundle of the kind 'service'.",
        )
    folder = unpacked_folder(space, wanted)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = None if service.key else _secret_file(service.port)
    done: Done[SwitchResult] = yield JobStep(
        kind="switch",
        params=SwitchParams(
            bundle=str(bundle),
            sha256=wanted.sha256,
            folder=str(folder),
            host=service.host,
            port=service.port,
            api_key=service.key,
            secret_file="" if secret is None else str(secret),
        ),
        result=SwitchResult,
        title="The service takes the release",
        read_paths=(bundle,) if secret is None else (bundle, secret),
        write_paths=(folder,),
        limits=Limits(network=True),
        threads=1,
    )
    return done.result


def _secret_file(port: int) -> Path | None:
    """Return the secret file of the service at `port`, None where this account started none."""
    try:
        path = service_secret_file(port)
    except RuntimeError:
        return None
    return path if path.is_file() else None


def unpacked_folder(space: Workspace, wanted: Release) -> Path:
    """Where a release lies unpacked once a service was given it."""
    return space.paths.releases / "unpacked" / wanted.sha256[:FOLDER_NAME_CHARS]


def switch_command(wanted: Release, folder: str = "FOLDER") -> str:
    """What gives it to a running service by hand, "" where nothing runs."""
    return wanted.switch.format(folder=folder) if wanted.switch else ""
