"""Run the commands of the versions: bootstrap.py versions install|adopt|back|remove|clean."""

from pathlib import Path

from steps.words import SetupError, print_line

from versions.install import adopt, clean, go_back, install, remove

USAGE = """usage: bootstrap.py versions install ROOT ARCHIVE [SHA256] | adopt ROOT VERSION | back ROOT [CHOICE]
       | remove ROOT VERSION | clean ROOT"""


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code; raises `SetupError`."""
    match arguments:
        case ["install", root, archive, *sha256] if len(sha256) < 2:
            version = install(Path(root), Path(archive), *sha256)
        case ["adopt", root, version]:
            version = adopt(Path(root), version)
        case ["back", root, *choice] if len(choice) < 2:
            version = go_back(Path(root), *map(Path, choice))
        case ["remove", root, version]:
            version = remove(Path(root), version)
        case ["clean", root]:
            version = clean(Path(root))
        case _:
            raise SetupError("This is not a command of the versions.", USAGE)
    print_line(version)
    return 0
