# SPDX-License-Identifier: Apache-2.0
"""Connections that come back: a pool, reconnection, and the repetition of what is safe to repeat."""
from __future__ import annotations

import contextlib
import enum
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg2
from psycopg2 import errors as sql_errors
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ, TRANSACTION_STATUS_INERROR, make_dsn
from psycopg2.extensions import connection as Connection

from . import frames, settings
from .errors import (
    READ_ONLY_TRANSACTION,
    CommitOutcomeUnknown,
    PoolClosed,
    PoolTimeout,
    code_of,
    is_conflict,
    is_lost,
    is_passing_connect_failure,
)
from .pool import ConnectionPool
from .retry import Attempts, RetryPolicy
from .statements import READING_WORDS, TRANSACTION_WORDS, Parameters, Row, Statement, Statements, first_word

if TYPE_CHECKING:
    import pandas

Result = TypeVar("Result")
Self = TypeVar("Self", bound="ConnectionManager")

# Texts that were refused as reads; past this many the rest pay for one more try.
WRITING_TEXTS_MAX = 1000


# A server that vanished without a word is noticed after about a minute.
SIGNS_OF_LIFE = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3", "tcp_user_timeout": "60000"}


class Mode(enum.Enum):
    """What a function is run in."""

    TRANSACTION = "a transaction"
    READ = "a transaction that the server holds to reading"
    SNAPSHOT = "a transaction that reads all from one moment"
    AUTOCOMMIT = "no transaction: each statement commits itself"


READING_MODES = (Mode.READ, Mode.SNAPSHOT)


