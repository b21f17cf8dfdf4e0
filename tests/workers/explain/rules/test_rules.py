"""Each rule on made facts: it explains its difference, and says nothing about equal models or about noise."""

from dataclasses import replace

import pytest
from made_facts import Model, facts, layer

from workers.contracts.after.changes import Reason
from workers.evaluate.kinds import kinds_in
from workers.explain import rules
from workers.explain.reasoning import reasons
from workers.explain.speed import SpeedFacts

CONVOLUTIONS = [("conv0", "Conv"), ("act0", "Relu"), ("conv1", "Conv")]


def convolutions(ms: float = 1.0, precision: str = "f32", **more) -> list:
    """Return the layers of two convolutions, the first fused with what follows it."""
    first = layer("conv0", "Conv", ms, precision, origins=("conv0", "act0"), values=1000, **more)
    return [first, layer("conv1", "Conv", ms, precision, values=1000, **more)]


PLAIN = Model(CONVOLUTIONS, convolutions())


def with_operators(*added: tuple[str, str], layers=()) -> Model:
    """Return the plain model with operators before its last one, and layers of them."""
    return Model([*CONVOLUTIONS[:2], *added, CONVOLUTIONS[2]], [*convolutions(), *layers])


CASTS = with_operators(
    ("down", "Cast"), ("up", "Cast"), layers=[layer("down", "Cast", 0.3), layer("up", "Cast", 0.2, "f16")]
)
ROUNDED = Model(
    [("q", "QuantizeLinear"), ("d", "DequantizeLinear"), ("conv0", "Conv"), ("act0", "Relu"), ("conv1", "Conv")],
    [layer("q", "QuantizeLinear", 0.2), layer("d", "DequantizeLinear", 0.2, "int8"), *convolutions()],
)
SLOW = Model(CONVOLUTIONS, [convolutions()[0], layer("conv1", "Conv", 3.0, kernel="ref_any_f32", values=1000)])
COPY = with_operators(("join", "Concat"), layers=[layer("join", "Concat", 0.4)])
REORDERED = Model(CONVOLUTIONS, [*convolutions(), layer("conv1_abcd_acdb", "Reorder", 0.4)])
IN_PARTS = Model(
    [("conv0", "Conv"), ("act0", "Relu"), ("conv1", "Conv")],
    [layer("conv0", "Conv", 1.0), layer("act0", "Relu", 0.4), layer("conv1", "Conv", 1.0, values=1000)],
)
GELU = with_operators(("gelu", "Gelu"), layers=[layer("gelu", "Gelu", 0.2)])
GELU_PARTS = with_operators(
    ("div", "Div"), ("erf", "Erf"), ("mul", "Mul"), layers=[layer(name, name, 0.3) for name in ("div", "erf", "mul")]
)
SPLIT = Model(CONVOLUTIONS, convolutions(parallel=True), threads=2)
UNSPLIT = Model(
    CONVOLUTIONS,
    [convolutions(parallel=True)[0], layer("conv1", "Conv", 1.9, values=1000, parallel=False)],
    threads=2,
)
FREE = Model(
    [*CONVOLUTIONS[:2], ("shape", "Shape"), CONVOLUTIONS[2]],
    [*convolutions(), layer("shape", "Shape", 0.3)],
    free_sizes=True,
)
TINY = Model(CONVOLUTIONS, convolutions(0.01), outside_ms=0.2)
TINY_BF16 = Model(CONVOLUTIONS, convolutions(0.005, "bf16"), outside_ms=0.2)

CASES = [
    ("conversions", PLAIN, CASTS, -0.5, {"down", "up"}),
    ("conversions", CASTS, PLAIN, 0.5, {"down", "up"}),
    ("unfused_rounding", PLAIN, ROUNDED, -0.4, {"q", "d", "conv0", "act0"}),
    ("layouts", PLAIN, REORDERED, -0.4, {"conv1_abcd_acdb"}),
    ("larger_inputs", PLAIN, Model(CONVOLUTIONS, [convolutions()[0], layer("conv1", "Conv", 4.0, values=4000)]), -3.0,
     {"conv1"}),
    ("reference_kernels", PLAIN, SLOW, -2.0, {"conv1"}),
    ("number_formats", PLAIN, Model(CONVOLUTIONS, convolutions(0.4, "int8")), 1.2, {"conv0", "act0", "conv1"}),
    ("number_formats", PLAIN, Model(CONVOLUTIONS, convolutions(1.5, "bf16")), -1.0, {"conv0", "act0", "conv1"}),
    ("copies", PLAIN, COPY, -0.4, {"join"}),
    ("one_thread", SPLIT, UNSPLIT, -0.9, {"conv1"}),
    ("one_thread", SPLIT, Model(CONVOLUTIONS, convolutions(1.9)), -1.8, {"conv0", "act0", "conv1"}),
    ("came_apart", PLAIN, IN_PARTS, -0.4, {"conv0", "act0"}),
    ("came_apart", GELU, GELU_PARTS, -0.7, {"gelu", "div", "erf", "mul"}),
    ("fused", IN_PARTS, PLAIN, 0.4, {"conv0", "act0"}),
    ("added_operators", PLAIN, GELU, -0.2, {"gelu"}),
    ("removed_operators", GELU, PLAIN, 0.2, {"gelu"}),
    ("other_kernels", PLAIN, Model(CONVOLUTIONS, convolutions(1.5, kernel="slow_conv")), -1.0, {"conv0", "act0", "conv1"}),
    ("outside_layers", PLAIN, Model(CASTS.operators, CASTS.layers, outside_ms=0.5), -0.49, set()),
]  # fmt: skip


