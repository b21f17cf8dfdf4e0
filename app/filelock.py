"""A lock on an open file that the operating system gives back when its process ends, however it ends."""

import errno
import os
import sys

BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)

if sys.platform == "win32":
    import msvcrt

    FAR_AWAY = 1 << 30  # the locked byte lies behind the text, which others must be able to read

    def try_lock(handle: int) -> bool:
        """Take the lock without waiting; False when another has it. Raises OSError for anything else."""
        os.lseek(handle, FAR_AWAY, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in BUSY:
                return False
            raise
        return True

    def unlock(handle: int) -> None:
        """Give the lock back."""
        os.lseek(handle, FAR_AWAY, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    # flock, not lockf: a record lock is lost as soon as any handle of the file is closed in this process.
    def try_lock(handle: int) -> bool:
        """Take the lock without waiting; False when another has it. Raises OSError for anything else."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in BUSY:
                return False
            raise
        return True

    def unlock(handle: int) -> None:
        """Give the lock back."""
        fcntl.flock(handle, fcntl.LOCK_UN)
