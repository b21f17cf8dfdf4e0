"""Define a project: one model and the person's data for it."""

from dataclasses import dataclass

from app.domain.record import FileName, Moment, Stored


@dataclass(frozen=True)
class Project(Stored):
    """One project, owned by the database.

    `model_key` is the opened model's place in the artifact store, `info_json` a ModelInfo, `data_json` a DataResult.
    `page` is the window's last page, where it opens again. Its runs measure on `computers` ("" is this one).
    """

    id: FileName
    name: str
    model_path: str
    model_sha256: str
    created_at: Moment
    updated_at: Moment
    model_key: FileName | None = None
    info_json: str | None = None
    data_path: str | None = None
    data_key: FileName | None = None
    data_json: str | None = None
    preset_id: str = "balanced"
    max_loss_pct: float = 1.0
    purpose: str = ""
    not_for: str = ""
    contact: str = ""
    page: str = "model"
    is_sample: bool = False
    computers: tuple[str, ...] = ("",)