class ConnectionManager:
    """Executes SQL on a server over a pool of connections. All methods may be called from any thread.

    What is repeated when a connection is lost or the server undid the transaction (40001, 40P01): connecting, once a
    connection has succeeded; reads; and transactions given as functions, as a whole. A COMMIT whose outcome is unknown
    is repeated only with idempotent=True, else it raises CommitOutcomeUnknown. What runs in a `with` block is not
    repeated. Naive times are UTC: that is the sessions' time zone, unless timezone says otherwise.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        host: str | None = None,
        port: int | str | None = None,
        dbname: str | None = None,
        user: str | None = None,
        password: str | None = None,
        target_session_attrs: str | None = None,
        max_connections: int = 8,
        connection_wait_s: float | None = 30.0,
        connect_timeout_s: int = 10,
        statement_timeout_s: float | None = None,
        lock_timeout_s: float | None = None,
        timezone: str = "UTC",
        retry: RetryPolicy | None = None,
        wait_for_server: bool = False,
        numeric: frames.Numeric = "float",
        **libpq: str | int | None,
    ):
        """Connects lazily. See settings.py for where the address and the password come from.

        host and port may list several servers with commas; the one that takes writes is then used, unless
        target_session_attrs says otherwise. connection_wait_s is how long to wait for a connection of a full pool.
        wait_for_server makes also the first connection wait for a server that does not answer yet. numeric says what
        NUMERIC becomes in a DataFrame, "float" or "decimal". Further keywords go to libpq (sslmode, application_name ...).
        """
        if numeric not in frames.NUMERIC_CHOICES:
            raise ValueError(f'numeric is "float" or "decimal", not {numeric!r}')
        self._parameters = settings.connection_parameters(
            url, None, host=host, port=port, dbname=dbname, user=user, password=password,
            target_session_attrs=target_session_attrs, **libpq,
        )
        session_settings = {"timezone": timezone}
        if statement_timeout_s is not None:
            session_settings["statement_timeout"] = f"{round(statement_timeout_s * 1000)}"
        if lock_timeout_s is not None:
            session_settings["lock_timeout"] = f"{round(lock_timeout_s * 1000)}"
        options = [f"-c {name}={value}" for name, value in session_settings.items()]
        self._parameters["options"] = " ".join([*options, self._parameters.get("options", "")]).strip()
        self._parameters.setdefault("connect_timeout", str(connect_timeout_s))
        self._parameters.setdefault("fallback_application_name", "tickstone-python")
        for name, value in SIGNS_OF_LIFE.items():
            self._parameters.setdefault(name, value)
        self._several_hosts = len(settings.hosts_of(self._parameters)) > 1
        self._connection_wait_s = connection_wait_s
        self._retry = RetryPolicy() if retry is None else retry
        self._numeric: frames.Numeric = numeric
        self._has_connected = wait_for_server
        self._closing = threading.Event()
        self._writing_texts: set[str | bytes] = set()
        self._pool = ConnectionPool(self._connect, max_connections)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {settings.description(self._parameters)}>"

    @property
    def parameters(self) -> Mapping[str, str]:
        """libpq's parameters, the password among them."""
        return dict(self._parameters)

    @property
    def server_version(self) -> str:
        """What the server says of itself: `PostgreSQL 15.8 (Tickstone 0.1.0) on ...`."""
        row = self._run(lambda on: on.fetch_one("SELECT version()"), Mode.AUTOCOMMIT, True)
        return str(row[0]) if row else ""

    @property
    def home(self) -> str:
        """What the server is: "tickstone", "timescaledb" or "postgresql"."""
        if "Tickstone" in self.server_version:
            return "tickstone"
        query = "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"
        has_extension = self._run(lambda on: on.fetch_one(query), Mode.AUTOCOMMIT, True) is not None
        return "timescaledb" if has_extension else "postgresql"

    def close(self) -> None:
        """Closes the connections; repetitions that wait give up. May be called twice."""
        self._closing.set()
        self._pool.close()

    # Statements by themselves, each in a transaction of its own.

    def execute(
        self, statement: Statement, parameters: Parameters = None, *, idempotent: bool = False, autocommit: bool = False
    ) -> int:
        """Executes a statement, or several without parameters, and commits; how many rows it affected.

        autocommit is for what refuses to run inside a transaction (VACUUM, CALL refresh_continuous_aggregate ...); it
        is repeated only if idempotent.
        """
        self._refuse_transaction_words(statement)
        if autocommit:
            return self._run(lambda on: on.execute(statement, parameters), Mode.AUTOCOMMIT, idempotent)
        return self._run_statement(statement, lambda on: on.execute(statement, parameters), idempotent)

    def fetch_all(self, statement: Statement, parameters: Parameters = None, *, idempotent: bool = False) -> list[Row]:
        """All rows of a statement's result, as tuples."""
        return self._run_statement(statement, lambda on: on.fetch_all(statement, parameters), idempotent)

    def fetch_one(self, statement: Statement, parameters: Parameters = None, *, idempotent: bool = False) -> Row | None:
        """The first row of a statement's result, or None."""
        return self._run_statement(statement, lambda on: on.fetch_one(statement, parameters), idempotent)

    def fetch_dicts(
        self, statement: Statement, parameters: Parameters = None, *, idempotent: bool = False
    ) -> list[dict[str, Any]]:
        """All rows of a statement's result, as dictionaries."""
        return self._run_statement(statement, lambda on: on.fetch_dicts(statement, parameters), idempotent)

    def get_dataframe(
        self, statement: Statement, parameters: Parameters = None, *, numeric: frames.Numeric | None = None
    ) -> pandas.DataFrame:
        """A statement's result as a DataFrame.

        timestamptz is datetime64[ns, UTC]; NUMERIC is float64, or with numeric="decimal" exact Decimals; integers with
        NULLs are Int64, without int64.
        """
        return self._run_statement(statement, lambda on: on.get_dataframe(statement, parameters, numeric=numeric), False)

    def copy_from_dataframe(self, frame: pandas.DataFrame, table: str, columns: Sequence[str] | None = None) -> int:
        """COPYs a DataFrame into a table, all of it or nothing; how many rows. A key that is there already is an error:
        the batch functions are for what may repeat."""
        return self._run(lambda on: on.copy_from_dataframe(frame, table, columns), Mode.TRANSACTION, False)

    # Several statements together.

    def run_transaction(self, function: Callable[[Statements], Result], *, idempotent: bool = False) -> Result:
        """Calls function(statements) in a transaction and commits; what it returns.

        The function is called again if the transaction did not come about, so what it does beside its statements must
        bear repetition. It is called again after a COMMIT without an answer only if idempotent, i.e. if doing its work
        twice is the same as once.
        """
        return self._run(function, Mode.TRANSACTION, idempotent)

    def run_snapshot(self, function: Callable[[Statements], Result]) -> Result:
        """Calls function(statements), whose reads all see the same moment."""
        return self._run(function, Mode.SNAPSHOT, True)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Statements]:
        """`with db.transaction() as t:` commits at the block's end, or undoes it if it raises. The block is not repeated:
        for that see run_transaction."""
        connection = self._connection_that_answers()
        statements = Statements(connection, self._numeric)
        try:
            yield statements
            self._commit(connection, False)
        except BaseException as error:
            self._put_away(connection, error)
            raise
        self._pool.give_back(connection)

    @contextlib.contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of psycopg2's for what wants one; what the block did not commit is undone."""
        connection = self._take(self._retry.start())
        try:
            yield connection
        except BaseException as error:
            self._put_away(connection, error)
            raise
        self._pool.give_back(connection)

    # How it is done.

    def _connect(self) -> Connection:
        connection = psycopg2.connect(make_dsn(**self._parameters))
        self._has_connected = True
        return connection

    def _take(self, attempts: Attempts) -> Connection:
        while True:
            try:
                return self._pool.take(self._connection_wait_s)
            except (PoolTimeout, PoolClosed):
                raise
            except psycopg2.OperationalError as error:
                if not (self._has_connected and is_passing_connect_failure(error) and attempts.wait(self._closing)):
                    raise

    def _connection_that_answers(self) -> Connection:
        attempts = self._retry.start()
        while True:
            connection = self._take(attempts)
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                return connection
            except BaseException as error:
                lost = is_lost(error, connection.closed != 0)
                self._put_away(connection, error)
                if not (lost and attempts.wait(self._closing)):
                    raise

    def _put_away(self, connection: Connection, error: BaseException) -> None:
        if is_lost(error, connection.closed != 0):
            self._pool.discard(connection)
        else:
            self._pool.give_back(connection)

    @staticmethod
    def _commit(connection: Connection, may_repeat: bool) -> None:
        if connection.closed:
            raise psycopg2.OperationalError("the connection was lost before the transaction was committed")
        if connection.info.transaction_status == TRANSACTION_STATUS_INERROR:
            # COMMIT would succeed, and undo everything.
            raise sql_errors.InFailedSqlTransaction("a statement of the transaction failed: there is nothing to commit")
        try:
            connection.commit()
        except psycopg2.Error as error:
            if is_lost(error, connection.closed != 0) and not may_repeat:
                raise CommitOutcomeUnknown(
                    f"the connection was lost during COMMIT, which may have happened or not: {str(error).strip()}"
                ) from error
            raise

    def _run_statement(self, statement: Statement, function: Callable[[Statements], Result], idempotent: bool) -> Result:
        self._refuse_transaction_words(statement)
        word = first_word(statement)
        text = statement if isinstance(statement, (str, bytes)) else repr(statement)
        if word in READING_WORDS and text not in self._writing_texts:
            # The server itself says whether it only reads, before it has any effect.
            try:
                return self._run(function, Mode.READ, True)
            except sql_errors.ReadOnlySqlTransaction:
                if len(self._writing_texts) < WRITING_TEXTS_MAX:
                    self._writing_texts.add(text)
        return self._run(function, Mode.TRANSACTION, idempotent)

    @staticmethod
    def _refuse_transaction_words(statement: Statement) -> None:
        word = first_word(statement)
        if word in TRANSACTION_WORDS:
            raise ValueError(f"{word} has no place in a statement by itself: use transaction() or run_transaction()")

    def _run(self, function: Callable[[Statements], Result], mode: Mode, idempotent: bool) -> Result:
        attempts = self._retry.start()
        while True:
            connection = self._take(attempts)
            try:
                if mode is Mode.AUTOCOMMIT:
                    connection.autocommit = True
                    result = function(Statements(connection, self._numeric))
                else:
                    if mode in READING_MODES:
                        connection.readonly = True
                    if mode is Mode.SNAPSHOT:
                        connection.isolation_level = ISOLATION_LEVEL_REPEATABLE_READ
                    result = function(Statements(connection, self._numeric))
                    self._commit(connection, idempotent or mode in READING_MODES)
            except BaseException as error:
                repeatable = self._is_repeatable(error, connection, mode, idempotent)
                self._put_away(connection, error)
                if not (repeatable and attempts.wait(self._closing)):
                    raise
            else:
                self._pool.give_back(connection)
                return result

    def _is_repeatable(self, error: BaseException, connection: Connection, mode: Mode, idempotent: bool) -> bool:
        if isinstance(error, CommitOutcomeUnknown):
            return False
        if mode is Mode.AUTOCOMMIT and not idempotent:
            return False
        if self._several_hosts and mode is Mode.TRANSACTION and code_of(error) == READ_ONLY_TRANSACTION:
            # The primary has become a standby: its connections are not the ones that are wanted.
            connection.close()
            return True
        return is_conflict(error) or is_lost(error, connection.closed != 0)
