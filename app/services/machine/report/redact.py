"""Replace everything private in a text by placeholders.

A free text keeps only words that occur in the program's own source, so a name, a label or a cell of a table cannot
pass, whoever wrote the message. Known names, paths, addresses, quoted texts and long numbers go first. The same text
gets the same placeholder everywhere, so that a reader can follow it: ``<file 1>.onnx``.
"""

import builtins
import functools
import re
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

PROGRAM = Path(__file__).parents[4]
ROOMS = ("app", "widgets", "workers", "presets")
WORD = re.compile(r"[^\W_]+")
WHOLE_WORD = re.compile(r"\w+")
RUN = re.compile(r"\d+|\D+")
MOST_RUNS = 3
"""Most changes between letters and digits in a word such as ``224x224``; a digest or a token has more."""
MOST_DIGITS = 6
LEAST_NAME = 3
SUFFIXES = (
    "onnx|ort|safetensors|pth?|pt2|ckpt|bin|gguf|xml|h5|keras|pb|tflite|engine|plan|npz|npy|csv|tsv|jsonl?|txt|md|html?"
    "|png|jpe?g|bmp|gif|webp|tiff?|wav|mp3|flac|ogg|mp4|ya?ml|zip|tar|gz|zst|db|log|pem|key|pkl|pickle|parquet|xlsx?"
    "|pdf|docx?|dcm|nii|data|model|ini|cfg|toml|part|py|so|dll"
)
TOKEN = r"\b(?:hf_|sk-|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|AKIA|AIza|eyJ)[\w.\-]{6,}"
ADDRESS = (
    r"(?<![\w.+\-])(?:[a-z][a-z0-9+.\-]*://[^\s'\"“”<>]+|[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)*)"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b|(?<![\w:])[0-9a-f]{0,4}(?:::?[0-9a-f]{1,4}){3,7}\b"
)
START = r"(?:~?/|(?<!\w)[A-Za-z]:[\\/]|\\\\)"
PATH = rf"(?<![\w.\-/]){START}(?:[^\n'\"“”<>|:]{{0,200}}?\.(?:{SUFFIXES})\b|[^\s'\"“”<>|,;:()\[\]]+)"
FILE = rf"(?<![\w.\-+\\/])[\w.\-+\\/]*\w\.(?:{SUFFIXES})\b"
QUOTED = r"(?<!\w)'[^'\n]{1,500}'(?!\w)|\"[^\"\n]{1,500}\"|“[^”\n]{1,500}”|‘[^’\n]{1,500}’|«[^»\n]{1,500}»"
NUMBER = rf"(?<![\d.])\+?\d[\d \-]{{6,}}\d(?!\d|\.\d)|\b\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}\b|\d{{{MOST_DIGITS + 1},}}"
PATTERNS = {
    "token": TOKEN, "address": ADDRESS, "quoted": QUOTED, "path": PATH, "file": FILE, "number": NUMBER,
    "word": WORD.pattern,
}  # fmt: skip
FRAME = re.compile(r'^(\s*(?:\|\s*)?File )"(.+)", line (\d+), in (.+)$')
LOGGED = re.compile(r"^(\d{4}-\d\d-\d\dT[\d:.]+Z [A-Z]+ [\w.]+: )")


@functools.cache
def public_words() -> frozenset[str]:
    """Return the words of the program's source; a word that occurs only as a name does, like Smith, is not among them.

    Words with capitals inside, such as names of errors and operators, count as they are written.
    """
    found = {*WORD.findall(" ".join((*dir(builtins), *sys.stdlib_module_names)))}
    for room in ROOMS:
        for path in (PROGRAM / room).rglob("*.py"):
            found.update(WORD.findall(path.read_text(encoding="utf-8", errors="replace")))
    return frozenset(word for word in found if not word[1:].islower() or word.islower())


@functools.cache
def _roots() -> dict[Path, str]:
    """Return the folders of public source, the innermost first, by the name that they get."""
    libraries = {Path(sysconfig.get_path(name)).resolve(): "libraries" for name in ("purelib", "platlib")}
    every = {**libraries, Path(sysconfig.get_path("stdlib")).resolve(): "python", PROGRAM: "fettle"}
    return dict(sorted(every.items(), key=lambda item: -len(item[0].parts)))


def is_public(text: str) -> bool:
    """Return whether each word of a text is a short number or occurs in the program's source."""
    return all(map(_is_public_word, WORD.findall(text)))


def _is_public_word(word: str) -> bool:
    known = public_words()
    if word in known or word.lower() in known:
        return not word.isdigit() or len(word) <= MOST_DIGITS
    runs = RUN.findall(word)
    has_digits = any(run.isdigit() for run in runs)
    return has_digits and len(runs) <= MOST_RUNS and all(
        len(run) <= MOST_DIGITS if run.isdigit() else run.lower() in known for run in runs
    )  # fmt: skip


