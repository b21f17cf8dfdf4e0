"""Contracts of the job kind ``thumbnails``: small pictures of a range of examples."""

from pydantic import Field

from workers.contracts.base import Frozen, PathText

MOST_AT_ONCE = 512


class ThumbnailsParams(Frozen):
    """Parameters of the kind ``thumbnails``: draw the examples `first` … `first + count`, test items before the others.

    Attributes:
        model_dir: The model as whose inputs the files are read.
        data_dir: The read set.
        path: The user's own files; `calibration_path` is the second folder.
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
    """Result of the kind ``thumbnails``.

    Attributes:
        file: File below the work folder with all JPEGs in sequence.
        ends: End of each JPEG in bytes; an empty range means that the example has no picture.
    """

    file: str = "thumbnails.bin"
    first: int
    ends: tuple[int, ...]
