# SPDX-License-Identifier: Apache-2.0
"""Who read which feature, written in batches beside the reading."""
from __future__ import annotations

import atexit
import datetime as dt
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

Entry = tuple[str, dt.datetime, str, str]
# What is left when the program ends is written then.
_open_logs: weakref.WeakSet[AccessLog] = weakref.WeakSet()
MICROSECOND = dt.timedelta(microseconds=1)


@dataclass
class AccessBatch:
    """Entries that are written together. was_tried: they may be there already."""

    entries: list[Entry] = field(default_factory=list)
    was_tried: bool = False


class AccessLog:
    """Gathers entries and writes them flush_s after the first, or at once when there are flush_entries.

    Reading does not wait for the log and does not fail with it: entries that cannot be written stay and are tried again
    with the next ones, up to longest_backlog of them; what is beyond is dropped, and said so. Any thread may record.
    """

    def __init__(
        self, write: Callable[[AccessBatch], None], flush_s: float = 1.0, flush_entries: int = 1000,
        longest_backlog: int = 100_000,
    ):
        self._write = write
        self._flush_s = flush_s
        self._flush_entries = flush_entries
        self._longest_backlog = longest_backlog
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._gathered: list[Entry] = []
        self._untold: AccessBatch | None = None
        self._last_time = dt.datetime.min.replace(tzinfo=dt.timezone.utc)
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._process = os.getpid()
        _open_logs.add(self)

    def record(self, features: Iterable[str], accessed_by: str, operation: str) -> None:
        """Notes a read of features. Each read has a moment of its own, so that an entry can be found again."""
        with self._changed:
            if os.getpid() != self._process:
                # After fork(): the thread, and what was gathered, are the parent's.
                self._process, self._thread, self._gathered, self._untold = os.getpid(), None, [], None
            self._last_time = max(dt.datetime.now(dt.timezone.utc), self._last_time + MICROSECOND)
            room = self._longest_backlog - len(self._gathered)
            entries = [(name, self._last_time, accessed_by, operation) for name in dict.fromkeys(features)]
            if len(entries) > room:
                logger.error("the feature access log is full: %d entries are dropped", len(entries) - room)
            self._gathered.extend(entries[:max(0, room)])
            if self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._run, name="feature access log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Writes what was recorded so far; raises if it cannot be written, and keeps it."""
        with self._writing:
            while True:
                with self._changed:
                    if self._untold is None and self._gathered:
                        self._untold, self._gathered = AccessBatch(self._gathered), []
                    batch = self._untold
                if batch is None:
                    return
                self._write(batch)
                with self._changed:
                    self._untold = None

    def close(self) -> None:
        """Writes what there is and stops; what cannot be written now is said to be lost."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        try:
            self.flush()
        except Exception as error:
            lost = len(self._gathered) + (len(self._untold.entries) if self._untold else 0)
            logger.error("%d entries of the feature access log are lost: %s", lost, str(error).strip())

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or self._gathered or self._untold)
                self._changed.wait_for(lambda: self._is_closed or len(self._gathered) >= self._flush_entries, self._flush_s)
                if self._is_closed:
                    return
            try:
                self.flush()
            except Exception as error:
                logger.warning("the feature access log cannot be written now: %s", str(error).strip())


@atexit.register
def _close_logs() -> None:
    for log in list(_open_logs):
        log.close()
