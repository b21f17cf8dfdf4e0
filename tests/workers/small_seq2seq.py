"""Tiny MarianMT, T5 and Whisper of the transformers library, random or taught for seconds, kept the way optimum does:
`encoder_model.onnx`, `decoder_model.onnx`, `decoder_with_past_model.onnx`, or both decoders in `decoder_model_merged.onnx`.

Names of inputs and outputs are those of optimum-onnx 0.1.0, whose own files of the same three models were read and
answered alike when this was written.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from made_once import made_once
from small_translator import END, FIRST, LONGEST, PAD, SHORTEST, VOCABULARY, export_onnx, write_tokenizer

WIDTH, LAYERS, HEADS, MOST = 16, 2, 2, 12
SECONDS = 2
USUAL: dict[str, Any] = {"vocab_size": VOCABULARY, "pad_token_id": PAD, "eos_token_id": END}
USUAL |= {"decoder_start_token_id": PAD, "tie_word_embeddings": False}


def marian(width: int = WIDTH, std: float = 0.5, **more: Any) -> Any:
    """A translator. Weights this large make random answers differ from text to text."""
    import transformers

    sizes = {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in _sizes(width).items()}
    sizes |= {"decoder_vocab_size": VOCABULARY, "max_position_embeddings": 64, "forced_eos_token_id": END}
    config = transformers.MarianConfig(d_model=width, init_std=std, **USUAL, **{**sizes, **more})
    return _seeded(transformers.MarianMTModel, config)


def turned_round() -> tuple[Path, Any]:
    """The folder of a translator that has learned to turn words round, made once and read-only, and the module."""

    def make(root: Path) -> None:
        model = _taught_marian()
        torch.save(model, root / "model.pt")
        write_seq2seq(root / "turned_round", model)

    root = made_once("translator with a cache", make)
    return root / "turned_round", torch.load(root / "model.pt", weights_only=False)


def _taught_marian() -> Any:
    """Return a translator that was trained for some seconds; its weights are the same each time."""
    steps = 450
    model, before = marian(width=32, std=0.05), torch.get_num_threads()
    torch.set_num_threads(1)  # such small products only wait for each other
    rng = np.random.default_rng(3)
    rates = torch.optim.Adam(model.parameters(), lr=5e-3)
    slower = torch.optim.lr_scheduler.OneCycleLR(rates, 5e-3, steps)
    try:
        for _ in range(steps):
            source, wanted = _turned_round(rng)
            given = torch.cat([torch.full((len(source), 1), PAD), wanted[:, :-1].clamp(min=0)], dim=1)
            mask = (source != PAD).to(torch.int64)
            scores = model(input_ids=source, attention_mask=mask, decoder_input_ids=given).logits
            loss = torch.nn.functional.cross_entropy(scores.transpose(1, 2), wanted)
            rates.zero_grad()
            loss.backward()
            rates.step()
            slower.step()
    finally:
        torch.set_num_threads(before)
    return model.eval()


def _turned_round(rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """64 words with an end behind each, and the same turned round; −100 where no token is expected."""
    rows = [rng.integers(FIRST, VOCABULARY, int(rng.integers(SHORTEST, LONGEST + 1))).tolist() for _ in range(64)]
    gaps = [LONGEST - len(row) for row in rows]
    source = [[*row, END] + [PAD] * gap for row, gap in zip(rows, gaps, strict=True)]
    wanted = [[*row[::-1], END] + [-100] * gap for row, gap in zip(rows, gaps, strict=True)]
    return torch.tensor(source), torch.tensor(wanted)


def t5() -> Any:
    import transformers

    layers = {"num_layers": LAYERS, "num_decoder_layers": LAYERS}  # generate counts its cache's by the encoder
    config = transformers.T5Config(
        d_model=WIDTH, d_kv=8, d_ff=32, num_heads=HEADS, initializer_factor=4.0, **layers, **USUAL
    )
    return _seeded(transformers.T5ForConditionalGeneration, config)


def whisper() -> Any:
    """It listens to two seconds, chooses one of two languages, and goes on with two tokens that are always there."""
    import transformers

    sizes = {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in _sizes(WIDTH).items()}
    sizes |= {"num_mel_bins": 80, "max_source_positions": SECONDS * 50, "max_target_positions": MOST, "init_std": 0.5}
    marks = USUAL | {"pad_token_id": END, "bos_token_id": END, "decoder_start_token_id": 1}
    marks |= {"suppress_tokens": [FIRST], "begin_suppress_tokens": [FIRST + 1, END]}
    config = transformers.WhisperConfig(d_model=WIDTH, **sizes, **marks)
    model = _seeded(transformers.WhisperForConditionalGeneration, config)
    own = model.generation_config
    own.lang_to_id = {"<|aa|>": FIRST + 2, "<|bb|>": FIRST + 3}
    own.task_to_id = {"transcribe": FIRST + 4, "translate": FIRST + 5}
    own.forced_decoder_ids = [[1, None], [2, FIRST + 4]]
    own.no_timestamps_token_id, own.is_multilingual = VOCABULARY - 1, True  # what follows it are moments
    own.suppress_tokens, own.begin_suppress_tokens = [FIRST], [FIRST + 1, END]
    return model


def _sizes(width: int) -> dict[str, int]:
    return {"layers": LAYERS, "attention_heads": HEADS, "ffn_dim": 2 * width}


def _seeded(kind: Any, config: Any) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        config._attn_implementation = "eager"
        model = kind(config).eval()
    model.generation_config.max_length = MOST
    return model


class _Encoder(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.encoder = model.get_encoder()

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        return self.encoder(x, attention_mask=mask)[0] if mask is not None else self.encoder(x)[0]


class _Decoder(torch.nn.Module):
    """Tokens, states and their mask → scores and what is kept; with `past` only the last token is given."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor, states: torch.Tensor, *more: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = self.decode(ids, states, more[:1] if self.masked else ())
        kept = found.past_key_values
        pairs = zip(kept.self_attention_cache.layers, kept.cross_attention_cache.layers, strict=True)
        return (found.logits, *(t for own, cross in pairs for t in (own.keys, own.values, cross.keys, cross.values)))

    def decode(self, ids: torch.Tensor, states: torch.Tensor, mask: tuple[torch.Tensor, ...], past: Any = None) -> Any:
        given = {"attention_mask": mask[0]} if mask else {}
        given |= {"past_key_values": past} if past is not None else {}
        return self.model(decoder_input_ids=ids, encoder_outputs=(states,), use_cache=True, **given)

    @property
    def masked(self) -> bool:
        return self.model.config.model_type != "whisper"


