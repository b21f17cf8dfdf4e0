"""One contender of `language_peers.py` in a process of its own, through its own public interface.

language_peer_engine.py KIND WHERE THREADS SETTINGS; SETTINGS is JSON. A line comes back when it is ready, then one line of
JSON for each line of JSON: ``{"ids": […], "new": M}`` answers ``{"first_s": …, "rest_s": …}``, seconds to the first token
and of the M − 1 others after the prompt `ids`, the likeliest token each time; ``{"ids": […], "places": […]}`` answers
``{"picks": […]}``, the likeliest token after ``ids[:place]`` of each place.

KIND is ``fettle`` (a model folder of Fettle), ``torch`` or ``generate`` (a transformers folder, in BF16), ``ort-genai`` (a
folder of its builder), ``ov-genai`` (a folder of optimum-intel), ``llama`` (a GGUF file). All but the first need only
their own library and numpy.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Protocol

os.environ |= {"ORT_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}

import numpy as np

LONGEST = 2048
"""Tokens of a prompt and its answer, at most."""


class Engine(Protocol):
    def speak(self, ids: list[int], new: int) -> tuple[float, float]: ...

    def picks(self, ids: list[int], places: list[int]) -> list[int]: ...


class Fettle:
    """The session of the product, as bundles hold it."""

    def __init__(self, where: Path, threads: int, settings: dict[str, Any]) -> None:
        openvino = importlib.import_module("workers.infer.openvino")
        self._session = openvino.load(where / "model.xml", settings, threads)
        if self._session.fallbacks:
            raise SystemExit(self._session.fallbacks[0])

    def speak(self, ids: list[int], new: int) -> tuple[float, float]:
        self._session.run({"input_ids": np.asarray([ids]), "new_tokens": np.asarray([new])})
        spoken = self._session.spoken[-1]
        return spoken.first_s, spoken.rest_s

    def picks(self, ids: list[int], places: list[int]) -> list[int]:
        counted = np.zeros(len(ids), np.int64)
        counted[places] = 1
        rows = self._session.run({"input_ids": np.asarray([ids]), "counted": counted[None]})["next_tokens"][0]
        return [int(pick) for pick in rows[:, 2]]


class Torch:
    """A loop around the module itself, which keeps its cache."""

    def __init__(self, where: Path, threads: int, _settings: dict[str, Any]) -> None:
        self.torch: Any = importlib.import_module("torch")
        library = importlib.import_module("transformers")
        self.torch.set_num_threads(threads)
        self.model = library.AutoModelForCausalLM.from_pretrained(where, dtype=self.torch.bfloat16).eval()

    def speak(self, ids: list[int], new: int) -> tuple[float, float]:
        torch = self.torch
        with torch.inference_mode():
            began = time.perf_counter()
            out = self.model(input_ids=torch.tensor([ids]), use_cache=True, logits_to_keep=1)
            token = int(out.logits[0, -1].argmax())
            first = time.perf_counter()
            for _ in range(new - 1):
                out = self.model(input_ids=torch.tensor([[token]]), past_key_values=out.past_key_values, use_cache=True)
                token = int(out.logits[0, -1].argmax())
            return first - began, time.perf_counter() - first

    def picks(self, ids: list[int], places: list[int]) -> list[int]:
        with self.torch.inference_mode():
            logits = self.model(input_ids=self.torch.tensor([ids])).logits[0]
        return [int(logits[place - 1].argmax()) for place in places]


class Generate(Torch):
    """transformers' own `generate`, greedy."""

    def speak(self, ids: list[int], new: int) -> tuple[float, float]:
        torch = self.torch
        came: list[float] = []

        class Clock:
            def put(self, _value: Any) -> None:
                came.append(time.perf_counter())

            def end(self) -> None:
                pass

        given = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.int64)}
        with torch.inference_mode():
            began = time.perf_counter()
            self.model.generate(
                **given, max_new_tokens=new, min_new_tokens=new, do_sample=False, streamer=Clock()
            )  # fmt: skip
        tokens = came[1:]  # the prompt comes first
        return tokens[0] - began, tokens[-1] - tokens[0]


class OrtGenai:
    """onnxruntime-genai's generator."""

    def __init__(self, where: Path, threads: int, _settings: dict[str, Any]) -> None:
        self._library: Any = importlib.import_module("onnxruntime_genai")
        config = self._library.Config(str(where))
        options = {"intra_op_num_threads": threads}
        config.overlay(json.dumps({"model": {"decoder": {"session_options": options}}}))
        self._model = self._library.Model(config)

    def _generator(self, tokens: int) -> Any:
        params = self._library.GeneratorParams(self._model)
        params.set_search_options(max_length=tokens, min_length=tokens, do_sample=False)
        return self._library.Generator(self._model, params)

    def speak(self, ids: list[int], new: int) -> tuple[float, float]:
        began = time.perf_counter()
        generator = self._generator(len(ids) + new)
        generator.append_tokens(np.asarray(ids, np.int32))
        generator.generate_next_token()
        first = time.perf_counter()
        for _ in range(new - 1):
            generator.generate_next_token()
        return first - began, time.perf_counter() - first

    def picks(self, ids: list[int], places: list[int]) -> list[int]:
        generator = self._generator(len(ids) + 1)
        generator.append_tokens(np.asarray(ids, np.int32))
        logits = generator.get_output("logits")[0]
        return [int(logits[place - 1].argmax()) for place in places]


