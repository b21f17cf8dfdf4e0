"""Example values of the page Hub, in the manner of the design's picture. They exist in the tests only."""

from datetime import UTC, datetime, timedelta

from widgets.pages.hub.kept import KeptHubValue, KeptModelValue
from widgets.pages.hub.value import DownloadValue, HubDetailValue, HubListValue, HubRowValue
from widgets.parts.cards.error import ErrorValue
from workers.contracts.hub import HubModel
from workers.contracts.licenses import LicenseVerdict, LicenseWord

TASKS = (
    ("image-classification", "Tell pictures apart"),
    ("object-detection", "Find objects"),
    ("image-to-text", "Read text"),
    ("automatic-speech-recognition", "Hear speech"),
    ("translation", "Translate"),
    ("sentence-similarity", "Search by meaning"),
    ("text-to-image", "Draw"),
)


def _verdict(word: LicenseWord, title: str) -> LicenseVerdict:
    return LicenseVerdict(word=word, title=title, meaning="")


_APACHE = _verdict("ok", "Apache-2.0")
_MODELS = (
    ("microsoft/resnet-50", _APACHE, 102_000_000, 2_400_000, "safe"),
    ("google/mobilenet_v2_1.0_224", _verdict("unknown", "Own terms"), 14_000_000, 310_000, "safe"),
    ("google/vit-base-patch16-224", _APACHE, 346_000_000, 5_100_000, "safe"),
    ("patrickjohncyr/fashion-clip", _verdict("ok", "MIT"), 605_000_000, 1_200_000, "safe"),
    ("facebook/deit-tiny-patch16-224", _APACHE, 23_000_000, 98_000, "safe"),
    ("apple/mobilevit-small", _verdict("noncommercial", "CC-BY-NC-4.0"), 22_000_000, 4, "safe"),
    ("facebook/convnext-tiny-224", _verdict("conditions", "OpenRAIL"), 114_000_000, 0, "not_here"),
    ("someone/old-classifier", _verdict("unknown", ""), None, 12, "code"),
)


def hub_list(count: int = 8) -> HubListValue:
    now = datetime.now(UTC)
    rows = []
    for number in range(count):
        repo, verdict, size, downloads, form = _MODELS[number % 8]
        model = HubModel(
            repo=repo if number < 8 else f"{repo}-{number}",
            author=repo.split("/")[0],
            verdict=verdict,
            size_bytes=size,
            downloads=downloads,
            updated_at=(now - timedelta(days=number * 97)).isoformat(),
            gated=number == 5,
        )
        rows.append(HubRowValue(model, "Names what it sees", form))
    note = f"{count} shown. The hub states license, size and format. The safety check runs after the download."
    return HubListValue(tuple(rows), note, more=True, chosen=rows[0].model.repo)


def hub_starters() -> HubListValue:
    names = ("distilbert-base-uncased-finetuned-sst-2-english", "all-MiniLM-L6-v2", "resnet-50", "yolos-tiny")
    about = "Tells English sentences that praise from those that complain."
    models = [HubModel(repo=f"Xenova/{name}") for name in names]
    rows = tuple(HubRowValue(one, "Is this kind or angry?", about=about, mark="not yet confirmed") for one in models)
    return HubListValue(rows, "Some to begin with. The hub was not asked yet.", is_start=True)


def hub_detail(**changes: object) -> HubDetailValue:
    base: dict[str, object] = {
        "id": "microsoft/resnet-50",
        "name": "resnet-50",
        "by": "by microsoft, version 34c2154c",
        "facts": (
            ("Does", "Names what it sees", ""),
            ("Size", "102 MB; 48 GB are free on this disk", ""),
            ("License", "Apache-2.0: may be used, changed and sold; keep its text", ""),
            ("Format", "safetensors: contains numbers only, no program", ""),
            ("Safety", "checked after the download", ""),
        ),
        "files": (("model.safetensors", 102_400_000), ("config.json", 69_600), ("preprocessor_config.json", 266)),
        "action": "download",
        "total_bytes": 102_469_866,
        "has_card": True,
    }
    return HubDetailValue(**{**base, **changes})


def hub_gated() -> HubDetailValue:
    gate = ("https://hub.example/meta/llama", False, "It is stored in this computer's keyring.")
    return hub_detail(id="meta/llama", name="llama", by="by meta", action="", gated=gate)


def hub_downloads() -> tuple[DownloadValue, ...]:
    return (
        DownloadValue("microsoft/resnet-50", "running", 34_000_000, 102_469_866, 2_100_000, 33),
        DownloadValue("google/vit-base-patch16-224", "paused", 120_000_000, 346_000_000),
        DownloadValue("apple/mobilevit-small", "done", 22_000_000, 22_000_000),
        DownloadValue("someone/old", "failed", 1_000_000, 22_000_000, note="The hub did not answer."),
    )


def hub_offline() -> ErrorValue:
    return ErrorValue(
        title="The hub cannot be reached",
        happened="There is no way to it from this computer: the network is off, or a wall is between.",
        is_safe="Yes. Nothing was changed, and what is on this computer goes on working.",
        next_step="Look whether this computer is online, then try again. A file of your own and the sample need no network.",
        tone="warn",
        icon="cloud-slash",
    )


def hub_kept() -> KeptHubValue:
    models = (
        KeptModelValue("p", "google/vit-base-patch16-224", 120_000_000, is_whole=False),
        KeptModelValue("a", "microsoft/resnet-50", 102_469_866, ("Clothes classifier", "Second try")),
        KeptModelValue("b", "apple/mobilevit-small", 22_000_000),
        KeptModelValue("c", "facebook/convnext-tiny-224", 114_000_000, ("At work",), is_busy=True),
    )
    return KeptHubValue(models, 48_000_000_000, "file", "https://hub.example")


CARD = """# ResNet-50

Trained on *ImageNet*. <img src="file:///etc/passwd"> <script>alert(1)</script>

| Set | Top 1 |
|---|---|
| ImageNet | 76.1 % |

[Paper](https://arxiv.org/abs/1512.03385) and [a file](file:///etc/passwd)
"""
