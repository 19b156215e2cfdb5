"""A request to stop, heard between two steps instead of in the middle of one."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from vitforge.errors import VitforgeError

HEARD = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Which signal asked this process to stop; 0 while none did."""

    def __init__(self) -> None:
        self.signal = 0

    def obey(self, saved: str) -> NoReturn:
        """End the training.

        Args:
            saved: What is kept, e.g. `step 1200 is saved`.

        Raises:
            KeyboardInterrupt: after Ctrl-C.
            VitforgeError: after SIGTERM, which a spot node sends before it is taken away.
        """
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        raise VitforgeError(
            f"the training was told to stop (SIGTERM); {saved}",
            mend="run the same command again to go on from here",
        )


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Note SIGINT and SIGTERM while inside, rather than die of them.

    Only a process's main thread can listen; in another thread nothing changes.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def note(number: int, _: FrameType | None) -> None:
        request.signal = number

    before = {number: signal.signal(number, note) for number in HEARD}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
