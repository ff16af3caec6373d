# SPDX-License-Identifier: Apache-2.0
"""How often and how long to try again."""
from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPolicy:
    """Waits grow from first_wait_s to longest_wait_s, each shortened at random so that many clients do not
    come back at once; nothing is tried again when total_s have passed since the first failure."""

    total_s: float = 30.0
    first_wait_s: float = 0.02
    longest_wait_s: float = 2.0
    factor: float = 2.0

    def start(self, clock: Callable[[], float] = time.monotonic) -> Attempts:
        return Attempts(self, clock)


NO_RETRY = RetryPolicy(total_s=0.0)


class Attempts:
    """The attempts of one operation."""

    def __init__(self, policy: RetryPolicy, clock: Callable[[], float] = time.monotonic):
        self._policy = policy
        self._clock = clock
        self._end: float | None = None
        self._next_wait = policy.first_wait_s
        self.failed = 0

    def wait(self, interrupted: threading.Event) -> bool:
        """Counts a failure and waits; false if there is no time for another attempt or the wait was interrupted."""
        self.failed += 1
        now = self._clock()
        if self._end is None:
            self._end = now + self._policy.total_s
        left = self._end - now
        if left <= 0:
            return False
        wait = min(self._next_wait * (0.5 + random.random() / 2), left)
        self._next_wait = min(self._next_wait * self._policy.factor, self._policy.longest_wait_s)
        return not interrupted.wait(wait)
