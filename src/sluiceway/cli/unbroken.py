"""Drawing that Ctrl-C does not cut in two."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def unbroken() -> Iterator[None]:
    """Hold Ctrl-C back until something is drawn; then it counts.

    `rich` keeps what it has written until it knows that it has. An interrupt just before has it write that once more,
    below the first one, which nobody erases then.
    """
    if threading.current_thread() is not threading.main_thread():  # it is never interrupted
        yield
        return
    pressed = list[int]()

    def note(number: int, _: FrameType | None) -> None:
        pressed.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        signal.raise_signal(signal.SIGINT)
