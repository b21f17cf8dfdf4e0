"""Write the model card: README.md in the hub's format with stored figures (Mitchell et al., arXiv 1810.03993)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from workers.contracts.bundles import CardFacts
from workers.contracts.data.record import DataRecord
from workers.contracts.measured.power import power_words
from workers.contracts.wording import capitalized, in_ms, percent, percent_of
from workers.export.card.foreign import code, plain
from workers.export.card.header import front_matter
from workers.export.card.load import under_load
from workers.export.card.risks import risks
from workers.export.card.scores import how_well
from workers.export.card.speed import SAME, speed_sentence, speedup_words
from workers.export.card.stress import under_stress
from workers.measure.opening import runtime_called
from workers.pipeline.spec import ImageSteps, PipelineSpec

INPUTS = {"image": "photo.jpg", "text": '--text "some text"', "audio": "sound.wav", "array": "inputs.npz"}
"""Replacements of "{input}" in a command, by kind of preparation."""


def for_model(commands: tuple[str, ...], spec: PipelineSpec) -> tuple[str, ...]:
    """Return the commands with an input of the model's kind."""
    return tuple(command.replace("{input}", INPUTS[spec.preprocess.kind]) for command in commands)


MADE_BY = {
    "me": "the person who made this bundle, or their team",
    "others_open": "others, who published them",
    "others_bought": "others, who gave or sold them to that person",
    "made": "a program",
    "unknown": "not known",
}
MAY_USE = {"yes": "yes", "conditions": "yes, under conditions", "no": "no, or not commercially", "unknown": "not known"}
PEOPLE = {"no": "no", "agreed": "yes, and these people agreed", "yes": "yes", "unknown": "not known"}
NOT_ANSWERED = "not answered"


def record_lines(record: DataRecord) -> str:
    """Return three lines of Markdown and the date of the user's answers, which Fettle did not check."""
    rows = (
        ("Who made the examples", MADE_BY.get(record.made_by or "", NOT_ANSWERED)),
        ("May they be used for this purpose", MAY_USE.get(record.may_use or "", NOT_ANSWERED)),
        ("Do they show people or private things", PEOPLE.get(record.people or "", NOT_ANSWERED)),
    )
    lines = [f"- {question}? {answer[:1].upper()}{answer[1:]}." for question, answer in rows]
    day = f" on {record.answered_at[:10]}" if record.answered_at else ""
    return f"\nStated by the person who made this bundle{day}, not checked:\n\n" + "\n".join(lines) + "\n"


VERDICTS = {
    "safe": "Safe: on {n} examples, 95 % sure that the loss stays within the limit of {limit}.",
    "regressed": "Regressed: on {n} examples it answers worse than the limit of {limit} allows.",
    "not_enough_data": "Not proven: {n} examples are too few to be sure of a limit of {limit}.",
    "unmeasured": "Its answers were not compared with the original's.",
}
BOXES_VERDICT = "Not proven: whether it finds the same things as the original was not compared, only its numbers."
ORIGINAL_VERDICT = "This is the original, unchanged."

MAX_FILES = 20
"""Maximum number of the original's files that the card names."""
NOT_SAID = "Not stated by the person who made this bundle."


NOTHING_MORE: Mapping[str, Any] = MappingProxyType({})


def card(
    facts: CardFacts, spec: PipelineSpec, commands: tuple[str, ...], head: Mapping[str, Any] = NOTHING_MORE
) -> str:
    """Return the whole README.md: the hub's header, with a target's entries in `head`, and `card_text`."""
    return f"{front_matter(facts, spec, head)}\n{card_text(facts, spec, commands)}"


def card_text(facts: CardFacts, spec: PipelineSpec, commands: tuple[str, ...]) -> str:
    """Return the part for human readers: `sections` as one text."""
    return "\n".join(sections(facts, spec, commands))


def sections(facts: CardFacts, spec: PipelineSpec, commands: tuple[str, ...]) -> list[str]:
    """Return title, summary, and the sections with headings.

    Args:
        facts: Facts of the card.
        spec: Description of the model.
        commands: The target's own commands.
    """
    return [
        f"# {plain(facts.title)}\n",
        _summary(facts),
        f"## What it is for\n\n{plain(facts.purpose) or NOT_SAID}\n",
        f"## What it is not for\n\n{plain(facts.not_for) or NOT_SAID}\n",
        _measured(facts) + how_well(facts),
        f"## Verdict\n\n{verdict_words(facts, spec)}\n",
        _test_data(facts),
        *([under_stress(facts.stress)] if facts.stress is not None else []),
        *([under_load(facts.load)] if facts.load is not None else []),
        _not_measured(facts),
        risks(facts, spec),
        _how_made(facts),
        _limits(facts, spec),
        _inputs(spec),
        _how_to_run(spec, commands),
        _origin(facts),
    ]


