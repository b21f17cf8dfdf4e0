"""Run `fettle presets`: list goals, show one, or add a person's own file."""

from pathlib import Path
from typing import Annotated

from typer import Argument

from app.cli.options.inputs import check_exists
from app.cli.output import OK, Output, refusal, usage
from app.cli.session import workspace
from presets.loader import BUILTIN_FOLDER, load_presets
from presets.own_presets import add_preset, preset_text
from workers.contracts.wording import counted


def list_presets(output: Output) -> int:
    """Print all presets; a file that cannot be used is listed with the reason."""
    with workspace(output.options, writes=False, notice=output.notice) as space:
        catalog = load_presets(space.paths.presets)
    own = {preset.id for preset in catalog.presets} - {path.stem for path in BUILTIN_FOLDER.glob("*.yaml")}
    fields = {"id", "title", "summary", "expect", "how_long", "max_loss_pct"}
    rows = [{**preset.model_dump(mode="json", include=fields), "own": preset.id in own} for preset in catalog.presets]
    problems = [
        {"path": str(problem.path), "problem": f"{problem.detail} {problem.hint}"} for problem in catalog.problems
    ]
    output.document({"presets": rows, "problems": problems})
    for row in rows:
        mark = "  (your own)" if row["own"] else ""
        output.text(f"  {row['id']:<16} {row['title']}: {row['summary']} {row['how_long']}.{mark}")
    for problem in problems:
        output.text(f"  not usable: {problem['problem']}")
    output.sentence("Take one with 'fettle optimize MODEL --preset ID'.")
    return OK


def show(output: Output, preset_id: Annotated[str, Argument(metavar="ID")]) -> int:
    """Print a preset as the YAML that `add` accepts."""
    with workspace(output.options, writes=False, notice=output.notice) as space:
        catalog = load_presets(space.paths.presets)
    known = {preset.id: preset for preset in catalog.presets}
    if preset_id not in known:
        raise usage(f"There is no preset {preset_id!r}.", f"Choose one of: {', '.join(known)}.")
    preset = known[preset_id]
    output.document(preset.model_dump(mode="json"))
    output.text(preset_text(preset).rstrip("\n"))
    output.sentence(f"“{preset.title}” tries {counted(len(preset.recipes), 'version')}, in this order.")
    return OK


def add(output: Output, path: Annotated[Path, Argument(metavar="FILE.yaml")]) -> int:
    """Check a file and store it among the person's own presets; the exit code is 3 if it is invalid."""
    check_exists(path)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        try:
            preset = add_preset(path, space.paths.presets)
        except OSError as error:
            detail, hint = f"{space.paths.presets}: {error.strerror or error}.", "Make room there, or check its rights."
            raise refusal("not_written", "The preset could not be kept", detail, hint) from error
    output.document(preset.model_dump(mode="json"))
    output.sentence(f"Added “{preset.title}”: take it with 'fettle optimize MODEL --preset {preset.id}'.")
    return OK
