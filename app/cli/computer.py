"""Run `fettle computer`: add, list, check and remove other computers over SSH."""

import sys
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from app.cli.output import OK, REFUSED, Output, is_terminal, read_secret, refusal, usage
from app.cli.session import workspace
from app.computers.fitting import trouble
from app.computers.login import HostKey, needs_passphrase, scan
from app.computers.packing import workers_version
from app.computers.pairing import Request, SetupStatus, add, check, remove
from app.computers.records import Computer, computers, parse_address
from app.domain.run import UNDER_WAY
from app.paths import find_data_folder, prepare
from workers.contracts.error_info import ErrorInfo
from workers.contracts.measured.sizes import bytes_words
from workers.contracts.wording import counted

Name = Annotated[str, Argument(metavar="NAME")]


class _Progress(SetupStatus):
    """Progress of an addition, one line on stderr for each stage."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def show(self, line: str, share: float | None = None) -> None:
        """Print the stage of an installation when it changes."""
        if line != self.line:
            self._output.notice(f"{line} …")
        super().show(line, share)


def add_computer(
    output: Output,
    address: Annotated[str, Argument(metavar="USER@HOST")],
    name: Annotated[str, Option(help="What to call it; by default its host name.")] = "",
    port: Annotated[int | None, Option(min=1, max=65535, help="Port of its SSH service (22).")] = None,
    identity: Annotated[Path | None, Option(metavar="FILE", help="Your own key, instead of a password.")] = None,
    fingerprint: Annotated[
        str, Option(metavar="SHA256:…", help="Its host fingerprint, which is then not requested.")
    ] = "",
    torch_index: Annotated[
        str, Option(metavar="URL", help="Another package index for PyTorch, such as that of its builds for processors.")
    ] = "",
) -> int:
    """Add a computer: confirm its fingerprint, log in once, install Fettle's workers and a restricted key there.

    Without a terminal the password is the first line of standard input, and --fingerprint is needed.
    """
    paths = find_data_folder(output.options.data_dir)
    target = parse_address(address, name, port, computers(paths.computers))
    if identity is not None and not identity.is_file():
        raise usage(f"There is no key file {identity}.")
    folder = prepare(paths).computers
    _confirm(output, target, key := scan(target), fingerprint)
    password = _read_password(target, identity) if identity is None or needs_passphrase(identity) else ""
    added = add(folder, Request(target, key, password, identity, torch_index), _Progress(output), lambda: False)
    _print(output, (added,))
    output.sentence(f"{added.name} was added. It has Fettle's workers {added.workers_version} and a key of its own.")
    return OK


def list_computers(output: Output) -> int:
    """List the computers with what they were at their last check."""
    found = computers(find_data_folder(output.options.data_dir).computers)
    _print(output, found)
    output.sentence(f"{len(found)} known." if found else "None yet. Add one with 'fettle computer add USER@HOST'.")
    return OK


def check_computer(output: Output, name: Name) -> int:
    """Connect to a computer and show what it is now."""
    found = check(find_data_folder(output.options.data_dir).computers, name)
    _print(output, (found,))
    output.sentence(trouble(found, workers_version()) or f"{found.name} can be used.")
    return OK


def remove_computer(output: Output, name: Name) -> int:
    """Remove Fettle's key and files from a computer, and forget it; refused while a run measures there."""
    with workspace(output.options, writes=False, notice=output.notice) as space:
        runs = space.repositories.runs.list()
        run = next((run for run in runs if run.state in UNDER_WAY and run.goal.computer == name), None)
        if run is not None:
            project = space.repositories.projects.get(run.project_id).name
            detail = f"Run {run.id} of {project} is not finished there."
            hint = "Cancel it under Jobs in the window, or by Ctrl-C where its command runs. Then remove the computer."
            raise refusal("computer_in_use", "The computer is in use", detail, hint)
        reached = remove(space.paths.computers, name)
    output.document({"removed": name, "reached": reached})
    left = "It was not reached, so Fettle's files are still there; nobody has the key any more."
    output.sentence(f"{name} was removed. {'Nothing of Fettle is left there.' if reached else left}")
    return OK


def _confirm(output: Output, target: Computer, key: HostKey, expected: str) -> None:
    """Go on if the person or `expected` confirms the fingerprint; else nothing is sent."""
    if expected and expected != key.fingerprint:
        detail = f"{target.address} shows {key.fingerprint}, which is not the expected one. Nothing was sent."
        raise refusal("host_key_changed", "The computer identifies itself by another key", detail, "Check the address.")
    if expected:
        return
    hint = f"Compare it with the computer's own, then add --fingerprint {key.fingerprint}."
    if not is_terminal():
        raise refusal("host_key_unconfirmed", "The fingerprint is not confirmed", f"It is {key.fingerprint}.", hint)
    output.sentence(f"The fingerprint of {target.address} is {key.fingerprint}.")
    output.sentence(
        "Is it the computer's own (shown there by: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)? [y/N]"
    )
    if sys.stdin.readline(16).strip().lower() not in ("y", "yes"):
        raise refusal("host_key_unconfirmed", "The fingerprint is not confirmed", "Nothing was sent.", hint)


def _read_password(target: Computer, identity: Path | None) -> str:
    """Return the password, or the passphrase of the person's key."""
    what = f"Password of {target.address}" if identity is None else f"Passphrase of {identity}"
    info = ErrorInfo(code="no_password", title="No password was given", detail="The input ended.", hint="Enter it.")
    return read_secret("password", f"{what} (used once and not stored): ", REFUSED, info)


def computer_document(one: Computer) -> dict[str, Any]:
    """Return a computer as the command line prints it with --json."""
    facts, hint = one.facts, trouble(one, workers_version())
    return {
        "name": one.name,
        "host": one.address,
        "os": facts.os if facts else None,
        "arch": facts.arch if facts else None,
        "features": list(facts.features) if facts else [],
        "cores": facts.cores if facts else None,
        "memory_bytes": facts.memory_bytes if facts else None,
        "available": facts is not None and workers_version() in facts.versions,
        "hint": hint,
    }


def _print(output: Output, found: tuple[Computer, ...]) -> None:
    output.document({"computers": [computer_document(one) for one in found]})
    for one in found:
        output.text(f"{one.name}  {one.address}")
        if (facts := one.facts) is not None:
            cards = "".join(f", {card.name}" for card in facts.cards)
            output.text(f"  {facts.os}, {facts.processor}, {facts.arch}, {', '.join(facts.feature_titles)}")
            memory, free = bytes_words(facts.memory_bytes), bytes_words(facts.free_disk_bytes)
            output.text(f"  {counted(facts.cores, 'core')}, {memory} memory, {free} free, Python {facts.python}{cards}")
        if hint := trouble(one, workers_version()):
            output.text(f"  {hint}")
