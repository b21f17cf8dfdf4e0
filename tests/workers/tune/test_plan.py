"""Recipes that are tried on a computer, and the reasons for the others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from compiled_program import with_program
from onnx import helper, numpy_helper
from recording import RecordingContext
from situations import FOUND, POOR, RICH, planner, reasons
from small_models import floats, model_of, nodes_of

from presets.loader import BUILTIN_FOLDER, load_preset
from workers.contracts.jobs import PlanParams, PlanResult
from workers.contracts.planning import Dropped, ModelFacts, Reason
from workers.contracts.specs import Recipe, RecipeStep
from workers.jobs.plan import run
from workers.quantize import weights_only
from workers.tune.facts import probe_ms, read_facts

MODEL = ModelFacts(products=1, convolutions=5, depthwise=2, free_sizes=True, precision="fp32", weight_bytes=50 << 20)

SHIPPED = {shipped.title: shipped for shipped in load_preset(BUILTIN_FOLDER / "fastest.yaml").recipes}


def recipe(title: str, *techniques: str, runtime: str = "openvino", **settings: object) -> Recipe:
    steps = tuple(RecipeStep(technique=technique) for technique in techniques)
    return Recipe(title=title, steps=steps, runtime=runtime, settings=settings)


PRESET = (
    recipe("Faster engine", "fixed_shape"),
    recipe("16 bits", "fixed_shape", "bf16"),
    recipe("INT8", "fixed_shape", "int8_static"),
    recipe("INT8 dynamic", "int8_dynamic", runtime="onnxruntime-cpu"),
    recipe("Torch", runtime="torch-cpu"),
    recipe("Tidied", "graph_optimize", runtime="onnxruntime-cpu"),
)


def make_plan(recipes, **changes) -> PlanResult:
    return planner(**{"model": MODEL, **changes}).plan(recipes)


def titles(plan) -> list[str]:
    return [recipe.title for recipe in plan.candidates]


def test_reasons_are_whole_sentences() -> None:
    bare = replace(MODEL, products=0, convolutions=0, depthwise=0)
    plan = make_plan(PRESET, runtimes=("onnxruntime-cpu",), has_calibration=False, model=bare)
    assert titles(plan) == ["Tidied"]
    assert all(text[0].isupper() and text.endswith(".") for text in reasons(plan).values())


def test_fixed_sizes_need_no_step_and_equal_recipes_stay_once() -> None:
    """Given a model without free sizes, Then that step is left out, and what is then equal is tried once."""
    fixed = replace(MODEL, free_sizes=False)
    plan = make_plan([*PRESET, recipe("Again"), recipe("F32", inference_precision="f32")], model=fixed)
    assert plan.candidates[0].steps == ()
    assert "Again" not in titles(plan) and "“Faster engine”" in reasons(plan)["Again"]
    assert "F32" not in titles(plan)
    assert "original" in reasons(make_plan([recipe("O", runtime="onnxruntime-cpu")]))["O"]


def test_one_core_is_dropped_for_larger_models_unless_it_is_alone() -> None:
    single = recipe("One core", "fixed_shape", num_threads=1)
    assert titles(make_plan([*PRESET[:1], single])) == ["Faster engine"]
    assert titles(make_plan([single])) == ["One core"]


@pytest.mark.parametrize("cores", [1, 2])
def test_recipes_on_one_core_are_tried_whatever_the_computer_has(cores: int) -> None:
    """Given a larger model and recipes that all name one core, as for a small device, Then each is tried: also where
    the computer has no more, so that a recipe is the same as itself on all cores."""
    single = [recipe("Fixed", "fixed_shape", num_threads=1), recipe("Half", "bf16", num_threads=1)]
    plan = make_plan(single, probe_ms=50.0, device=RICH.model_copy(update={"cores": cores}))
    assert titles(plan) == ["Fixed", "Half"] and plan.dropped == ()


@pytest.mark.parametrize("cores", [1, 2])
def test_tiny_models_are_tried_on_one_core_where_there_are_more(cores: int) -> None:
    plan = make_plan(PRESET[:1], probe_ms=0.1, device=RICH.model_copy(update={"cores": cores}))
    pairs = ["Faster engine", "Faster engine, on one core", "Original, on one core"]
    assert titles(plan) == pairs[: 1 if cores == 1 else 3]
    assert [one.reason.code for one in plan.dropped] == (["same_as_other", "unchanged"] if cores == 1 else [])


def test_large_graphs_quantize_their_heavy_layers_only() -> None:
    """Given 2,000 operators, Then INT8 is limited to heavy layers, which its other title names; without one the reason has it."""
    large = replace(MODEL, nodes=2000)
    plain = recipe("INT8, all layers", "int8_static")
    (shipped,) = make_plan([SHIPPED["INT8, all layers"]], model=large).candidates
    assert (shipped.title, shipped.id) == ("INT8, heavy layers", "int8") and "operators" not in shipped.why
    assert shipped.steps[-1].params == {"layers": "heavy", "examples": 32}
    (report,) = make_plan([plain], model=large).candidates
    assert report.title == "INT8, all layers" and "only its heavy layers" in report.why
    step = RecipeStep(technique="int8_static", params={"layers": "all"})
    (own,) = make_plan([plain.model_copy(update={"steps": (step,)})], model=large).candidates
    assert own.steps[0].params == {"layers": "all", "examples": 32} and "heavy" not in own.why


def test_biases_are_corrected_where_there_are_some() -> None:
    corrected = recipe("Corrected", "int8_static", "bias_correction")
    assert "bias" in reasons(make_plan([corrected]))["Corrected"]
    biased = replace(MODEL, biased=3)
    assert titles(make_plan([corrected], model=biased)) == ["Corrected"]


def test_technique_without_its_library_is_not_tried() -> None:
    """Given a technique without its library, Then the reason has the line that installs it."""
    by_nncf = recipe("By NNCF", "nncf_int8")
    plan = make_plan([by_nncf], unavailable={"nncf_int8": "It is elsewhere."})
    assert reasons(plan)["By NNCF"] == "It needs a part that is not installed yet. It is elsewhere."
    assert titles(make_plan([by_nncf])) == ["By NNCF"]
    poor = make_plan([by_nncf], device=POOR)
    assert poor.candidates[0].steps[0].params == {}, "it has no such parameter"


def test_packed_weights_are_for_models_of_products() -> None:
    packed = recipe("Packed", "weights_only")
    assert "convolutions" in reasons(make_plan([packed]))["Packed"]
    products = replace(MODEL, products=9)
    assert titles(make_plan([packed], model=products)) == ["Packed"]
    small = replace(products, precision="int8")
    assert "8 bits already" in reasons(make_plan([packed], model=small))["Packed"]
    stored = Recipe(title="Stored", steps=(RecipeStep(technique="weights_only", params={"form": "dequantize"}),))
    assert titles(make_plan([stored])) == ["Stored"]


def test_recipe_with_a_new_title_keeps_its_id() -> None:
    """Given INT8 that has another title, by a person or for a large graph, Then what waits for it still means it."""
    shipped = SHIPPED["INT8, all layers"]
    recipes = [shipped.model_copy(update={"title": "Mine"}), SHIPPED["INT8, sensitive layers kept"]]
    for nodes in (100, 2000):
        first, careful = make_plan(recipes, model=replace(MODEL, nodes=nodes)).candidates
        assert first.id == shipped.id and first.id in careful.only_if_failed and first.id in careful.only_if_faster


def test_graphics_cards_are_added_where_they_work() -> None:
    plan = make_plan(PRESET[:1], runtimes=("onnxruntime-cpu", "openvino", "onnxruntime-cuda"))
    assert titles(plan) == ["On the GPU", "FP16 on the GPU", "Faster engine"]


def test_classic_model_is_not_tried_with_openvino() -> None:
    """Given trees (ai.onnx.ml), When the recipes are planned, Then those of OpenVINO, which cannot read them, are left out."""
    plan = make_plan(PRESET, model=replace(MODEL, classic=True))
    assert {recipe.runtime for recipe in plan.candidates} <= {"onnxruntime-cpu", "torch-cpu"}
    assert {entry.reason.code for entry in plan.dropped if entry.title in ("16 bits", "INT8")} == {"classic"}


def test_cascade_over_int8_needs_no_bf16() -> None:
    suited = replace(MODEL, classes=True)
    step = RecipeStep(technique="cascade", params={"first": "int8_static"})
    plan = make_plan([Recipe(title="C", steps=(step,), runtime="openvino")], model=suited, device=POOR)
    assert titles(plan) == ["C"]


def test_search_result_goes_into_every_recipe_of_the_engine() -> None:
    """Given a rewrite and a setting that pay, Then OpenVINO's recipes have them, others do not, and the reason names them."""
    little = Dropped(title="Transposes removed", reason=Reason(code="little_time", text="It saves too little."))
    found = replace(FOUND, dropped=[little])
    own = recipe("Own", "gather_rewrite", tbb_partitioner="static")
    plan = make_plan([*PRESET, own], found=found)
    by_title = {recipe.title: recipe for recipe in plan.candidates}
    faster = by_title["Faster engine"]
    assert [step.technique for step in faster.steps] == ["gather_rewrite", "fixed_shape"]
    assert faster.settings == {"tbb_partitioner": "auto"} and faster.why.endswith("1.20 times as fast.")
    assert [step.technique for step in by_title["Own"].steps] == ["gather_rewrite"]
    assert by_title["Own"].settings == {"tbb_partitioner": "static"}
    assert [step.technique for step in by_title["Tidied"].steps] == ["graph_optimize"]
    assert little in plan.dropped


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("texts", {"masked_texts": True, "classes": True}),
        ("one_hot", {"masked_texts": False, "classes": True, "light": 4}),
        ("cnn", {"products": 1, "convolutions": 2, "depthwise": 0, "free_sizes": True, "biased": 1}),
        ("hidden_weights", {"biased": 3}),
        ("transformer", {"products": 5, "convolutions": 0, "stateful": False}),
        ("constants", {"products": 2, "precision": "fp32", "has_torch": False}),
        ("stateful", {"products": 5, "branches": True, "constants": ("sr",), "stateful": True}),
    ],
)
def test_facts_are_read_from_the_graph(kind: str, wanted: dict, make_small) -> None:
    facts = read_facts(make_small(kind).folder)
    assert {name: getattr(facts, name) for name in wanted} == wanted
    assert facts.weight_bytes > 100