def _summary(facts: CardFacts) -> str:
    words = [] if facts.is_original else [speedup_words(facts)]
    ratio = facts.variant.get("size_ratio")
    if isinstance(ratio, float) and not facts.is_original and not 1 / SAME < ratio < SAME:
        words.append(f"{max(ratio, 1 / ratio):.2f} times {'smaller' if ratio > 1 else 'larger'}")
    words = [word for word in words if word]
    gains = " and ".join(words)
    measured = f" {capitalized(gains)} than the original, measured on {plain(facts.device.processor)}." if words else ""
    first = f"A copy of {plain(facts.project)}, made with Fettle {facts.fettle_version} on {facts.made_at[:10]}."
    other = facts.instead_of
    statement = (
        f"\n\nThe version that is recommended is another one, “{plain(other.title)}” in"
        f" {runtime_called(other.runtime).title}: this kind of bundle needs ONNX."
        " Every figure here is of the version in it."
        if other is not None
        else ""
    )
    return f"{first}{measured}{statement}\n"


ROWS = (
    ("Accuracy", "accuracy", "pct"),
    ("Lowest likely accuracy (95 % confidence)", "accuracy_low", "pct"),
    ("Highest likely accuracy (95 % confidence)", "accuracy_high", "pct"),
    ("Answers that did not change", "agreement", "pct"),
    ("Latency mean", "latency_mean_ms", "ms"),
    ("Latency p50", "latency_p50_ms", "ms"),
    ("Latency p90", "latency_p90_ms", "ms"),
    ("Latency p99", "latency_p99_ms", "ms"),
    ("Answers a second", "throughput_per_s", "number"),
    ("Tokens a second", "tokens_per_s", "number"),
    ("Prompt tokens a second", "prompt_tokens_per_s", "number"),
    ("Tokens a second as a share of what memory allows", "memory_share", "pct"),
    ("Memory while running", "peak_memory_bytes", "bytes"),
    ("Size", "size_bytes", "bytes"),
)


def _measured(facts: CardFacts) -> str:
    lines = ["## What was measured\n", "| | Original | This one |", "|---|---|---|"]
    for title, key, unit in ROWS:
        original, variant = facts.original.get(key), facts.variant.get(key)
        if original is None and variant is None:
            continue
        lines.append(f"| {title} | {figure(original, unit)} | {figure(variant, unit)} |")
    device, engine = facts.device, runtime_called(str(facts.variant["runtime"])).title
    power = power_words(device.power)
    cores = f"{device.cores} cores{f' ({plain(power)})' if power else ''}"
    report = speed_sentence(facts)
    chosen = f" {report}" if report else ""
    if facts.chosen_from > 1:
        chosen += f" It was chosen from {facts.chosen_from} versions: the best of several looks better than it is."
    lines.append(f"\nMeasured on {plain(device.processor)}, {cores}, with {engine}.{chosen}")
    return "\n".join(lines) + "\n"


def figure(value: Any, unit: str) -> str:
    """Return a figure with its unit, rounded for readers; a dash if it was not measured."""
    if not isinstance(value, int | float):
        return "–"
    if unit == "pct":
        return percent(value, 2)
    if unit == "ms":
        return in_ms(value)
    if unit == "bytes":
        return f"{value / 1e6:.2f} MB"
    return f"{value:,.1f}" if value >= 10 else f"{value:.3g}"


def verdict_words(facts: CardFacts, spec: PipelineSpec) -> str:
    """Return the verdict; Markdown if the user gave a reason to export against it."""
    if facts.is_original:
        return ORIGINAL_VERDICT
    verdict = str(facts.variant.get("verdict", "unmeasured"))
    if verdict == "not_enough_data" and spec.answer_kind == "detection" and spec.postprocess is None:
        return BOXES_VERDICT
    n = facts.n_judged if facts.n_judged is not None else facts.data.n_test if facts.data else 0
    words = VERDICTS[verdict].format(limit=percent_of(facts.limit_pct), n=f"{n:,}")
    if facts.data is not None and facts.data.origin == "made":
        words += " There were no real examples: answers were compared on inputs that Fettle made."
    if facts.override_reason:
        words += f"\n\nExported all the same, for this reason: {plain(facts.override_reason)}"
    return words


def _test_data(facts: CardFacts) -> str:
    data = facts.data
    if data is None:
        return "## Test data\n\nThere was none.\n"
    if data.origin == "made":
        words = f"{data.n_test:,} inputs that Fettle made. What real examples would show is not known."
    else:
        labels = "with" if data.labelled else "without"
        words = f"{data.n_test:,} examples of the user's own, {labels} labels that the model knows."
    kept = f" {data.n_calibration:,} others were used for calibration." if data.n_calibration else ""
    statement = record_lines(facts.data_record) if facts.data_record is not None and data.origin == "person" else ""
    return f"## Test data\n\n{words}{kept}\n{statement}"


