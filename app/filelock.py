"""Lock an open file with a lock that the operating system releases when the process ends for any reason."""

import errno
import os
import sys

BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)

if sys.platform == "win32":
    import msvcrt

    FAR_AWAY = 1 << 30  # the locked byte is beyond the text, which other processes must be able to read

    def try_lock(handle: int) -> bool:
        """Take the lock without waiting; return False if another process holds it.

        Raises:
            OSError: for any other failure.
        """
        os.lseek(handle, FAR_AWAY, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in BUSY:
                return False
            raise
        return True

    def try_share(handle: int) -> bool:
        """Return True without a lock: Windows protects the files of a program that runs."""
        return handle >= 0

    def unlock(handle: int) -> None:
        """Release the lock."""
        os.lseek(handle, FAR_AWAY, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    # flock and not lockf: this process loses a record lock when it closes any handle of the file.
    def try_lock(handle: int, kind: int = fcntl.LOCK_EX) -> bool:
        """Take the lock without waiting; return False if another process holds it.

        Raises:
            OSError: for any other failure.
        """
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in BUSY:
                return False
            raise
        return True

    def try_share(handle: int) -> bool:
        """Take a lock that several processes may share, like `try_lock`."""
        return try_lock(handle, fcntl.LOCK_SH)

    def unlock(handle: int) -> None:
        """Release the lock."""
        fcntl.flock(handle, fcntl.LOCK_UN)
