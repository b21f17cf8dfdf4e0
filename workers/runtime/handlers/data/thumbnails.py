"""Job kind ``thumbnails``: small pictures of some examples, so that the window opens none of the person's files."""

from workers.contracts.data.thumbnails import ThumbnailsParams, ThumbnailsResult
from workers.contracts.techniques import HandlerSpec
from workers.evaluate.data.thumbnails import draw_thumbnails

HANDLER = HandlerSpec("thumbnails", ThumbnailsParams, ThumbnailsResult, draw_thumbnails)
