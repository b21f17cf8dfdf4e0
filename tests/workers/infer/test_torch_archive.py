"""Torch programs are checked as text, and nothing in a refused one is run."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hostile_programs import MADE, PROGRAM, WEIGHTS, in_json, rewrite, write_program

from workers.infer.base import UnsafeProgram
from workers.infer.torch_archive import tensors_only
from workers.infer.torch_cpu import load, load_program

torch = pytest.importorskip("torch")
NAMES = '{"inputs": [{"name": "image"}], "outputs": [{"name": "logits"}]}'


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A valid program with the names of its inputs."""
    (tmp_path / "info.json").write_text(NAMES, encoding="utf-8")
    return write_program(tmp_path / "model.pt2")


def run_carelessly(path: Path) -> None:
    """Open and call the program as torch itself would."""
    try:
        torch.export.load(str(path)).module()(image=torch.zeros(2, 3, 16, 16))
    except Exception as error:  # a payload leaves what torch cannot go on with
        assert error is not None


@pytest.mark.parametrize("kind", MADE)
def test_payload_opened_by_torch_alone_writes_its_marker(program: Path, tmp_path: Path, kind: str) -> None:
    """Given a hostile program, When torch.export.load opens it, Then its marker is written: the tests below test it."""
    marker = tmp_path / "marker"
    MADE[kind](program, marker)
    run_carelessly(program)
    assert marker.exists()


@pytest.mark.parametrize("kind", MADE)
def test_load_hostile_program_is_refused_before_anything_runs(program: Path, tmp_path: Path, kind: str) -> None:
    """Given a hostile program, When the runtime loads it, Then it is refused and the marker is not written."""
    marker = tmp_path / "marker"
    MADE[kind](program, marker)
    with pytest.raises(UnsafeProgram, match="Nothing in it was run"):
        load(program, {}, 1)
    assert not marker.exists()


def test_load_sound_program_answers(program: Path) -> None:
    """Given a program with free sizes, a buffer and a constant, When it is loaded, Then it answers for any batch."""
    session = load(program, {}, 1)
    image = torch.zeros(5, 3, 16, 16).numpy()
    assert session.run({"image": image})["logits"].shape == (5, 5)


RECORDS = ("data/aotinductor/model/model.so", "models/other.json", "data/constants/custom_obj_0", "executorch/a")
CONFIGS = (b"{}", b"[]", b'{"config": []}', b'{"config": {"w": {}}}', b'{"config": {"w": 1}}')


@pytest.mark.parametrize(
    ("record", "content"), [*((record, b"{}") for record in RECORDS), *((WEIGHTS, config) for config in CONFIGS)]
)
def test_load_program_with_other_records_is_refused(program: Path, record: str, content: bytes) -> None:
    """Given an archive with a compiled library, an object of its own, or a list of weights that torch.export lays out
    otherwise, When it is loaded, Then it is refused."""
    rewrite(program, {record: lambda _old: content})
    with pytest.raises(UnsafeProgram):
        load_program(torch, program)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x; import os"),
        ("name", "lambda"),
        ("target", "torch.os.mkdir"),
        ("target", "_operator.methodcaller"),
        ("target", "torch.ops.higher_order.triton_kernel_wrapper_mutation"),
        ("metadata", []),
        ("metadata", "x"),
        ("metadata", {"stack_trace": 1}),
    ],
)
def test_load_program_with_code_in_its_nodes_is_refused(program: Path, field: str, value: Any) -> None:
    """Given a node whose name or operator is Python code, or metadata in another layout, Then it is refused."""

    def mark(document: dict[str, Any]) -> None:
        document["graph_module"]["graph"]["nodes"][0][field] = value

    rewrite(program, {PROGRAM: in_json(mark)})
    with pytest.raises(UnsafeProgram):
        load_program(torch, program)


def test_load_program_with_an_operator_hidden_in_a_map_of_arguments_is_refused(program: Path) -> None:
    """Given an argument that is called like the free text of a node, When the program is loaded, Then it is refused."""

    def mark(document: dict[str, Any]) -> None:
        hidden = {"as_string_to_argument": {"metadata": {"as_operator": "torch.os.system"}}}
        document["graph_module"]["graph"]["nodes"][0]["inputs"].append({"name": "x", "arg": hidden, "kind": 1})

    rewrite(program, {PROGRAM: in_json(mark)})
    with pytest.raises(UnsafeProgram, match="as_operator"):
        load_program(torch, program)


def test_tensors_only_within_blocks_unpickling_and_restores_the_environment(tmp_path: Path) -> None:
    """Given a pickled object, When torch.load is called with weights_only=False, Then it refuses inside the block."""
    path = tmp_path / "thing.pt"
    torch.save(Path("x"), path)
    before = dict(os.environ)
    with tensors_only(), pytest.raises(Exception, match="Weights only load failed"):
        torch.load(path, weights_only=False)
    assert dict(os.environ) == before
    assert torch.load(path, weights_only=False) == Path("x")


@pytest.mark.whole
@pytest.mark.parametrize("kind", ["Bert", "DebertaV2", "ModernBert", "MPNet"])
def test_load_programs_of_real_architectures_is_allowed(tmp_path: Path, kind: str) -> None:
    """Given texts of any length through a library's own architecture, When its program is checked, Then it loads."""
    import transformers

    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    config = getattr(transformers, f"{kind}Config")(**sizes, vocab_size=100, pad_token_id=0)
    model = getattr(transformers, f"{kind}Model")(config).eval()

    class Texts(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    free = {0: torch.export.Dim("batch", min=1), 1: torch.export.Dim("length", min=1, max=64)}
    ones = {name: torch.ones(2, 8, dtype=torch.long) for name in ("input_ids", "attention_mask")}
    with torch.no_grad():
        program = torch.export.export(Texts(), (), ones, dynamic_shapes=dict.fromkeys(ones, free), strict=False)
    torch.export.save(program, str(tmp_path / "model.pt2"))
    names = {"inputs": [{"name": name} for name in ones], "outputs": [{"name": "out"}]}
    (tmp_path / "info.json").write_text(json.dumps(names), encoding="utf-8")
    session = load(tmp_path / "model.pt2", {}, 1)
    assert session.run({name: value[:1, :5].numpy() for name, value in ones.items()})["out"].shape == (1, 5, 32)
