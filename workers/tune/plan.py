"""Which candidates are worth trying on this machine, and why the others are not.

A preset's recipes stay in their order, which is the one that was measured to pay (cheap and promising first). What
cannot work here is dropped with its reason; 8 bits without fast 8-bit arithmetic come last.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from workers.contracts.specs import DeviceFacts, Recipe, RecipeStep
from workers.tune.facts import ModelFacts
from workers.tune.search import Found

FAST_BF16 = {"avx512_bf16", "amx_bf16", "neon_bf16"}
FAST_INT8 = {"avx512_vnni", "avx_vnni", "amx_int8", "neon_i8mm"}
OWN_INT8 = ("int8_static", "int8_dynamic", "int8_mixed")
INT8 = (*OWN_INT8, "nncf_int8")
LEARNED = ("int8_static", "int8_mixed", "nncf_int8")
"""Those with ranges that are learned from examples."""

TINY_MS = 0.5
TINY_BYTES = 20 << 20
"""Only models under this size are worth a probe of their time."""

LIGHT_SHARE = 2
"""Light operators for each heavy one from which on it pays to treat them apart."""

LARGE_GRAPH = 800
"""Operators; with 2,000 of them, quantizing all layers took two minutes and failed, the heavy ones 15 s."""

LEARNING = "structured_prune"
MIN_LEARNING_S = 600.0
"""Seconds of a run from which on a recipe that has to learn is tried; the cheap ones all fit into less."""

LEARNING_SHARE = 0.3
"""Part of the run's time that learning may take: a course that will not hold the limit ends itself long before."""

MIN_COMPILING_S = 600.0
"""Seconds of a run from which on PyTorch's programs are compiled. MobileNetV2 and a BERT of six layers took 15 to 30 s
on two cores, twice that on busy ones; each of the five or so processes that answer and measure does it anew."""

CPU_RUNTIMES = ("onnxruntime-cpu", "openvino")
BASELINE = Recipe(title="Original", why="What everything else is compared with.")


@dataclass(frozen=True)
class Situation:
    """Everything that decides about a recipe. `probe_ms` is the original's first reading, None where unknown.

    `found` is what a look at the model in OpenVINO gave: rewrites and settings that pay. `unavailable` maps techniques
    whose library is not installed to what installs it. `time_budget_s` is the whole run's, None without an end.
    `no_compiler` is why PyTorch cannot compile here, empty where it can.
    """

    model: ModelFacts
    device: DeviceFacts
    runtimes: tuple[str, ...]
    has_calibration: bool
    probe_ms: float | None = None
    found: Found = field(default_factory=Found)
    unavailable: Mapping[str, str] = field(default_factory=dict)
    time_budget_s: float | None = None
    no_compiler: str = ""

    @property
    def tiny(self) -> bool:
        return self.probe_ms is not None and self.probe_ms < TINY_MS

    @property
    def fast_bf16(self) -> bool:
        return bool(FAST_BF16 & set(self.device.features))

    @property
    def fast_int8(self) -> bool:
        return bool(FAST_INT8 & set(self.device.features))


@dataclass(frozen=True)
class Plan:
    """`dropped` holds (title, reason) pairs."""

    candidates: tuple[Recipe, ...]
    dropped: tuple[tuple[str, str], ...]


def make_plan(recipes: Sequence[Recipe], situation: Situation) -> Plan:
    """Fit the recipes to the model and the machine; equal ones stay once, under the first title."""
    kept: list[Recipe] = []
    dropped: list[tuple[str, str]] = []
    renamed: dict[str, str] = {}
    for recipe in _with_added(recipes, situation):
        reason = why_not(recipe, situation)
        if reason is None:
            fitted = fit(recipe, situation)
            renamed[recipe.key] = fitted.key
            twin = next((other for other in kept if _same(other, fitted)), None)
            if _same(fitted, BASELINE):
                reason = "This is the original as it is."
            elif twin is None:
                kept.append(fitted)
            elif twin.title != recipe.title:
                reason = f"It is the same as “{twin.title}” for this model."
        if reason is not None:
            dropped.append((recipe.title, reason))
    kept = _with_new_names(kept, renamed)
    kept, pointless = _without_pointless_single(kept, situation)
    if not situation.fast_int8:
        kept.sort(key=lambda recipe: _has(recipe, *INT8))
    return Plan(tuple(kept), (*dropped, *pointless, *situation.found.dropped))


