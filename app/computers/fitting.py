"""Check whether Fettle's workers can run on another computer, and explain what a refusal of its setup means."""

import json
import re
from typing import Any

from app.computers.records import Computer, ComputerFacts
from app.computers.ssh import SSH_FAILED, Reply, refused_by_ssh
from workers.contracts.errors import BackendMissing, InputRefused, WorkerError
from workers.contracts.measured.sizes import bytes_words
from workers.contracts.translation import _, mark
from workers.contracts.wording import duration

OLDEST_GLIBC = {"x86_64": (2, 28), "aarch64": (2, 35)}
"""Processors with ready-built packages, and the oldest glibc that all of them accept."""
NO_PYTHON, OLD_PYTHON = 127, 64
MOST_CLOCK_S = 60.0


def check_fits(facts: ComputerFacts) -> None:
    """Raise `InputRefused` if there are no ready-built packages for such a computer."""
    glibc = re.fullmatch(r"glibc-(\d+)\.(\d+)", facts.libc)
    oldest = OLDEST_GLIBC.get(facts.arch)
    if facts.system != "Linux":
        detail = _("It runs {0}. Other computers have to run Linux.").format(facts.system or facts.os)
    elif oldest is None:
        detail = _("Its processor is of the family “{0}”. Fettle's packages exist for x86-64 and 64-bit Arm.").format(
            facts.arch
        )
    elif facts.bits != 64:
        detail = _("Its system has programs of 32 bits. Fettle's packages need a system of 64 bits.")
    elif glibc is None or (int(glibc[1]), int(glibc[2])) < oldest:
        detail = _("Its system is too old or of another kind ({0}): glibc {1} or newer is needed.").format(
            facts.libc or facts.os, ".".join(map(str, oldest))
        )
    else:
        return
    hint = mark("Use another computer, or install a newer 64-bit Linux there.")
    raise InputRefused("other_processor", mark("Fettle cannot run on this computer"), detail, hint)


def trouble(computer: Computer, version: str) -> str:
    """Return what keeps a computer from being used, or what a person should know about it; "" for nothing."""
    facts = computer.facts
    if facts is None or version not in facts.versions:
        return _("Another version of Fettle's workers is installed there. Update it here, or add it again.")
    if abs(facts.clock_ahead_s) > MOST_CLOCK_S:
        return _("Its clock differs by {0}. Measurements use its own clock, so results stay right.").format(
            duration(abs(facts.clock_ahead_s))
        )
    return ""


def refused_there(computer: Computer, reply: Reply) -> WorkerError:
    """Return the error of a command that failed on the other computer, or of its connection."""
    if reply.code == NO_PYTHON:
        return _no_python("python_missing", _("There is no Python 3 on this computer."))
    if reply.code == OLD_PYTHON:
        return _no_python("python_old", _("The Python there is older than 3.8."))
    last = next((line for line in reversed(reply.error.splitlines()) if line.strip()), "")
    try:
        report = json.loads(last)
        code, detail = str(report["code"]), str(report.get("detail", ""))
    except (ValueError, TypeError, KeyError):
        if reply.code == SSH_FAILED:
            return refused_by_ssh(computer, reply.error)
        report, code, detail = {}, "setup_failed", last
    return _explained(code, detail, report)


def _no_python(code: str, detail: str) -> WorkerError:
    return InputRefused(
        code,
        mark("The computer needs a newer Python"),
        detail,
        mark("Install Python 3.11 or newer there, then add the computer again."),
    )


def _explained(code: str, detail: str, report: dict[str, Any]) -> WorkerError:
    facts = {"detail": detail[-2000:]}
    if code == "python_old":
        found = str(report.get("found", ""))[:20]
        return _no_python(code, _("The Python there is {0}. Fettle needs 3.11 to 3.14.").format(found))
    if code == "venv_missing":
        return InputRefused(
            code,
            mark("A part of Python is missing on the computer"),
            mark("Its Python cannot make an environment of its own."),
            mark("Install the package python3-venv of its system, then add the computer again."),
            facts=facts,
        )
    if code == "no_room":
        needed, free = report.get("needed"), report.get("free")
        if isinstance(needed, int) and isinstance(free, int):
            words = _("About {0} are needed on its disk, and {1} are free.").format(
                bytes_words(needed), bytes_words(free)
            )
        else:
            words = _("Its disk became full.")
        hint = mark("Make room there, then add it again.")
        if report.get("cuda") is True:
            hint = mark(
                "Its pip found only PyTorch's build for NVIDIA cards. Make room there, or set its pip to an index with"
                " PyTorch's build for processors, then add it again."
            )
        return InputRefused(
            code,
            mark("There is no room on the computer"),
            words,
            hint,
            facts=facts,
        )
    if code == "packages_offline":
        return BackendMissing(
            code,
            mark("The computer does not reach the package index"),
            mark("Fettle's packages could not be downloaded there."),
            mark("Connect it to the internet, or set its pip to an index that it reaches, then add it again."),
            facts=facts,
        )
    last = next((line for line in reversed(detail.splitlines()) if line.strip()), code)
    return BackendMissing(
        code if re.fullmatch("[a-z_]{1,40}", code) else "setup_failed",
        mark("Fettle could not be installed on the computer"),
        _("It reported: {0}").format(last[:200]),
        mark("Try again. If it fails again, report it with the log."),
        facts=facts,
    )