def test_packed_weights_are_known_as_eight_bits(make_small, apply) -> None:
    """Given a model whose products are packed already, Then its facts have 8 bits, and no INT8 is planned on top."""
    facts = read_facts(apply(weights_only.SPEC, make_small("transformer")).folder)
    assert facts.precision == "int8"
    plan = make_plan([recipe("INT8", "int8_dynamic"), recipe("Packed", "weights_only")], model=facts)
    assert titles(plan) == []


def test_probe_times_small_models_with_and_without_data(small) -> None:
    assert 0 < (probe_ms(small.folder, small.data, 1) or 0) < 1000
    assert 0 < (probe_ms(small.folder, None, 1) or 0) < 1000


def job(folder: Path, recipes: tuple[Recipe, ...], runtimes: tuple[str, ...], ctx: RecordingContext) -> PlanResult:
    named = {"preset_steps": recipes, "runtimes": runtimes}
    return run(PlanParams(model_dir=str(folder), device=RICH, has_calibration=False, **named), ctx)


def test_job_plans_for_a_real_folder(make_small, tmp_path: Path) -> None:
    """Given a small model and no calibration data, Then the job names the baseline and logs what it dropped."""
    small = make_small("cnn")
    ctx = RecordingContext(tmp_path)
    result = job(small.folder, PRESET, ("onnxruntime-cpu", "openvino"), ctx)
    assert result.baseline.title == "Original" and result.baseline.runtime == "onnxruntime-cpu"
    assert "Faster engine" in [recipe.title for recipe in result.candidates]
    assert reasons(result)["INT8"].startswith("It needs examples")
    assert any("INT8" in log.text for log in ctx.logs)


