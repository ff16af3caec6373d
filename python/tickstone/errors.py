# SPDX-License-Identifier: Apache-2.0
"""What can go wrong beside psycopg2's own errors, and which errors allow a repetition."""
from __future__ import annotations

import psycopg2

SERIALIZATION_FAILURE = "40001"
DEADLOCK_DETECTED = "40P01"
READ_ONLY_TRANSACTION = "25006"
# Classes and codes that a server sends as it ends a session, or in place of opening one.
LOST_CODES = ("57P01", "57P02", "57P03", "57P05", "53300")
LOST_CLASS = "08"

# Failures to connect carry no SQLSTATE in psycopg2; these do not get better by waiting.
PERMANENT_CONNECT_TEXTS = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "invalid connection option",
    "does not support SSL",
    "certificate",
)


class PoolTimeout(psycopg2.OperationalError):
    """All connections of the pool stayed in use for longer than the caller would wait."""


class PoolClosed(psycopg2.InterfaceError):
    """The manager was closed."""


class CommitOutcomeUnknown(psycopg2.OperationalError):
    """The connection was lost while COMMIT was under way: the transaction is either done or not done at all.

    Look at the data before you repeat it. What is safe to do twice may be passed as idempotent, and is then
    repeated without this error.
    """


def code_of(error: BaseException) -> str | None:
    return getattr(error, "pgcode", None)


def is_lost(error: BaseException, connection_closed: bool) -> bool:
    """Whether the error says that the session has ended, rather than that the statement is wrong."""
    if not isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
        # libpq calls some broken connections DatabaseError.
        return connection_closed and isinstance(error, psycopg2.DatabaseError)
    code = code_of(error)
    if code is None:
        return connection_closed
    return connection_closed or code in LOST_CODES or code.startswith(LOST_CLASS)


def is_conflict(error: BaseException) -> bool:
    """Whether the server undid the transaction in favour of another one."""
    return code_of(error) in (SERIALIZATION_FAILURE, DEADLOCK_DETECTED)


def is_passing_connect_failure(error: BaseException) -> bool:
    text = str(error)
    return isinstance(error, psycopg2.OperationalError) and not any(t in text for t in PERMANENT_CONNECT_TEXTS)
