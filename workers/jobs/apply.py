"""Job kind ``apply``: run the steps of a recipe in sequence, each in its own folder, and keep the last result."""

import shutil
from pathlib import Path

from pydantic import ValidationError

from workers import registry
from workers.contracts.errors import BackendMissing, InputRefused
from workers.contracts.folder import read_model
from workers.contracts.jobs import ApplyParams, ApplyResult
from workers.contracts.optional_sets import where_to_install
from workers.contracts.process.context import JobContext, derived
from workers.contracts.specs import RecipeStep
from workers.contracts.techniques import Model, TechniqueParams, TechniqueSpec
from workers.contracts.translation import _, joined
from workers.convert.parts import apply_to_parts, has_parts
from workers.quantize.eight_bits import made_for


def run(params: ApplyParams, ctx: JobContext) -> ApplyResult:
    """Apply `steps` to the model and write ``work_dir/model``; no files remain when a step fails."""
    model = read_model(Path(params.model_dir))
    planned = [(find_technique(step), step) for step in params.steps]
    checked = [(spec, check_params(spec, step)) for spec, step in planned]
    if not checked:
        raise InputRefused(
            "recipe_empty",
            "The recipe has no steps",
            "There is nothing to apply to the model.",
            "Use the original as it is, or add a step.",
        )
    scratch = ctx.work_dir / "steps"
    try:
        for number, (spec, step_params) in enumerate(checked):
            ctx.check_cancelled()
            ctx.progress(spec.title, number, len(checked), "steps")
            check_fits(spec, model)
            folder = scratch / str(number)
            folder.mkdir(parents=True)
            step_ctx = derived(ctx, work_dir=folder, original=Path(params.model_dir))
            with made_for(params.fast):
                if has_parts(model):
                    artifact = apply_to_parts(spec, model, step_params, step_ctx)
                else:
                    artifact = spec.apply(model, step_params, step_ctx)
            model = Model(folder / "model", artifact)
        final = ctx.work_dir / "model"
        shutil.rmtree(final, ignore_errors=True)
        model.folder.replace(final)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return ApplyResult(artifact=model.artifact)


def find_technique(step: RecipeStep) -> TechniqueSpec:
    """Return the technique of a step.

    Raises:
        InputRefused: The technique is unknown.
        BackendMissing: Its library is missing.
    """
    specs = registry.techniques()
    if step.technique not in specs:
        raise InputRefused(
            "unknown_technique",
            "There is no such technique",
            _("Fettle knows no technique called {0!r}; it knows {1}.").format(
                step.technique, joined(sorted(specs), ", ")
            ),
            "Correct the recipe.",
        )
    spec = specs[step.technique]
    if spec.params.version < step.version:
        raise InputRefused(
            "technique_too_old",
            "This recipe needs a newer Fettle",
            _("{0} is here in version {1}, the recipe needs {2}.").format(
                _(spec.title), spec.params.version, step.version
            ),
            "Update Fettle, or correct the recipe.",
        )
    missing = registry.missing(spec.requires)
    if missing:
        raise BackendMissing(
            "technique_missing",
            _("{0} is not available").format(_(spec.title)),
            _("It needs {0}, which is not installed.").format(", ".join(missing)),
            where_to_install(spec.installs),
            by_command=f"{spec.install_hint}.",
        )
    return spec


def check_params(spec: TechniqueSpec, step: RecipeStep) -> TechniqueParams:
    """Return the step's parameters, checked against their bounds.

    Raises:
        InputRefused: A parameter is wrong; the error names the first one.
    """
    try:
        return spec.params.model_validate(step.params)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "parameters"
        raise InputRefused(
            "bad_parameter",
            "A parameter of the recipe is not right",
            f"{spec.title}, {where}: {first['msg']}.",
            "Correct this value in the recipe.",
        ) from error


def check_fits(spec: TechniqueSpec, model: Model) -> None:
    """Raise InputRefused if the technique does not accept the model as the earlier steps left it."""
    if model.artifact.format not in spec.accepts:
        raise InputRefused(
            "format_does_not_fit",
            _("{0} does not fit here").format(_(spec.title)),
            _("It takes {0}, and the model is {1} by now.").format(", ".join(spec.accepts), model.artifact.format),
            "Change the order of the steps.",
        )
    if spec.follows and not {step.technique for step in model.artifact.steps}.intersection(spec.follows):
        raise InputRefused(
            "step_missing",
            _("{0} does not fit here").format(_(spec.title)),
            _("It improves what another step has made: {0}.").format(joined(spec.follows, ", ")),
            "Put one of these steps before it.",
        )
