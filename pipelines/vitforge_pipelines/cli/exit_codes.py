"""What the command's exit status means."""

from enum import IntEnum


class ExitCode(IntEnum):
    """0 done, 1 a step failed, 2 wrong usage or config, 3 the model was refused, 130 stopped."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    STOPPED = 130
