"""The one error that people see: what went wrong, where, and the command that mends it."""

import errno


class VitforgeError(Exception):
    """A failure that a person can mend.

    Args:
        cause: One sentence: what is wrong.
        where: The file, row or key it was found at; empty when there is none.
        mend: The command or the change that mends it.
    """

    def __init__(self, cause: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(cause, where, mend)
        self.cause = cause
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        parts = [self.cause]
        if self.where:
            parts.append(f"at: {self.where}")
        if self.mend:
            parts.append(f"mend: {self.mend}")
        return " | ".join(parts)


class ConfigError(VitforgeError):
    """A config that cannot be run; found before the first step starts."""


class RefusedError(VitforgeError):
    """Evidence says no: this version must not go live, however often it is tried."""


def explain(error: BaseException) -> VitforgeError:
    """Turn any exception into one that names a cause and a way out."""
    if isinstance(error, VitforgeError):
        return error
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return VitforgeError(
            "the disk is full",
            where=str(error.filename or ""),
            mend="free space, or set VITFORGE_HOME to a larger disk; then run it again",
        )
    if isinstance(error, OSError) and error.filename and error.strerror:
        return VitforgeError(
            error.strerror,
            where=str(error.filename),
            mend="see that it is there and may be read and written; VITFORGE_HOME moves the "
            "state folder",
        )
    if isinstance(error, MemoryError):
        return VitforgeError(
            "the machine ran out of memory",
            mend="lower finetuning.batch_size, or take a smaller backbone",
        )
    if isinstance(error, KeyboardInterrupt):
        return VitforgeError(
            "stopped by hand", mend="run the same command again to go on from here"
        )
    return VitforgeError(
        f"{type(error).__name__}: {error}", mend="the whole trace is in the run's log"
    )