class Redactor:
    """The placeholders of one report; known `names`, secrets among them, are private even if their words are public.

    Only a single public word, such as "model", is no private name. `labels` are private in sentences, but not in
    finished files, where they may be words of the program. `places` have placeholders that say what they are.
    """

    def __init__(
        self, names: Iterable[str], labels: Iterable[str] = (), places: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Create a redactor without other placeholders."""
        known = {one for one in (*names, *places) if len(one) >= LEAST_NAME}
        private = {one for one in known if not (WORD.fullmatch(one) and is_public(one))}
        self._names = _by_word(private)
        self._all = _by_word(private | {one for one in labels if len(one) >= LEAST_NAME and not one.isdigit()})
        self._counts: dict[str, int] = {}
        self._placeholders = {("name", place.casefold()): f"<{what}>" for place, what in places.items()}

    def lines(self, text: str) -> str:
        """Return a log or a traceback; frames keep file, line and function, and no line of source."""
        kept: list[str] = []
        in_frame, known = False, self._known(text, self._all)
        pattern = _pattern(known=known, **PATTERNS)
        for line in text.splitlines():
            if frame := FRAME.match(line):
                start, path, number, function = frame.groups()
                place = self._path(path)
                kept.append(f'{start}"{place}", line {number}, in {"…" if place.startswith("<") else function}')
                in_frame = True
            elif not (in_frame and line.startswith("    ")):
                start_at = stamp.end() if (stamp := LOGGED.match(line)) else 0
                kept.append(line[:start_at] + pattern.sub(self._placeholder, line[start_at:]))
                in_frame = False
        return "\n".join(kept)

    def tree(self, value: Any) -> Any:
        """Return a JSON value with redacted texts."""
        if isinstance(value, str):
            return self.lines(value)
        if isinstance(value, dict):
            return {self.lines(str(key)): self.tree(one) for key, one in value.items()}
        return [self.tree(one) for one in value] if isinstance(value, (list, tuple)) else value

    def scanned(self, text: str, *, has_versions: bool = False) -> str:
        """Return a finished file after a last search for secrets, known names, tokens and addresses.

        With `has_versions` its numbers such as 12.9.1.4 are versions, not addresses.
        """
        address = r"(?!)" if has_versions else ADDRESS
        kinds = {"known": self._known(text, self._names), "token": TOKEN, "address": address}
        return _pattern(**kinds).sub(self._placeholder, text)

    def _placeholder(self, match: re.Match[str]) -> str:
        kind, text = str(match.lastgroup), match.group()
        if kind == "word":
            return text if _is_public_word(text) else self._place("word", text)
        if kind == "path":
            return self._path(text)
        inside = text[1:-1] if kind == "quoted" else text
        if kind in ("known", "quoted") and re.search(rf"\.(?:{SUFFIXES})$", inside, re.I):
            return self._place("file", inside)
        if kind == "number" and text.isdigit():
            return f"about {float(text):.0e}"
        return self._place({"known": "name", "quoted": "text"}.get(kind, kind), text)

    def _path(self, text: str) -> str:
        """Return where in public source a path leads, else a placeholder."""
        path = Path(text)
        for root, name in _roots().items():
            if path.is_relative_to(root) and path.suffix in (".py", ".so") and path.is_file():
                return f"{name}/{path.relative_to(root).as_posix()}"
        return self._place("file", text)

    def _place(self, kind: str, text: str) -> str:
        """Return the placeholder of a text; a file keeps its suffix and has one number, by whichever path."""
        name = re.split(r"[\\/]", text.rstrip("\\/"))[-1] if kind == "file" else text
        suffix = re.search(rf"\.(?:{SUFFIXES})$", name, re.I) if kind == "file" else None
        key = (kind, name.casefold())
        if key not in self._placeholders:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._placeholders[key] = f"<{kind} {self._counts[kind]}>{suffix.group() if suffix else ''}"
        return self._placeholders[key]

    @staticmethod
    def _known(text: str, names: Mapping[str, Iterable[str]]) -> str:
        """Return a pattern of the names that occur in a text, longest first; one that matches nothing without any."""
        folded = text.casefold()
        near = (name for word in {"", *WHOLE_WORD.findall(folded)} for name in names.get(word, ()))
        found = sorted((name for name in near if name.casefold() in folded), key=len, reverse=True)
        return "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in found) or r"(?!)"


def _by_word(names: Iterable[str]) -> dict[str, list[str]]:
    """Return names by their longest word, so that a text is searched for few of the names of many examples."""
    found: dict[str, list[str]] = {}
    for name in names:
        word = max(WHOLE_WORD.findall(name.casefold()), key=len, default="")
        found.setdefault(word, []).append(name)
    return found


@functools.lru_cache(maxsize=8)
def _pattern(**kinds: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in kinds.items()), re.IGNORECASE)
