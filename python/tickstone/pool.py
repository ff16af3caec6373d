# SPDX-License-Identifier: Apache-2.0
"""A pool of connections that threads share."""
from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection

from .errors import PoolClosed, PoolTimeout


def has_ended(connection: Connection) -> bool:
    """Whether the server has ended an idle session: it has something to say that nobody asked for."""
    if connection.closed:
        return True
    try:
        readable, _, _ = select.select([connection.fileno()], [], [], 0)
    except (OSError, ValueError, psycopg2.Error):
        return True
    return bool(readable)


class ConnectionPool:
    """Hands connections to threads, at most max_connections at once; who comes late waits.

    A connection that comes back broken, or in the middle of a transaction that cannot be undone, is not used again,
    nor one that the server has ended while it lay idle. Any thread may call any method. After fork() the child opens
    connections of its own.
    """

    def __init__(self, connect: Callable[[], Connection], max_connections: int, longest_idle_s: float = 300.0):
        if max_connections < 1:
            raise ValueError("a pool has one connection at least")
        self._connect = connect
        self._max_connections = max_connections
        self._longest_idle_s = longest_idle_s
        self._changed = threading.Condition()
        self._idle: list[tuple[Connection, float]] = []
        self._open_count = 0
        self._is_closed = False
        self._process = os.getpid()

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    @property
    def open_count(self) -> int:
        """How many connections there are, in use or idle."""
        with self._changed:
            return self._open_count

    def take(self, timeout_s: float | None = None) -> Connection:
        """A connection outside of any transaction, for this caller alone until it is given back."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            self._forget_the_parents()
            while True:
                if self._is_closed:
                    raise PoolClosed("the database manager is closed")
                idle = self._usable_idle()
                if idle is not None:
                    return idle
                if self._open_count < self._max_connections:
                    self._open_count += 1
                    break
                left = None if end is None else end - time.monotonic()
                if (left is not None and left <= 0) or not self._changed.wait(left):
                    raise PoolTimeout(
                        f"all {self._max_connections} connections stayed in use for {timeout_s:g} s; "
                        "raise max_connections, or give connections back sooner"
                    )
        try:
            return self._connect()
        except BaseException:
            self._lose_one()
            raise

    def give_back(self, connection: Connection) -> None:
        """Takes a connection back; what is left of its transaction is undone."""
        with self._changed:
            if os.getpid() != self._process:
                return
        if not connection.closed:
            try:
                if connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
                    connection.rollback()
                if connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
                    # Somebody's own BEGIN outside of psycopg2's sight.
                    connection.close()
                else:
                    connection.autocommit = False
                    connection.readonly = None
                    connection.isolation_level = None
            except psycopg2.Error:
                connection.close()
        with self._changed:
            if not connection.closed and not self._is_closed:
                self._idle.append((connection, time.monotonic()))
                self._changed.notify()
                return
        self.discard(connection)

    def discard(self, connection: Connection) -> None:
        """Takes back a connection that is not to be used again."""
        with contextlib.suppress(psycopg2.Error):
            connection.close()
        self._lose_one()

    def close(self) -> None:
        """Closes what is idle now and, as it comes back, what is in use."""
        with self._changed:
            self._is_closed = True
            idle, self._idle = self._idle, []
            self._open_count -= len(idle)
            self._changed.notify_all()
        for connection, _ in idle:
            connection.close()

    def _lose_one(self) -> None:
        with self._changed:
            self._open_count = max(0, self._open_count - 1)
            self._changed.notify()

    def _usable_idle(self) -> Connection | None:
        """The idle connection that was used last. Called with the lock held."""
        now = time.monotonic()
        while self._idle:
            connection, since = self._idle.pop()
            if now - since <= self._longest_idle_s and not has_ended(connection):
                return connection
            self._open_count -= 1
            connection.close()
        return None

    def _forget_the_parents(self) -> None:
        """A forked child must not speak on its parent's sockets. Called with the lock held."""
        if os.getpid() != self._process:
            self._process = os.getpid()
            # Kept alive on purpose: closing them would say goodbye on the parent's behalf.
            self._parents_connections = self._idle
            self._idle = []
            self._open_count = 0