def found(known: SpeedFacts, code: str) -> Reason | None:
    return next((reason for reason in reasons(known) if reason.code == code), None)


@pytest.mark.parametrize(("code", "first", "second", "saved_ms", "nodes"), CASES)
def test_rule_with_its_difference_names_time_and_nodes(code, first, second, saved_ms, nodes) -> None:
    """Given two models that differ in one thing, When they are explained, Then its rule gives the time and the nodes."""
    reason = found(facts(first, second), code)
    assert reason is not None
    assert reason.saved_ms == pytest.approx(saved_ms, abs=0.05)
    assert set(reason.nodes) == nodes
    assert reason.text and (saved_ms > 0 or reason.advice or code == "other_kernels")


@pytest.mark.parametrize("model", [PLAIN, CASTS, ROUNDED, SLOW, COPY, REORDERED, SPLIT, UNSPLIT, FREE, TINY])
def test_equal_models_have_no_reason(model: Model) -> None:
    """Given a model and itself, with other noise in its times, Then nothing is explained."""
    again = replace(model, jitter=tuple(reversed(model.jitter)))
    assert reasons(facts(model, again)) == ()


@pytest.mark.parametrize(("code", "first", "second", "saved_ms", "nodes"), CASES)
def test_difference_within_the_noise_is_not_explained(code, first, second, saved_ms, nodes) -> None:
    """Given times that scatter more than they differ, Then the rule says nothing."""
    wild = tuple(60 * (-1) ** n * (1 + n % 3) for n in range(9))
    assert found(facts(replace(first, jitter=wild), replace(second, jitter=wild[::-1])), code) is None


def test_emulated_8_bits_depend_on_the_processor() -> None:
    """Given convolutions in 8 bits, Then they are emulated without VNNI, and not otherwise or where it is unknown."""
    rounded = Model(CONVOLUTIONS, convolutions(1.5, "int8"))
    without = facts(PLAIN, rounded, fast=frozenset({"fp32"}))
    assert found(without, "emulated_8_bits").saved_ms == pytest.approx(-1.0)
    assert found(without, "number_formats") is None
    for fast in (frozenset({"fp32", "int8"}), None):
        assert found(facts(PLAIN, rounded, fast=fast), "emulated_8_bits") is None


def test_free_sizes_cost_what_fixing_them_saves() -> None:
    """Given a model with free sizes, Then their cost is the time that it saves when it is built for one size."""
    fixed = Model(CONVOLUTIONS, convolutions(0.9))
    reason = found(facts(PLAIN, FREE, fixed), "free_sizes")
    assert reason.saved_ms == pytest.approx(-0.5, abs=0.05) and reason.nodes == ("shape",) and reason.advice
    assert found(facts(FREE, PLAIN, fixed), "free_sizes").saved_ms == pytest.approx(0.5, abs=0.05)


def test_small_model_gains_little() -> None:
    """Given faster operators in a model whose requests pass outside of them, Then little is to gain."""
    assert found(facts(TINY, TINY_BF16), "little_to_gain").advice
    assert found(facts(PLAIN, Model(CONVOLUTIONS, convolutions(0.5, "bf16"))), "little_to_gain") is None


def test_time_outside_of_layers_that_could_not_be_measured_is_no_reason() -> None:
    """Given layers that take as long as the request, because a profiler slows them, Then nothing is said of the rest."""
    full = Model(CASTS.operators, CASTS.layers, outside_ms=0.0)
    assert found(facts(replace(PLAIN, outside_ms=0.5), full), "outside_layers") is None


def test_channels_filled_up_to_blocks_are_no_larger_input() -> None:
    """Given a kernel that fills channels up to blocks, When its number of values differs, Then no input is blamed."""
    blocked = layer("conv1", "Conv", 4.0, values=4000, kernel="CPU Conv NCHWc")
    assert found(facts(PLAIN, Model(CONVOLUTIONS, [convolutions()[0], blocked])), "larger_inputs") is None


def test_time_outside_of_layers_on_a_busy_computer_is_no_reason() -> None:
    """Given a model with much time outside of its layers, When other programs were busy, Then nothing is said of it."""
    for known, code in (
        (facts(TINY, TINY_BF16), "little_to_gain"),
        (facts(PLAIN, Model(CASTS.operators, CASTS.layers, outside_ms=0.5)), "outside_layers"),
    ):
        assert found(known, code)
        assert found(replace(known, second=replace(known.second, disturbed=True)), code) is None


def test_weights_in_8_bits_that_the_engine_unpacks_once_are_no_unfused_rounding() -> None:
    """Given rounding operators that take no time, Then they are not blamed."""
    silent = Model(ROUNDED.operators, convolutions(1.2, kernel="other"))
    assert found(facts(PLAIN, silent), "unfused_rounding") is None


def test_reasons_explain_each_time_once_and_start_with_the_largest() -> None:
    """Given two differences at once, Then both are found, sorted, and their sum is that of the totals."""
    both = Model([*CASTS.operators], [*convolutions(3.0, "bf16"), *CASTS.layers[2:]])
    known = facts(PLAIN, both)
    codes = [reason.code for reason in reasons(known)]
    assert codes[:2] == ["number_formats", "conversions"]
    total = sum(one.ms for one in PLAIN.layers) - sum(one.ms for one in both.layers)
    assert sum(reason.saved_ms or 0 for reason in reasons(known)) == pytest.approx(total)


def test_every_rule_has_a_case() -> None:
    """Given all rules of the package, Then each of them has a test here, and their codes differ."""
    own = {"emulated_8_bits", "free_sizes", "little_to_gain"}
    assert {rule.id for rule in kinds_in(rules, "RULE")} == {case[0] for case in CASES} | own
