"""Three models of usual shape with weights of their own: speed and memory do not depend on what they have learned."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Feeds = dict[str, NDArray[Any]]


def mobilenet() -> tuple[Any, Feeds]:
    """MobileNetV2 on one picture of 224 by 224. Its normalizations have seen noise: else values shrink from layer to
    layer until FP16 has no number for them, which is no property of a card."""
    import torch
    from torchvision.models import mobilenet_v2

    torch.manual_seed(0)
    picture = np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)
    model = mobilenet_v2(weights=None).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model(torch.from_numpy(np.concatenate([picture, picture[..., ::-1].copy()])))
    return model.eval(), {"x": picture}


def minilm() -> tuple[Any, Feeds]:
    """The encoder of all-MiniLM-L6 (6 layers of 384) on 128 tokens."""
    import torch
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536,
        attn_implementation="eager",
    )  # fmt: skip

    class Encoder(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.bert = BertModel(config, add_pooling_layer=False)

        def forward(self, ids: Any) -> Any:
            return self.bert(input_ids=ids).last_hidden_state

    ids = np.random.default_rng(0).integers(1000, 30000, (1, 128), dtype=np.int64)
    return Encoder().eval(), {"ids": ids}


def unet() -> tuple[Any, Feeds]:
    """A U-Net of four levels (Ronneberger et al. 2015, half as wide) on one picture of 256 by 256."""
    import torch
    from torch import nn

    def block(source: int, target: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(source, target, 3, padding=1), nn.ReLU(), nn.Conv2d(target, target, 3, padding=1), nn.ReLU()
        )

    class UNet(nn.Module):  # type: ignore[misc]
        def __init__(self, width: int = 32) -> None:
            super().__init__()
            sizes = [width << level for level in range(4)]
            self.down = nn.ModuleList(block(a, b) for a, b in zip([3, *sizes[:-1]], sizes, strict=True))
            self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in pairwise(sizes))
            self.join = nn.ModuleList(block(2 * size, size) for size in sizes[:-1])
            self.last = nn.Conv2d(width, 2, 1)

        def forward(self, x: Any) -> Any:
            kept = []
            for number, down in enumerate(self.down):
                x = down(x if number == 0 else nn.functional.max_pool2d(x, 2))
                kept.append(x)
            for number in reversed(range(len(self.up))):
                x = self.join[number](torch.cat([self.up[number](x), kept[number]], 1))
            return self.last(x)

    picture = np.random.default_rng(0).standard_normal((1, 3, 256, 256), np.float32)
    return UNet().eval(), {"x": picture}


MODELS: dict[str, Callable[[], tuple[Any, Feeds]]] = {"MobileNetV2": mobilenet, "MiniLM-L6": minilm, "U-Net": unet}
