"""Write the manual page and the completions of shells from the declarations of the commands."""

from typing import Any

from typer.main import get_command

from app.cli.commands import EPILOG, commands

GLOBALS = {
    "--data-dir": "Folder for projects, models and results.",
    "--json": "Print JSON for programs.",
    "--quiet": "Print no progress.",
    "--version": "Show the version.",
    "--help": "Show the help.",
}
DESCRIPTION = """Fettle makes a trained machine-learning model smaller and faster, proves that it still gives the same
answers, and exports a bundle that runs on its own. Without a command, it opens its window, with the given files."""
EXIT_CODES = """0 success, 2 wrong usage, 3 unusable input, 4 nothing safe was faster, 5 cancelled,
6 something is missing."""


def rows() -> dict[str, tuple[str, dict[str, str]]]:
    """Return help and options (with their help) of each command and group of commands, by its words."""
    found: dict[str, tuple[str, dict[str, str]]] = {}

    def add(words: str, command: Any) -> None:
        found[words] = (
            command.help or "",
            {
                name: getattr(one, "help", None) or ""
                for one in command.params
                for name in getattr(one, "opts", ())
                if name.startswith("--")
            },
        )
        for name, child in getattr(command, "commands", {}).items():
            add(f"{words} {name}".strip(), child)

    add("", get_command(commands))
    del found[""]
    return found


def bash() -> str:
    """Return the completions of bash: commands, options, and names of files everywhere."""
    cases = "".join(f'        "{words}") list="{_words_after(words)}" ;;\n' for words in ("", *rows()))
    return f"""# Completions of fettle, written from its commands.
_fettle() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" path="" word list=""
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case " {" ".join(words.replace(" ", "_") for words in rows())} " in
            *" ${{path:+${{path}}_}}$word "*) path="${{path:+$path }}$word" ;;
        esac
    done
    case "$path" in
{cases}    esac
    mapfile -t COMPREPLY < <(compgen -W "$list {" ".join(GLOBALS)}" -- "$current"; compgen -f -- "$current")
}}
complete -o filenames -F _fettle fettle
"""


def zsh() -> str:
    """Return the completions of zsh, with the help of each command and option."""
    cases = ""
    for words in ("", *rows()):
        children = [f"{name}:{rows()[f'{words} {name}'.strip()][0]}" for name in _children(words)]
        options = [f"{name}:{text}" for name, text in {**rows().get(words, ("", {}))[1], **GLOBALS}.items()]
        listed = "\n".join(f"            {_quoted(row)}" for row in [*children, *options])
        cases += f'        "{words}") list=(\n{listed}\n        ) ;;\n'
    return f"""#compdef fettle
# Completions of fettle, written from its commands.
_fettle() {{
    local command="" word; local -a list known
    known=({" ".join(_quoted(words) for words in rows())})
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        (( $known[(Ie)${{command:+$command }}$word] )) && command="${{command:+$command }}$word"
    done
    case "$command" in
{cases}    esac
    _describe -o fettle list
    _files
}}
_fettle "$@"
"""


def fish() -> str:
    """Return the completions of fish, with the help of each command and option."""
    lines = ["# Completions of fettle, written from its commands."]
    lines += [f"complete -c fettle -l {name[2:]} -d {_quoted(text)}" for name, text in GLOBALS.items()]
    top = " ".join(_children(""))
    for words, (text, options) in rows().items():
        first, _, last = words.partition(" ")
        before, within = f"not __fish_seen_subcommand_from {top}", f"__fish_seen_subcommand_from {first}"
        if last:
            before = f"{within}; and not __fish_seen_subcommand_from {' '.join(_children(first))}"
            within += f"; and __fish_seen_subcommand_from {last}"
        lines.append(f"complete -c fettle -n '{before}' -a {last or first} -d {_quoted(text)}")
        lines += [f"complete -c fettle -n '{within}' -l {one[2:]} -d {_quoted(help)}" for one, help in options.items()]
    return "\n".join(lines) + "\n"


def manual(version: str, date: str) -> str:
    """Return the manual page in the language of troff."""
    parts = [
        f'.TH FETTLE 1 "{date}" "Fettle {version}" "User Commands"', ".ad l", ".SH NAME",
        r"fettle \- make a machine-learning model smaller and faster, with the same answers", ".SH SYNOPSIS",
        r".B fettle", r"[\fIFILE\fR \&...]", ".br", ".B fettle", r"\fICOMMAND\fR [\fIOPTION\fR \&...]",
        ".SH DESCRIPTION", DESCRIPTION, ".SH OPTIONS", _troff(EPILOG),
    ]  # fmt: skip
    parts += [_option(name, text) for name, text in GLOBALS.items()] + [".SH COMMANDS"]
    for words, (text, options) in rows().items():
        parts += [f".SS {_troff(words)}", _troff(text), *(_option(name, help) for name, help in options.items())]
    parts += [
        ".SH ENVIRONMENT", _option("FETTLE_HOME", "Folder for projects, models and results, as --data-dir."),
        ".SH EXIT STATUS", EXIT_CODES,
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _children(words: str) -> list[str]:
    return [path.rpartition(" ")[2] for path in rows() if path.rpartition(" ")[0] == words]


def _words_after(words: str) -> str:
    return " ".join([*_children(words), *rows().get(words, ("", {}))[1]])


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "").replace("'", "’").replace("\n", " ") + "'"


def _troff(text: str) -> str:
    return " ".join(text.replace("\\", r"\e").replace("-", r"\-").split())


def _option(name: str, text: str) -> str:
    return f".TP\n.B {_troff(name)}\n{_troff(text) or '(no further text)'}"
