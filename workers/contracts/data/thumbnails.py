"""Small pictures of the examples of a set, a range at a time: the job kind ``thumbnails``."""

from pydantic import Field

from workers.contracts.base import Frozen
from workers.contracts.paths import PathText

MOST_AT_ONCE = 512


class ThumbnailsParams(Frozen):
    """kind ``thumbnails``: draws the examples `first` … `first + count` of a read set, the test's before the others.

    `data_dir` is the read set; `path` and `calibration_path` are where the person's own files lie, read as for the
    model of `model_dir`.
    """

    model_dir: str
    data_dir: str
    path: PathText
    calibration_path: PathText | None = None
    text_column: str | None = None
    label_column: str | None = None
    first: int = Field(ge=0)
    count: int = Field(ge=1, le=MOST_AT_ONCE)
    side_px: int = Field(default=96, ge=16, le=512)


class ThumbnailsResult(Frozen):
    """`file` below the work folder holds one JPEG after the other; `ends` are where each ends, in bytes.

    One that is as long as nothing is no picture.
    """

    file: str = "thumbnails.bin"
    first: int
    ends: tuple[int, ...]
