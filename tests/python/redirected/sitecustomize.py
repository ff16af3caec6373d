# SPDX-License-Identifier: Apache-2.0
"""Programs that connect to localhost:5433, as the guide's do, are given the server that a test has started."""
import os

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

_connect = psycopg2.connect


def connect(dsn=None, **parameters):
    wanted = parse_dsn(make_dsn(dsn, **parameters))
    if (wanted.get("host"), wanted.get("port")) != ("localhost", "5433"):
        raise AssertionError(f"a connection to {wanted.get('host')}:{wanted.get('port')}, which is not the guide's")
    given = parse_dsn(os.environ["TICKSTONE_TEST_REDIRECTED"])
    return _connect(make_dsn(**{**wanted, **given}))


psycopg2.connect = connect
