"""Requests that run beside the test, with the order in which they ended."""

import threading
import time

from server import WAIT_SECONDS


class Background:
    """Calls something on a thread of its own, at once."""

    def __init__(self, action, *arguments, **more):
        self._result = self._fault = None
        self.began = time.monotonic()
        self.ended = None
        self._thread = threading.Thread(
            target=self._run, args=(action, arguments, more), daemon=True
        )
        self._thread.start()

    def _run(self, action, arguments, more):
        try:
            self._result = action(*arguments, **more)
        except Exception as fault:  # noqa: BLE001 - handed to whoever asks for the result
            self._fault = fault
        self.ended = time.monotonic()

    @property
    def is_running(self):
        return self.ended is None

    @property
    def took(self):
        return self.ended - self.began

    def result(self, seconds=WAIT_SECONDS):
        """What it returned, or what it raised."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"still running after {seconds} s"
        if self._fault is not None:
            raise self._fault
        return self._result

    def failure(self, seconds=WAIT_SECONDS):
        """What it raised."""
        try:
            found = self.result(seconds)
        except Exception as fault:  # noqa: BLE001
            return fault
        raise AssertionError(f"it ended well: {found}")