class OvGenai:
    """openvino-genai's pipeline; what it thinks is asked of its model, in OpenVINO, by the same options."""

    def __init__(self, where: Path, threads: int, settings: dict[str, Any]) -> None:
        library: Any = importlib.import_module("openvino_genai")
        self._library, self._openvino = library, importlib.import_module("openvino")
        self._where, self._options = where, {"INFERENCE_NUM_THREADS": threads, **settings}
        self._pipeline = library.LLMPipeline(str(where), "CPU", **self._options)
        self._compiled: Any = None

    def speak(self, ids: list[int], new: int) -> tuple[float, float]:
        prompt = self._openvino.Tensor(np.asarray([ids], np.int64))
        mask = self._openvino.Tensor(np.ones((1, len(ids)), np.int64))
        config = self._library.GenerationConfig()
        config.max_new_tokens, config.min_new_tokens, config.ignore_eos = new, new, True
        began = time.perf_counter()
        done = self._pipeline.generate(self._library.TokenizedInputs(prompt, mask), config)
        whole_s = time.perf_counter() - began
        first_s = done.perf_metrics.get_ttft().mean / 1000
        assert len(done.tokens[0]) == new
        return first_s, whole_s - first_s

    def picks(self, ids: list[int], places: list[int]) -> list[int]:
        if self._compiled is None:
            core = self._openvino.Core()
            options = {name: value for name, value in self._options.items() if name != "ATTENTION_BACKEND"}
            model = core.read_model(str(self._where / "openvino_model.xml"))
            self._compiled = core.compile_model(model, "CPU", options).create_infer_request()
        self._compiled.reset_state()
        feeds = {
            "input_ids": np.asarray([ids], np.int64),
            "attention_mask": np.ones((1, len(ids)), np.int64),
            "position_ids": np.arange(len(ids), dtype=np.int64)[None],
            "beam_idx": np.zeros(1, np.int32),
        }
        self._compiled.infer(feeds, share_outputs=True)
        logits = self._compiled.get_output_tensor(0).data[0]
        return [int(logits[place - 1].argmax()) for place in places]


class Llama:
    """llama.cpp's server in xllamacpp, without its HTTP; it tells the time of its answer by itself.

    It gives no logits of a prompt, so each place is asked for one token; the text before stays in its cache.
    """

    def __init__(self, where: Path, threads: int, _settings: dict[str, Any]) -> None:
        library: Any = importlib.import_module("xllamacpp")
        params = library.CommonParams()
        params.model.path = str(where)
        params.n_ctx, params.n_parallel, params.cache_ram_mib, params.verbosity = LONGEST, 1, 0, -1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        self._server = library.Server(params)

    def _ask(self, ids: list[int], new: int, keep: bool) -> dict[str, Any]:
        asked = {"prompt": ids, "n_predict": new, "temperature": 0, "ignore_eos": True, "cache_prompt": keep}
        answer = self._server.handle_completions({**asked, "n_probs": 1, "logprobs": 1} if keep else asked)
        return answer if isinstance(answer, dict) else json.loads(answer)

    def speak(self, ids: list[int], new: int) -> tuple[float, float]:
        began = time.perf_counter()
        answer = self._ask(ids, new, keep=False)
        whole_s = time.perf_counter() - began
        assert answer["usage"]["completion_tokens"] == new
        rest_s = answer["timings"]["predicted_ms"] / 1000  # from the first token on
        return whole_s - rest_s, rest_s

    def picks(self, ids: list[int], places: list[int]) -> list[int]:
        return [self._pick(self._ask(ids[:place], 1, keep=True)) for place in places]

    @staticmethod
    def _pick(answer: dict[str, Any]) -> int:
        return int(answer["choices"][0]["logprobs"]["content"][0]["id"])


KINDS: dict[str, Any] = {
    "fettle": Fettle,
    "torch": Torch,
    "generate": Generate,
    "ort-genai": OrtGenai,
    "ov-genai": OvGenai,
    "llama": Llama,
}


def main() -> int:
    kind, where, threads, settings = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    engine: Engine = KINDS[kind](Path(where), int(threads), json.loads(settings))
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "new" in asked:
            first_s, rest_s = engine.speak(asked["ids"], asked["new"])
            told: dict[str, Any] = {"first_s": first_s, "rest_s": rest_s}
        else:
            told = {"picks": engine.picks(asked["ids"], asked["places"])}
        print(json.dumps(told), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
