"""What Fettle's own key can do on another computer: the agent's verbs, and nothing else."""

import subprocess
from pathlib import Path

import pytest
from own_sshd import Sshd

from app.computers.records import KEY, KNOWN_HOSTS


@pytest.mark.usefixtures("quick_setup")
def test_restricted_key_runs_verbs_only(own_sshd: Sshd, tmp_path: Path) -> None:
    """Given Fettle's key, Then neither a command, a shell, a terminal, a file transfer nor a forwarded port is given,
    and the setup that the person's login ran is out of reach."""
    own_sshd.place_packages()
    folder = tmp_path / "computers"
    known = own_sshd.add(folder)
    base = [
        "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "ExitOnForwardFailure=yes",
        "-o", f"UserKnownHostsFile={folder / 'target' / KNOWN_HOSTS}", "-i", str(folder / "target" / KEY),
        "-p", str(known.port),
    ]  # fmt: skip
    at, canary = f"{known.user}@{known.host}", tmp_path / "canary"

    def ssh(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [*base, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False
        )
        return done.returncode, done.stdout + done.stderr

    setup = f"python3 -I {known.home}/agent/workers/remote/setup.py {known.home} undo x is_new"
    commands = ("", "id", "sh", setup, f"look; touch {canary}", f"look $(touch {canary})", f"look\ntouch {canary}")
    for command in commands:
        code, text = ssh(at, *([command] if command else []))
        assert (code, "uid=" in text) == (
            (0, False) if command.startswith("look ") or "\n" in command else (3, False)
        ), command
    assert ssh("-s", at, "sftp")[0] == 3 and "PTY allocation request failed" in ssh("-tt", at, "id")[1]
    assert ssh("-N", "-R", "0:127.0.0.1:22", at)[0] == 255
    code, text = ssh("-W", f"127.0.0.1:{known.port}", at)
    assert code == 255 and "prohibited" in text and "SSH-2.0" not in text
    assert not canary.exists() and own_sshd.workers.exists()
