"""Move files between folders under Landlock version 1 (kernels 5.13 to 5.18, such as that of Ubuntu 22.04).

That version always denies such a move, as if the folders were on different disks (EXDEV): the right REFER came with
version 2. Libraries such as onnxscript write to a temporary folder and move the finished file.
"""

import errno
import os
import shutil
from collections.abc import Callable

REFER_ABI = 2


def move_by_copying() -> None:
    """Make `os.rename` and `os.replace` of this process copy a file if the kernel refuses to move it."""
    for name in ("rename", "replace"):
        setattr(os, name, _copying(getattr(os, name)))


def _copying(move: Callable[..., None]) -> Callable[..., None]:
    def moved(
        src: "str | os.PathLike[str]",
        dst: "str | os.PathLike[str]",
        *,
        src_dir_fd: int | None = None,
        dst_dir_fd: int | None = None,
    ) -> None:
        try:
            move(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        except OSError as error:
            if error.errno != errno.EXDEV or src_dir_fd is not None or dst_dir_fd is not None:
                raise
            part = f"{os.fspath(dst)}.{os.getpid()}.part"
            shutil.copyfile(src, part, follow_symlinks=False)  # refuses a folder, as the original function does
            move(part, dst)  # within one folder, so that no reader sees an incomplete file
            os.unlink(src)  # noqa: PTH108 - `src` is what the caller gave

    return moved
