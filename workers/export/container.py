"""The target *Container*: the service with a Dockerfile and a compose file that follow Docker's security advice.

Rules: docs.docker.com/build/building/best-practices and OWASP's Docker Security Cheat Sheet. An export has neither
network nor Docker, so it writes the image's files and the user builds the image.
"""

import platform
import re
from pathlib import Path
from typing import Any

import yaml

from workers.contracts.bundles import ExportCheck, ExportParams, ExportResult
from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.specs import Question
from workers.contracts.techniques import TargetSpec
from workers.export.layout import own_file, plain_name, requirement_lines
from workers.export.selftest import failed
from workers.export.service import TARGET as SERVICE
from workers.export.service.target import check as check_service
from workers.export.service.target import spec_of, write_service
from workers.export.wheels import LOCK, locked
from workers.measure.opening import find_runtime

BASE = f"python:{'.'.join(platform.python_version_tuple()[:2])}-slim-bookworm"
IMAGE = re.compile(r"[a-z0-9][a-z0-9._/-]*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?")
USER = 10001
COMMANDS = ("docker compose up --build", "curl http://127.0.0.1:8000/v2/health/ready")
NOT_BUILT = "Its image is written, not built here"

IGNORED = "api-key.txt\n*.pem\n!signed-by.pem\n.env\n.git\n__pycache__\n"
"""Secrets that may be in the folder; the public key of the signature must stay, or the image cannot be verified."""


def write(params: ExportParams, ctx: JobContext) -> ExportResult:
    """Write and test the service, then check the rules for its image.

    Raises:
        WorkerError: A test or a rule fails.
    """
    image = params.answers.get("image", "") or BASE
    if not IMAGE.fullmatch(image) or re.search(r":latest(@|$)", image):
        raise InputRefused(
            "no_image",
            "That is no base image",
            f"{image[:80]!r} does not name an image and its version. Nothing was written.",
            f"Write it like {BASE}, with @sha256:… behind it to pin it, or leave it empty.",
        )
    has_lock = bool(locked(requirement_lines(find_runtime(params.runtime), spec_of(params), TARGET.needs))[0])
    result = write_service(params, ctx, COMMANDS, container_files(image, plain_name(params.facts.project), has_lock))
    broken = broken_rules(ctx.work_dir / "bundle")
    if broken:
        raise failed(f"its image breaks a rule: {broken[0]}")
    pinned = "pinned by its digest" if "@" in image else "by its tag: its digest is not known here"
    rules = ExportCheck(what="Its image follows the rules", ok=True, detail=f"no root, read-only; {image}, {pinned}")
    built = ExportCheck(
        what=NOT_BUILT, ok=True, detail="an export reaches no Docker; build it with: docker compose build"
    )
    return result.model_copy(update={"selftest": (*result.selftest, rules, built), "printed": ()})


def container_files(image: str, name: str, has_lock: bool) -> dict[str, str]:
    """Return the Dockerfile, the compose file, and the list of files that stay out of the image."""
    what = f"--require-hashes -r {LOCK}" if has_lock else "-r requirements.txt"
    pinned = "Pinned by its digest." if "@" in image else "By its tag; for the very same image each time add @sha256:…"
    install = f"pip install --no-cache-dir {what}"
    dockerfile = own_file("Dockerfile.txt").format(image=image, pinned=pinned, install=install, user=USER)
    compose = own_file("compose.yaml").format(name=name, user=USER)
    return {"Dockerfile": dockerfile, "compose.yaml": compose, ".dockerignore": IGNORED}


def broken_rules(folder: Path) -> list[str]:
    """Return one sentence for each rule that the Dockerfile or the compose file breaks."""
    try:
        text = (folder / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
        compose = yaml.safe_load((folder / "compose.yaml").read_text(encoding="utf-8"))["services"]["model"]
    except (OSError, UnicodeError, yaml.YAMLError, KeyError, TypeError) as error:
        return [f"Dockerfile or compose.yaml cannot be read ({type(error).__name__})."]
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    steps = [(words[0].upper(), words[1] if len(words) > 1 else "") for words in lines]
    last = {name: value.strip() for name, value in steps}
    rules: tuple[tuple[bool, str], ...] = (
        (bool(IMAGE.fullmatch(last.get("FROM", ""))), "The base image has no version."),
        (last.get("USER", "0").split(":")[0] not in ("0", "root", ""), "It runs as root."),
        ("HEALTHCHECK" in last and last["HEALTHCHECK"] != "NONE", "It has no health check."),
        (last.get("ENTRYPOINT", "").startswith("["), "It is started by a shell, which swallows the signal to stop."),
        (not any(name == "ADD" for name, _ in steps), "ADD unpacks and downloads; COPY does not."),
        (not re.search(r"(?i)\b\w*(key|token|secret|password)\w*\s*=", text), "It holds a secret."),
        (not re.search(r"\bsudo\b|chmod\s+777", text), "It gives rights away."),
        *_compose_rules(compose),
    )
    return [words for holds, words in rules if not holds]


def _compose_rules(service: dict[str, Any]) -> tuple[tuple[bool, str], ...]:
    return (
        (service.get("read_only") is True and bool(service.get("tmpfs")), "Its file system can be written."),
        (service.get("cap_drop") == ["ALL"], "It keeps rights of root."),
        ("no-new-privileges:true" in service.get("security_opt", []), "Its programs can gain rights."),
        (not service.get("privileged") and service.get("network_mode") != "host", "It is not kept apart."),
        (not any("docker.sock" in str(one) for one in service.get("volumes", [])), "It rules Docker itself."),
        (all(str(one).startswith("127.0.0.1:") for one in service.get("ports", [])), "Others can reach it."),
    )


def check(folder: Path, ctx: JobContext) -> tuple[int, list[str]]:
    """Return the result of the service's check and the broken rules of its image."""
    alike, problems = check_service(folder, ctx)
    return alike, [*problems, *broken_rules(folder)]


TARGET = TargetSpec(
    id="container",
    title="Container",
    summary="For who runs your servers: the service, ready for Docker",
    write=write,
    stages=SERVICE.stages,
    commands=COMMANDS,
    how_to_run="Build and start it where Docker is",
    icon="package",
    questions=(Question(id="image", title="Which base image?", hint=f"{BASE}, unless you know a better one"),),
    check=check,
    order=30,
    falls_back=True,
    requires=SERVICE.requires,
    install_hint=SERVICE.install_hint,
    needs=SERVICE.needs,
)