def _not_measured(facts: CardFacts) -> str:
    """Return properties that a reader might assume although they were not measured."""
    missing = []
    if facts.variant.get("accuracy") is None:
        labelled = facts.data is not None and facts.data.labelled
        why = "they were not compared." if labelled else "the examples had no labels that the model knows."
        missing.append(f"Whether its answers are right: {why}")
    if facts.data is None or facts.data.origin == "made":
        missing.append("How it does on real examples.")
    if facts.stress is None:
        missing.append("Changed, nonsensical and hostile inputs.")
    if facts.load is None:
        missing.append("Many requests at once.")
    if facts.load is None or facts.load.joules is None:
        missing.append("Energy.")
    missing.append("Any other computer than the one above, and data of other times or places.")
    return "## What was not measured\n\n" + "\n".join(f"- {text}" for text in missing) + "\n"


def _how_made(facts: CardFacts) -> str:
    lines = []
    for step in facts.variant.get("recipe") or []:  # type: ignore[union-attr]
        assert isinstance(step, dict)
        given = ", ".join(f"{name} {value}" for name, value in dict(step.get("params") or {}).items())  # type: ignore[arg-type]
        lines.append(f"- `{step['technique']}`, version {step['version']}{f': {plain(given)}' if given else ''}")
    if facts.elsewhere is not None:  # the user's path is private and not shown
        name, made = plain(facts.elsewhere.name), facts.elsewhere
        lines.append(f"- made elsewhere: {name} ({plain(made.format)}, sha256 {code(made.sha256)}), judged as it came")
    engine, precision = runtime_called(str(facts.variant["runtime"])).title, str(facts.variant["precision"])
    lines.append(f"- run by {engine}, with numbers of the kind {code(precision)}")
    return "## How it was made\n\n" + "\n".join(lines) + "\n"


def _limits(facts: CardFacts, spec: PipelineSpec) -> str:
    notes = [plain(str(note)) for note in facts.variant.get("notes") or []]  # type: ignore[union-attr]
    if spec.guessed:
        notes.append(f"Guessed, not found in the model's files: {', '.join(map(plain, spec.guessed))}.")
    notes.append("Times hold for the computer they were measured on; another one may be faster or slower.")
    return "## Known limits\n\n" + "\n".join(f"- {note}" for note in notes) + "\n"


def _inputs(spec: PipelineSpec) -> str:
    lines = ["## Inputs and outputs\n"]
    for word, entries in (("In", spec.inputs), ("Out", spec.outputs)):
        for entry in entries:
            shape = "×".join("any" if size is None else str(size) for size in entry.shape)
            name, size = code(entry.name), plain(shape or "one number")
            lines.append(f"- {word}: {name}, {plain(entry.dtype)}, {size}: {plain(entry.meaning)}")
    columns = [name for entry in spec.inputs for name in entry.columns]
    if columns:
        lines.append(f"- A row holds, in this order: {', '.join(map(code, columns))}")
    steps = spec.preprocess
    if isinstance(steps, ImageSteps) and steps.pixels:
        name = next(entry.name for entry in spec.inputs if entry.source == "image")
        channels = 1 if steps.channels == "gray" else 3
        order = "" if channels == 1 else ", red first"
        words = f"the cropped picture as it is{order}. The model prepares it itself."
        lines.append(f"- {code(name)} also takes pixels: uint8, any×height×width×{channels}, {words}")
    return "\n".join(lines) + "\n"


WATCH = (
    "With `--log FOLDER` it keeps a log of simple figures, never an input; `python monitor.py FOLDER` tells from it "
    "what changed since this was tested."
)


def _how_to_run(spec: PipelineSpec, commands: tuple[str, ...]) -> str:
    lines = "\n".join((*for_model(commands, spec), "python verify.py"))
    return f"## How to run it\n\n```\n{lines}\n```\n\n{WATCH}\n"


def _origin(facts: CardFacts) -> str:
    hub = facts.hub_origin
    lines = [f"- Original: {plain(facts.origin)}, sha256 {code(facts.original_sha256)}"]
    if hub is not None:
        lines.append(
            f"- From: {plain(hub.repo)} by {plain(hub.author or 'an unnamed author')} at {plain(hub.endpoint)}, "
            f"revision {plain(hub.revision)}, commit {code(hub.commit)}, downloaded {plain(str(hub.downloaded_at))}"
        )
        lines += [f"  - {plain(file.name)}, sha256 {code(file.sha256)}" for file in hub.files[:MAX_FILES]]
        if len(hub.files) > MAX_FILES:
            lines.append(f"  - and {len(hub.files) - MAX_FILES} more; all stand in manifest.json")
    lines.append(f"- License: {plain(facts.license) if facts.license else 'unknown, ask its author'}")
    if facts.license_verdict is not None:
        who = "as the hub states it" if hub is not None else "as its own files state it"
        lines.append(f"- What the license allows, {who}: {plain(facts.license_verdict.sentence)}")
    lines.append(f"- Contact: {plain(facts.contact) or 'not stated'}")
    lines.append("- To read and to print: `card.html`")
    lines.append("- For programs: `bom.json` (CycloneDX 1.6 with a model card)")
    lines.append("- For assessments: `EVIDENCE.md`, by NIST AI RMF 1.0 and ISO/IEC 42001")
    return "## Origin\n\n" + "\n".join(lines) + "\n"
