"""TorchScript: programs that write a file, never end, eat memory, or break the parser."""

import warnings
from typing import Final

import torch
from hostile_corpus.base import OPEN, REFUSE, Corpus
from hostile_corpus.torch_zips import repacked


class Sound(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.relu()


class Writes(torch.nn.Module):
    """Makes a file when it runs: `from_file` maps it shared."""

    path: Final[str]

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t = torch.from_file(self.path, True, 4)
        return x + t.sum() * 0


class Endless(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        i = 0
        while i < 4611686018427387904:
            i += 1
            x = x + 1
        return x


class Greedy(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(1048576, 1048576) + x


def write(corpus: Corpus) -> None:
    def save(module: torch.nn.Module, name: str) -> bytes:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated and warns
            torch.jit.script(module).save(corpus.place(name))
        return corpus.place(name).read_bytes()

    group = "torchscript"
    sound = save(Sound(), "ts_ok.pt")
    corpus.add("ts_ok.pt", "TorchScript (control)", group, OPEN)
    save(Writes(str(corpus.canary / "ts_from_file_write")), "ts_from_file_write.pt")
    kind = "TorchScript that creates/writes a file when RUN (aten::from_file)"
    ref = "PyTorch SECURITY.md: TorchScript is code"
    note = "op allow-list on the graph, or run only in a sandbox with no write access"
    corpus.add("ts_from_file_write.pt", kind, group, REFUSE, ref=ref, note=note, attack=True)
    save(Endless(), "ts_infinite_loop.pt")
    corpus.add("ts_infinite_loop.pt", "TorchScript endless loop", group, OPEN, note="run cancellable < 1 s")
    save(Greedy(), "ts_memory_bomb.pt")
    note = "run fails with clear message"
    corpus.add("ts_memory_bomb.pt", "TorchScript allocates 4 TiB at run", group, OPEN, note=note)

    bad = b"def forward(self: NoSuch, x: Tensor) -> Tensor:\n  return (((("
    deep = b"(" * 50000 + b"x" + b")" * 50000
    broken = repacked(sound, lambda name, data: bad if name.endswith(".py") else data)
    corpus.put("ts_bad_code.pt", broken, "TorchScript with syntax error", group, REFUSE)
    nested = repacked(sound, lambda name, data: data.replace(b"torch.relu(x)", deep) if name.endswith(".py") else data)
    kind = "TorchScript source nested 50 000 deep (parser stack overflow)"
    corpus.put("ts_deep_code.pt", nested, kind, group, REFUSE)
    corpus.put("ts_truncated.pt", sound[: len(sound) // 2], "truncated TorchScript", group, REFUSE)