class _Step(_Decoder):
    def forward(self, ids: torch.Tensor, *more: torch.Tensor) -> tuple[torch.Tensor, ...]:
        from transformers import DynamicCache, EncoderDecoderCache

        mask, past = (more[:1], more[1:]) if self.masked else ((), more)
        layers = [past[at : at + 4] for at in range(0, len(past), 4)]
        kept = EncoderDecoderCache(
            DynamicCache([(own, values) for own, values, _, _ in layers]),
            DynamicCache([(cross, values) for _, _, cross, values in layers]),
        )
        states = past[2].transpose(1, 2).flatten(2)[..., :1].expand(-1, -1, self.model.config.d_model)
        found = self.decode(ids, states, mask, kept)
        own = found.past_key_values.self_attention_cache.layers
        return (found.logits, *(tensor for layer in own for tensor in (layer.keys, layer.values)))


def write_seq2seq(folder: Path, model: Any) -> Path:
    """The folder, with config.json, generation_config.json and a tokenizer of letters."""
    folder.mkdir(parents=True)
    speech = model.config.model_type == "whisper"
    ids = torch.full((2, 3), FIRST)
    world = torch.rand(2, 80, SECONDS * 100) if speech else torch.full((2, 5), FIRST)
    mask = () if speech else (torch.ones(2, 5, dtype=torch.int64),)
    names = ["input_features"] if speech else ["input_ids", "attention_mask"]
    _export(_Encoder(model), (world, *mask), names, ["last_hidden_state"], folder / "encoder_model.onnx")
    states = torch.rand(2, SECONDS * 50 if speech else 5, model.config.d_model)
    masks = [] if speech else ["encoder_attention_mask"]
    places = [
        f"{n}.{side}.{what}" for n in range(LAYERS) for side in ("decoder", "encoder") for what in ("key", "value")
    ]
    kept, own = [f"present.{place}" for place in places], [f"present.{p}" for p in places if "decoder" in p]
    with torch.no_grad():
        past = _Decoder(model)(ids, states, *mask)[1:]
    decoder, step = folder / "decoder_model.onnx", folder / "decoder_with_past_model.onnx"
    first = ["input_ids", "encoder_hidden_states", *masks]
    _export(_Decoder(model), (ids, states, *mask), first, ["logits", *kept], decoder)
    inputs = ["input_ids", *masks, *(f"past_key_values.{place}" for place in places)]
    _export(_Step(model), (ids[:, :1], *mask, *past), inputs, ["logits", *own], step)
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    if speech:
        heard = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 80, "chunk_length": SECONDS}
        (folder / "preprocessor_config.json").write_text(json.dumps(heard), encoding="utf-8")
    write_tokenizer(folder / "tokenizer.json", end=None if speech else "<end>")
    return folder