def why_not(recipe: Recipe, situation: Situation) -> str | None:
    """One sentence why this recipe cannot pay here; None where it may."""
    model = situation.model
    if recipe.runtime not in situation.runtimes:
        return f"The engine {recipe.runtime} is not available here, or was not wanted."
    hints = [situation.unavailable[s.technique] for s in recipe.steps if s.technique in situation.unavailable]
    if hints:
        return f"It needs a library that is not installed: {hints[0]}."
    if recipe.runtime.startswith("torch") and (not model.has_torch or recipe.steps):
        return "No torch source is known for this model, so PyTorch cannot run it."
    if recipe.settings.get("compile"):
        return _why_not_compile(situation)
    if _wants_bf16(recipe) and not situation.fast_bf16:
        return "This processor has no arithmetic for such 16-bit numbers; emulating it would be far slower."
    if _has(recipe, *INT8) and model.precision == "int8":
        return "The model is stored in 8 bits already."
    if _has(recipe, "fp16") and model.precision != "fp32":
        return "The model is stored in half-size numbers already."
    if _has(recipe, *LEARNED):
        if not situation.has_calibration:
            return "It needs examples to learn from, and there are none."
        if model.dense <= 0:
            return "The model has no layers that are faster in 8 bits."
    if _packs_products(recipe):
        if model.precision == "int8":
            return "The model is stored in 8 bits already."
        if model.products <= model.convolutions:
            return "Most of the model's layers are convolutions, whose weights this leaves as they are."
    if _has(recipe, "bias_correction") and not model.biased:
        return "None of the model's layers has a bias that could be corrected."
    if _has(recipe, "smooth_quant") and not model.smoothable:
        return "None of the model's matrix products follows a normalization, so there are no outliers to smooth."
    if _has(recipe, "int8_dynamic") and not model.products:
        return "The model has no matrix products, and convolutions are far slower this way."
    if _has(recipe, "precision_by_operator") and model.light < LIGHT_SHARE * (model.products + model.convolutions):
        return "Nearly all of the model's operators are heavy ones, so none would be spared."
    if _has(recipe, "cascade"):
        if not model.classes:
            return "Only single answers that are one class out of several can be sure or unsure."
        if not situation.has_calibration:
            return "It needs examples to learn from, and there are none."
    if _has(recipe, "length_buckets") and not (model.masked_texts and situation.has_calibration):
        return "It is for models that read texts of any length with a mask, and needs examples."
    if _has(recipe, LEARNING):
        return _why_not_learn(situation)
    if _has(recipe, "magnitude_prune") and not (model.products or model.convolutions):
        return "The model has no layers whose weights could become zero."
    return None


def _why_not_compile(situation: Situation) -> str | None:
    if situation.no_compiler:
        return f"PyTorch cannot compile it: {situation.no_compiler}."
    if situation.time_budget_s is not None and situation.time_budget_s < MIN_COMPILING_S:
        minutes = f"{MIN_COMPILING_S / 60:.0f} minutes or more"
        return f"Each measurement compiles it anew, for half a minute or more; it is tried in runs of {minutes}."
    return None


def _why_not_learn(situation: Situation) -> str | None:
    model, budget_s = situation.model, situation.time_budget_s
    if not situation.has_calibration:
        return "It needs examples to learn from, and there are none."
    if model.stateful or model.branches or model.precision != "fp32":
        return "It learns in PyTorch, which cannot take back a model with a state, branches or small numbers."
    if model.products + model.convolutions < 2:
        return "The model has no layers that could become narrower."
    if budget_s is not None and budget_s < MIN_LEARNING_S:
        return (
            f"It has to learn, which takes minutes; it is tried in runs of {MIN_LEARNING_S / 60:.0f} minutes or more."
        )
    return None


def fit(recipe: Recipe, situation: Situation) -> Recipe:
    """The recipe for this model: steps that do nothing are left out, steps that another one needs are added."""
    model = situation.model
    useless = {"fixed_shape"} if not model.free_sizes or _has(recipe, "length_buckets") else set()
    steps = [step for step in recipe.steps if step.technique not in useless]
    # OpenVINO cannot read some branches: with the input that chooses between them built in they are gone. Some
    # operators it reads only with known axes, and a stateful model takes one step at a time anyway.
    openvino = recipe.runtime == "openvino"
    needed = {
        "fixed_shape": openvino and model.stateful and model.free_sizes,
        "graph_optimize": openvino and model.branches and bool(model.constants),
    }
    for technique, needs in needed.items():
        if needs and not _has(recipe, technique):
            steps.insert(0, RecipeStep(technique=technique))
    settings, why = recipe.settings, recipe.why
    if openvino:
        known = {step.technique for step in steps}
        steps = [*(step for step in situation.found.steps if step.technique not in known), *steps]
        settings = {**situation.found.settings, **settings}
        why = " ".join((why, *situation.found.words)).strip()
    title = recipe.title
    if model.nodes > LARGE_GRAPH and _has(recipe, "int8_static"):
        steps = [_lighter(step) for step in steps]
        title = title.replace("all layers", "heavy layers")
    if not situation.fast_int8:
        steps = [_careful(step) for step in steps]
    steps = [_in_time(step, situation.time_budget_s) for step in steps]
    return recipe.model_copy(update={"steps": tuple(steps), "title": title, "settings": settings, "why": why})


