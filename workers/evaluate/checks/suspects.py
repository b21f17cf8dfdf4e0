"""Draw small pictures of the items whose labels are probably wrong, so that the window opens none of the files."""

from collections.abc import Sequence

from workers.contracts.data.checks import Suspect
from workers.contracts.process.context import JobContext
from workers.evaluate.checks.reading import DataSplit
from workers.evaluate.data.previews import thumbnail_of

FOLDER, SIDE_PX = "suspects", 160


def drawn(suspects: Sequence[Suspect], parts: Sequence[DataSplit], ctx: JobContext) -> tuple[Suspect, ...]:
    """Return the suspects with the names of their pictures below the work folder."""
    wanted = {suspect.source for suspect in suspects}
    entries = {entry.source: entry for part in reversed(parts) for entry in part.entries if entry.source in wanted}
    done = []
    for number, suspect in enumerate(suspects):
        ctx.check_cancelled()
        picture = thumbnail_of(entries[suspect.source], SIDE_PX) if suspect.source in entries else None
        name = ""
        if picture is not None:
            (ctx.work_dir / FOLDER).mkdir(exist_ok=True)
            name = f"{FOLDER}/{number:02d}.png"
            picture.save(ctx.work_dir / name)
        done.append(suspect.model_copy(update={"picture": name}))
    return tuple(done)