def _export(module: Any, args: tuple[torch.Tensor, ...], inputs: list[str], outputs: list[str], path: Path) -> None:
    axes = {}
    for name in [*inputs, *outputs]:
        axis = 2 if ".key" in name or ".value" in name else 1
        length = "past" if ".decoder." in name else "read" if "encoder" in name or "mask" in name else "tokens"
        axes[name] = {0: "batch", axis: f"{length}_{name.split('.')[0]}"}
        if name == "input_features":
            axes[name] = {0: "batch"}
    export_onnx(module, args, path, inputs, outputs, axes)


def merged_of(source: Path, target: Path) -> Path:
    """The same folder with both decoders as two branches of one If over `use_cache_branch`, as optimum's
    `merge_decoders` does: weights are shared where they are the same, and the branch with a cache gives empty keys and
    values of the encoder."""
    shutil.copytree(source, target)
    decoder, step = target / "decoder_model.onnx", target / "decoder_with_past_model.onnx"
    whole, later = onnx.load(str(decoder)), onnx.load(str(step))
    graphs = {"else_branch": _branch(whole, "whole"), "then_branch": _branch(later, "later")}
    weights: dict[str, Any] = {}
    for graph in graphs.values():
        for tensor in graph.initializer:
            assert weights.setdefault(tensor.name, tensor) == tensor
        del graph.initializer[:]
    given = {output.name for output in later.graph.output}
    lacking = [output.name for output in whole.graph.output if output.name not in given]
    for name in lacking:
        empty = onnx.helper.make_tensor("", onnx.TensorProto.FLOAT, [0, HEADS, 1, 1], [])
        graphs["then_branch"].node.append(onnx.helper.make_node("Constant", [], [f"later_{name}"], value=empty))
    outputs = [output.name for output in whole.graph.output]
    for key, mark in (("else_branch", "whole"), ("then_branch", "later")):
        graphs[key].output.extend(
            onnx.helper.make_tensor_value_info(f"{mark}_{name}", onnx.TensorProto.FLOAT, None) for name in outputs
        )
    choice = onnx.helper.make_tensor_value_info("use_cache_branch", onnx.TensorProto.BOOL, [1])
    inputs = {entry.name: entry for entry in (*later.graph.input, *whole.graph.input)}
    node = onnx.helper.make_node("If", ["use_cache_branch"], outputs, name="optimum::if", **graphs)
    ends = [*inputs.values(), choice], list(whole.graph.output)
    graph = onnx.helper.make_graph([node], "merged", *ends, list(weights.values()))
    merged = onnx.helper.make_model(graph, opset_imports=whole.opset_import, ir_version=9)
    onnx.save_model(merged, str(target / "decoder_model_merged.onnx"))
    decoder.unlink()
    step.unlink()
    return target


def with_old_cache(path: Path) -> None:
    """The same decoder with past, whose cache is one position behind for ever: it gives back what it was given."""
    model = onnx.load(str(path))
    for output in model.graph.output:
        if ".decoder." in output.name:
            for node in model.graph.node:
                for names in (node.input, node.output):
                    names[:] = [f"newer_{name}" if name == output.name else name for name in names]
            given = output.name.replace("present", "past_key_values")
            model.graph.node.append(onnx.helper.make_node("Identity", [given], [output.name]))
    onnx.save_model(model, str(path))


def _branch(model: Any, mark: str) -> Any:
    """The nodes under names of their own; weights are named by their content, so that equal ones are one."""
    renamed = {
        t.name: f"weight_{hash((t.data_type, tuple(t.dims), t.raw_data)) & (1 << 62) - 1}"
        for t in model.graph.initializer
    }
    graph = onnx.GraphProto(name=mark)
    given = {entry.name for entry in model.graph.input}

    def name_of(name: str) -> str:
        return name if not name or name in given else renamed.get(name, f"{mark}_{name}")

    for node in model.graph.node:
        made = graph.node.add()
        made.CopyFrom(node)
        made.input[:], made.output[:] = map(name_of, node.input), map(name_of, node.output)
        made.name = f"{mark}_{node.name}"
    for tensor in model.graph.initializer:
        if renamed[tensor.name] not in {one.name for one in graph.initializer}:
            graph.initializer.add().CopyFrom(tensor)
            graph.initializer[-1].name = renamed[tensor.name]
    return graph