def _with_new_names(recipes: list[Recipe], renamed: dict[str, str]) -> list[Recipe]:
    """The same, where they name others, by what those are known by now."""
    return [
        recipe.model_copy(
            update={
                name: tuple(renamed.get(key, key) for key in getattr(recipe, name))
                for name in ("only_if_failed", "only_if_faster")
            }
        )
        for recipe in recipes
    ]


def _lighter(step: RecipeStep) -> RecipeStep:
    """The quantizer's time grows with the square of the graph: only what gains from 8 bits is quantized."""
    if step.technique != "int8_static":
        return step
    return step.model_copy(update={"params": {"layers": "heavy", "examples": 32, **step.params}})


def _careful(step: RecipeStep) -> RecipeStep:
    """Without VNNI the sums of two 8-bit products can overflow; 7 bits avoid it."""
    if step.technique not in OWN_INT8:
        return step
    return step.model_copy(update={"params": {"reduce_range": True, **step.params}})


def _in_time(step: RecipeStep, budget_s: float | None) -> RecipeStep:
    """What learns gets its part of the run's time, where the recipe does not say how long."""
    if step.technique != LEARNING or budget_s is None:
        return step
    return step.model_copy(update={"params": {"max_s": round(LEARNING_SHARE * budget_s), **step.params}})


def _with_added(recipes: Sequence[Recipe], situation: Situation) -> Iterator[Recipe]:
    """The recipes, and what no preset lists because it depends on the machine or the model.

    Graphics cards come first; a tiny model's recipe is followed by the same on one core.
    """
    if "onnxruntime-cuda" in situation.runtimes:
        why = "A graphics card does many products at once."
        yield Recipe(title="On the graphics card", runtime="onnxruntime-cuda", why=why)
        half = (RecipeStep(technique="fp16", version=2),)
        yield Recipe(title="Half-size numbers on the graphics card", runtime="onnxruntime-cuda", steps=half, why=why)
    if "torch-cuda" in situation.runtimes and situation.model.has_torch:
        yield Recipe(title="PyTorch on the graphics card", runtime="torch-cuda")
    for recipe in [*recipes, BASELINE]:
        if recipe is not BASELINE:
            yield recipe
        shares = recipe.runtime in CPU_RUNTIMES and "num_threads" not in recipe.settings
        if situation.tiny and shares and not _has(recipe, *INT8):
            yield recipe.model_copy(
                update={
                    "title": f"{recipe.title}, on one core",
                    "id": "",
                    "settings": {**recipe.settings, "num_threads": 1},
                    "why": "Very small models lose more time by sharing the work than they gain.",
                }
            )


def _without_pointless_single(kept: list[Recipe], situation: Situation) -> tuple[list[Recipe], list[tuple[str, str]]]:
    """One core beside all cores pays only for tiny models. Where only one core was wanted, it stays."""
    if situation.tiny or (situation.probe_ms is None and situation.model.weight_bytes < TINY_BYTES):
        return kept, []
    reason = "One core pays only for very small models, and this one is larger."
    stay: list[Recipe] = []
    gone: list[Recipe] = []
    for recipe in kept:
        shared = {name: value for name, value in recipe.settings.items() if name != "num_threads"}
        twin = recipe.model_copy(update={"settings": shared})
        pointless = recipe.settings.get("num_threads") == 1 and any(_same(twin, other) for other in kept)
        (gone if pointless else stay).append(recipe)
    return stay, [(recipe.title, reason) for recipe in gone]


def _wants_bf16(recipe: Recipe) -> bool:
    if recipe.settings.get("inference_precision") == "bf16" or _has(recipe, "bf16", "precision_by_operator"):
        return True
    return any(
        step.technique == "cascade" and step.params.get("first", "bf16") != "int8_static" for step in recipe.steps
    )


def _packs_products(recipe: Recipe) -> bool:
    return any(s.technique == "weights_only" and s.params.get("form") != "dequantize" for s in recipe.steps)


def _has(recipe: Recipe, *techniques: str) -> bool:
    return any(step.technique in techniques for step in recipe.steps)


def _same(first: Recipe, second: Recipe) -> bool:
    def key(recipe: Recipe) -> tuple[object, ...]:
        return recipe.runtime, recipe.steps, {"inference_precision": "f32", **recipe.settings}

    return key(first) == key(second)