def test_job_looks_for_a_compiler(make_small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a computer without a compiler, Then the job plans PyTorch as it is, and has the reason why not compiled."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    recipes = (SHIPPED["PyTorch"], SHIPPED["PyTorch, compiled"])
    folder = with_program(make_small("cnn")).folder
    result = job(folder, recipes, ("onnxruntime-cpu", "torch-cpu"), RecordingContext(tmp_path))
    assert "PyTorch" in [recipe.title for recipe in result.candidates]
    assert "no C++ compiler" in reasons(result)["PyTorch, compiled"]


def normalized(written_out: bool) -> onnx.ModelProto:
    """Two products of one normalized value, the normalization as one operator or as exporters wrote it before; and one
    product of something else."""
    rng = np.random.default_rng(1)
    values = {name: rng.normal(size=size) for name, size in {"wa": (20, 8), "wb": (20, 8), "head": (8, 4)}.items()}
    values |= {"scale": np.ones(20), "shift": np.ones(20), **({"small": np.array(1e-5)} if written_out else {})}
    tensors = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in values.items()]
    node = helper.make_node
    out = nodes_of("""
        mean = ReduceMean <axes = [-1]> (x); d = Sub (x, mean); dd = Mul (d, d)
        variance = ReduceMean <axes = [-1]> (dd); v = Add (variance, small); deviation = Sqrt (v)
        plain = Div (d, deviation); scaled = Mul (plain, scale); n = Add (scaled, shift)
    """)
    one = [node("LayerNormalization", ["x", "scale", "shift"], ["n"], axis=-1)]
    products = [node("MatMul", ["n", "wa"], ["a"]), node("MatMul", ["n", "wb"], ["b"])]
    products += [node("Add", ["a", "b"], ["ab"]), node("MatMul", ["ab", "head"], ["y"])]
    return model_of([*(out if written_out else one), *products], [floats("x", "n", 20)], [floats("y", "n", 4)], tensors)


@pytest.mark.parametrize("written_out", [False, True])
def test_products_behind_a_normalization_are_found(written_out: bool, make_small) -> None:
    """Given a normalization in either form, Then the value that two products share is counted once, others are not."""
    assert read_facts(make_small("constants", normalized(written_out)).folder).smoothable == 1
    assert read_facts(make_small("cnn").folder).smoothable == 0
