"""The target *Container*: the service with a Dockerfile and a compose file that follow Docker's security advice.

Rules: docs.docker.com/build/building/best-practices and OWASP's Docker Security Cheat Sheet. An export has neither
network nor Docker, so it writes the image's files and the user builds the image.
"""

import platform
import re
from dataclasses import replace
from pathlib import Path

from workers.contracts.bundles import ExportCheck, ExportParams, ExportResult
from workers.contracts.errors import InputRefused
from workers.contracts.pipeline import read_pipeline
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Question
from workers.contracts.translation import Message, _, mark
from workers.export.fresh_environment import LOCK, locked
from workers.export.layout import own_file, plain_name, requirement_lines
from workers.export.service import TARGET as SERVICE
from workers.export.service.target import write_service
from workers.measure.opening import find_runtime

BASE = f"python:{'.'.join(platform.python_version_tuple()[:2])}-slim-bookworm"
IMAGE = re.compile(r"[a-z0-9][a-z0-9._/-]*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?")
USER = 10001
COMMANDS = ("docker compose up --build", "curl http://127.0.0.1:8000/v2/health/ready")
NOT_BUILT = mark("Its image is written, not built here")
HINT = mark("{0}, unless you know a better one")

IGNORED = "api-key.txt\n*.pem\n!signed-by.pem\n.env\n.git\n__pycache__\n"
"""Secrets that may be in the folder; the public key of the signature must stay, or the image cannot be verified."""


def write(params: ExportParams, ctx: JobContext) -> ExportResult:
    """Write and test the service with the files of its image.

    Raises:
        WorkerError: A test fails.
    """
    image = params.answers.get("image", "") or BASE
    if not IMAGE.fullmatch(image) or re.search(r":latest(@|$)", image):
        raise InputRefused(
            "no_image",
            "This is not a base image",
            _("{0!r} does not name an image and its version. Nothing was written.").format(image[:80]),
            _("Write it like {0}, with @sha256:… behind it to pin it, or leave it empty.").format(BASE),
        )
    spec = read_pipeline(Path(params.model_dir))
    has_lock = bool(locked(requirement_lines(find_runtime(params.runtime), spec, TARGET.needs))[0])
    result = write_service(params, ctx, COMMANDS, container_files(image, plain_name(params.facts.project), has_lock))
    text = _("from {0}, by its tag; an export cannot reach Docker, so build it with: docker compose build")
    if "@" in image:
        text = _("from {0}; an export cannot reach Docker, so build it with: docker compose build")
    built = ExportCheck(what=NOT_BUILT, ok=True, detail=text.format(image))
    return result.model_copy(update={"selftest": (*result.selftest, built), "printed": ()})


def container_files(image: str, name: str, has_lock: bool) -> dict[str, str]:
    """Return the Dockerfile, the compose file, and the list of files that stay out of the image."""
    what = f"--require-hashes -r {LOCK}" if has_lock else "-r requirements.txt"
    pinned = "Pinned by its digest." if "@" in image else "By its tag; for the same image each time, add @sha256:…"
    install = f"pip install --no-cache-dir {what}"
    dockerfile = own_file("Dockerfile.txt").format(image=image, pinned=pinned, install=install, user=USER)
    compose = own_file("compose.yaml").format(name=name, user=USER)
    return {"Dockerfile": dockerfile, "compose.yaml": compose, ".dockerignore": IGNORED}


TARGET = replace(
    SERVICE,
    id="container",
    title="Container",
    summary="For your own servers: the service, ready for Docker",
    write=write,
    commands=COMMANDS,
    how_to_run="Build and start it where Docker is",
    icon="package",
    questions=(Question(id="image", title="Which base image?", hint=Message.made(HINT, (BASE,))),),
    order=30,
    switch="",
)
