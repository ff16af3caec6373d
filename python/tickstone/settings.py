# SPDX-License-Identifier: Apache-2.0
"""Where the database is and how to log in: arguments, URLs, the environment, and the defaults of the guide."""
from __future__ import annotations

import os
from collections.abc import Mapping

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

Parameter = str | int

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 5433
DEFAULT_DATABASE = "inavvi"
DEFAULT_USER = "inavvi_user"
# Good for loopback only, as on the server's side.
LOOPBACK_PASSWORD = "postgres"
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")

# What libpq itself calls these, and the variables that set them, first one wins.
ENVIRONMENT = {
    "host": ("DB_HOST", "PGHOST"),
    "port": ("DB_PORT", "PGPORT"),
    "dbname": ("DB_NAME", "PGDATABASE"),
    "user": ("DB_USER", "PGUSER"),
    "password": ("DB_PASSWORD", "PGPASSWORD"),
}
URL_VARIABLES = ("TICKSTONE_URL", "DATABASE_URL")
URL_SCHEMES = ("postgresql://", "postgres://")


class SettingsError(ValueError):
    """The connection settings contradict themselves or name no server."""


def _is_loopback(host: str) -> bool:
    return host in LOOPBACK_HOSTS or host.startswith(("/", "@"))


def hosts_of(parameters: Mapping[str, str]) -> list[str]:
    """The servers that parameters name, one or several."""
    return (parameters.get("host") or parameters.get("hostaddr") or "").split(",")


def _parse(text: str) -> dict[str, str]:
    """A URL, or libpq's `name=value` words, as parameters."""
    if not text.startswith(URL_SCHEMES) and "=" not in text:
        raise SettingsError(
            f'"{text}" is neither a postgresql:// URL nor name=value words; a store in a directory is opened by '
            "C++ programs, or served: tickstone serve --data DIRECTORY"
        )
    try:
        return dict(parse_dsn(text))
    except psycopg2.ProgrammingError as error:
        raise SettingsError(f"cannot read the connection URL: {error}") from None


def _has_password_file(environment: Mapping[str, str]) -> bool:
    return os.path.exists(environment.get("PGPASSFILE") or os.path.expanduser("~/.pgpass"))


def connection_parameters(
    url: str | None = None,
    environment: Mapping[str, str] | None = None,
    **given: Parameter | None,
) -> dict[str, str]:
    """libpq's parameters for a connection.

    What is given by keyword stands before the URL, the URL (else TICKSTONE_URL, else DATABASE_URL) before DB_* and PG*, and these
    before the guide's defaults: localhost:5433, database inavvi, user inavvi_user. A URL without a port means
    libpq's 5432, as it does to psql. The guide's password is used for loopback only, and only where neither the
    environment nor a password file has another.
    """
    environment = os.environ if environment is None else environment
    if url is None and given.get("host") is None:
        url = next((environment[name] for name in URL_VARIABLES if environment.get(name)), None)
    parameters = _parse(url) if url is not None else {}
    names_host = "host" in parameters or "hostaddr" in parameters
    parameters.update({name: str(value) for name, value in given.items() if value is not None})
    for name, variables in ENVIRONMENT.items():
        value = next((environment[v] for v in variables if environment.get(v)), None)
        # Another server's port is not this one's.
        if value is not None and not (name == "port" and names_host):
            parameters.setdefault(name, value)
    if not names_host:
        parameters.setdefault("host", DEFAULT_HOST)
        parameters.setdefault("port", str(DEFAULT_PORT))
    parameters.setdefault("dbname", DEFAULT_DATABASE)
    parameters.setdefault("user", DEFAULT_USER)
    hosts = hosts_of(parameters)
    if len(hosts) > 1:
        # Of several hosts the one that takes writes is wanted, unless something else was said.
        parameters.setdefault("target_session_attrs", environment.get("PGTARGETSESSIONATTRS", "read-write"))
    ways_to_log_in = ("password", "passfile", "service")
    has_a_way = any(name in parameters for name in ways_to_log_in) or _has_password_file(environment)
    if not has_a_way and all(map(_is_loopback, hosts)):
        parameters["password"] = LOOPBACK_PASSWORD
    return parameters


def description(parameters: Mapping[str, str]) -> str:
    """The parameters for a message: without the password."""
    shown = {name: value for name, value in parameters.items() if name in ("host", "hostaddr", "port", "dbname", "user")}
    return make_dsn(**shown)
