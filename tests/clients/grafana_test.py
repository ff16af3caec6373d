# SPDX-License-Identifier: Apache-2.0
"""What Grafana's PostgreSQL data source asks with its TimescaleDB switch on: its connection test, the lists of its query builder, panels,
annotations and variables. Each over the simple protocol, with which it runs panels, and over the extended one of its lists: the same columns
and values come by both. Its macros are expanded here as its documentation says."""
import datetime as dt
import re
from decimal import Decimal

import psycopg
from psycopg import pq

from client_case import ClientCase, PeerCase

FROM, TO = "2026-01-05T14:30:00Z", "2026-01-05T14:45:00.5Z"
FROM_SECONDS, TO_SECONDS = 1767623400, 1767624300
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
OURS = ("information_schema", "pg_catalog", "_timescaledb_cache", "_timescaledb_catalog", "_timescaledb_internal", "_timescaledb_config",
        "timescaledb_information", "timescaledb_experimental")
HIDDEN = ", ".join(f"'{name}'" for name in OURS)
# The schemas of the search path, as the query builder finds them: "$user" among them.
ON_PATH = """quote_ident(table_schema) IN (SELECT CASE WHEN trim(part[n]) = '"$user"' THEN user ELSE trim(part[n]) END
    FROM generate_series(array_lower(string_to_array(current_setting('search_path'), ','), 1),
                         array_upper(string_to_array(current_setting('search_path'), ','), 1)) AS n,
         string_to_array(current_setting('search_path'), ',') part)"""


def expanded(text, timescaledb=True):
    """With its macros replaced."""
    def seconds(interval):
        return int(interval[:-1]) * SECONDS[interval[-1]]

    def group(match):
        column, width = match.group(2), float(seconds(match.group(3)))
        bucket = f"time_bucket('{width:.3f}s',{column})" if timescaledb else f"floor(extract(epoch from {column})/{width:g})*{width:g}"
        return bucket + (' AS "time"' if match.group(1) else "")

    for pattern, by in ((r"\$__interval", "1m"), (r"\$__timeGroup(Alias)?\((\w+), *'(\w+)'\)", group),
                        (r"\$__unixEpochGroup\((\w+), *'(\w+)'\)", lambda m: f"floor(({m.group(1)})/{seconds(m.group(2))})*{seconds(m.group(2))}"),
                        (r"\$__timeFilter\((\w+)\)", rf"\1 BETWEEN '{FROM}' AND '{TO}'"), (r"\$__timeFrom\(\)", f"'{FROM}'"), (r"\$__timeTo\(\)", f"'{TO}'"),
                        (r"\$__timeEpoch\((\w+)\)", r'extract(epoch from \1) as "time"'), (r"\$__time\((\w+)\)", r'\1 AS "time"'),
                        (r"\$__unixEpochFilter\((\w+)\)", rf"\1 >= {FROM_SECONDS} AND \1 <= {TO_SECONDS}")):
        text = re.sub(pattern, by, text)
    return text


class GrafanaTests:
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with psycopg.connect(cls.url, autocommit=True) as connection:
            connection.execute("""CREATE SCHEMA "my-desk"; CREATE TABLE "my-desk"."Odd name" (time timestamptz, "Value" float8);
                CREATE TABLE epochs (at bigint, value real);
                INSERT INTO epochs SELECT 1767623400 + n * 30, n FROM generate_series(0, 40) AS n;
                CREATE TABLE news (started timestamptz, ended timestamptz, headline text, tags text[]);
                INSERT INTO news VALUES ('2026-01-05 14:31:00+00', NULL, 'cut', '{fed,rates}'), ('2026-01-05 14:40:00+00', '2026-01-05 14:42:00+00', 'talk', NULL)""")

    def setUp(self):
        self.connection = psycopg.connect(self.url, autocommit=True)
        self.addCleanup(self.connection.close)
        self.pgconn = self.connection.pgconn

    @staticmethod
    def columns(result):
        return [(result.fname(n).decode(), result.ftype(n)) for n in range(result.nfields)]

    def shown(self, result):
        columns = self.columns(result)

        def text(value, oid):  # the zeros at the end of a number say nothing
            return value and (format(Decimal(value.decode()).normalize(), "f") if oid == 1700 else value.decode())

        return columns, [[text(result.get_value(row, n), oid) for n, (_, oid) in enumerate(columns)] for row in range(result.ntuples)]

    def asked(self, sql):
        """Columns with their types, and rows, the same by both protocols."""
        self.pgconn.send_query(sql.encode())
        results = []
        while (result := self.pgconn.get_result()) is not None:
            self.assertIn(result.status, (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK), f"{result.error_message.decode()}\n{sql}")
            results.append(result)
        simple = self.shown(results[-1])
        if len(results) == 1:
            extended = self.pgconn.exec_params(sql.encode(), [])
            self.assertEqual(extended.status, pq.ExecStatus.TUPLES_OK, extended.error_message.decode())
            self.assertEqual(self.shown(extended), simple)
            # In binary the columns are the same; the values come to the same by the driver's own reading.
            binary = self.pgconn.exec_params(sql.encode(), [], result_format=1)
            self.assertEqual(self.columns(binary), simple[0])
            values = [self.connection.cursor(binary=way).execute(sql).fetchall() for way in (False, True)]
            self.assertEqual(values[0], values[1])
        return simple

    def panel(self, text, **how):
        return self.asked(expanded(text, **how))

    def test_the_connection_is_tested(self):
        self.assertEqual(self.pgconn.exec_(b"SELECT 1").ntuples, 1)
        # An empty query is a ping.
        self.assertEqual(self.pgconn.exec_(b"-- ping").status, pq.ExecStatus.EMPTY_QUERY)
        self.assertEqual(self.asked("SELECT current_setting('server_version_num')::int / 100 AS version"), ([("version", 23)], [["1500"]]))

    def test_lists_of_the_query_builder(self):
        _, schemas = self.asked(f'SELECT schema_name AS "name" FROM information_schema.schemata WHERE schema_name NOT IN ({HIDDEN}, \'pg_toast\') ORDER BY schema_name')
        # Beside them those that it does not know to hide: TimescaleDB's newest, and ours.
        self.assertEqual([name for [name] in schemas if name not in ("_timescaledb_functions", "tickstone")], ["my-desk", "public"])
        columns, tables = self.asked(f"""SELECT CASE WHEN {ON_PATH} THEN quote_ident(table_name)
              ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
            FROM information_schema.tables WHERE quote_ident(table_schema) NOT IN ({HIDDEN}) ORDER BY CASE WHEN {ON_PATH} THEN 0 ELSE 1 END, 1""")
        self.assertEqual(columns, [("table", 25)])
        self.assertEqual([name for [name] in tables if name != "daily_ohlcv_agg" and not name.startswith("tickstone.")],
                         ["epochs", "feature_metadata", "focus", "news", "ohlcv", "options_flow", "positions", "symbols", "trades", '"my-desk"."Odd name"'])
        self.assertEqual(self.asked("SELECT quote_ident(table_name) AS \"table\" FROM information_schema.tables WHERE quote_ident(table_schema) = '\"my-desk\"' ORDER BY 1"),
                         ([("table", 25)], [['"Odd name"']]))
        for table, expected in (("epochs", [["at", "bigint"], ["value", "real"]]),
                                ('"my-desk"."Odd name"', [['"time"', "timestamp with time zone"], ['"Value"', "double precision"]])):
            found = self.asked(f"""SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
                WHERE CASE WHEN array_length(parse_ident('{table}'), 1) = 2
                      THEN quote_ident(table_schema) = quote_ident((parse_ident('{table}'))[1]) AND quote_ident(table_name) = quote_ident((parse_ident('{table}'))[2])
                      ELSE quote_ident(table_name) = '{table}' AND {ON_PATH} END ORDER BY ordinal_position""")
            self.assertEqual(found[1], expected)
            self.assertEqual([kind for _, kind in found[0]], [25, 1043])
        # Those of its schema service, with parameters.
        with self.connection.cursor() as cursor:
            for binary in (False, True):
                rows = cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type IN ('BASE TABLE', 'VIEW') ORDER BY table_name",
                                      ("my-desk",), binary=binary).fetchall()
                self.assertEqual(rows, [("Odd name",)])
                rows = cursor.execute("""SELECT column_name, data_type, udt_name, numeric_precision, numeric_scale FROM information_schema.columns
                    WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position""", ("public", "ohlcv"), binary=binary).fetchall()
                self.assertEqual(rows[:3], [("symbol", "text", "text", None, None), ("timestamp", "timestamp with time zone", "timestamptz", None, None),
                                            ("open", "numeric", "numeric", None, None)])
        self.assertEqual(self.asked("""SELECT 'symbol' AS col, "symbol"::text AS val FROM (SELECT DISTINCT "symbol" FROM "public"."ohlcv" WHERE "symbol" IS NOT NULL
            ORDER BY "symbol" LIMIT 100) s0 UNION ALL SELECT 'value', "value"::text FROM (SELECT DISTINCT "value" FROM "public"."epochs" WHERE "value" IS NOT NULL
            ORDER BY "value" LIMIT 2) s1"""), ([("col", 25), ("val", 25)], [["symbol", "S0"], ["symbol", "S1"], ["symbol", "S2"], ["value", "0"], ["value", "1"]]))

    def test_series_in_buckets(self):
        columns, rows = self.panel("""SELECT $__timeGroupAlias(timestamp, '5m'), symbol AS metric, avg(close) AS "close", max(high) - min(low) AS spread
            FROM ohlcv WHERE $__timeFilter(timestamp) GROUP BY 1, 2 ORDER BY 1, 2""")
        self.assertEqual(columns, [("time", 1184), ("metric", 25), ("close", 1700), ("spread", 1700)])
        self.assertEqual(len(rows), 12)
        self.assertEqual([rows[0][0], rows[0][1], float(rows[0][2]), rows[0][3]], ["2026-01-05 14:30:00+00", "S0", 101.1, "3.2"])
        columns, rows = self.panel("SELECT $__timeGroup(timestamp, '$__interval') AS time, count(*), sum(volume)::float8 AS volume FROM ohlcv "
                                   "WHERE timestamp >= $__timeFrom() AND timestamp < $__timeTo() GROUP BY time ORDER BY time")
        self.assertEqual(columns, [("time", 1184), ("count", 20), ("volume", 701)])
        self.assertEqual((len(rows), rows[0]), (16, ["2026-01-05 14:30:00+00", "3", "30"]))
        # With the switch off: numbers of seconds.
        columns, rows = self.panel("SELECT $__timeGroupAlias(timestamp, '5m'), max(close) FROM ohlcv WHERE $__timeFilter(timestamp) GROUP BY 1 ORDER BY 1",
                                   timescaledb=False)
        self.assertEqual(columns, [("time", 1700), ("max", 1700)])
        self.assertEqual((len(rows), float(rows[0][0])), (4, FROM_SECONDS))
        columns, rows = self.panel("SELECT $__unixEpochGroup(at, '5m') AS time, avg(value) AS value FROM epochs WHERE $__unixEpochFilter(at) GROUP BY 1 ORDER BY 1")
        self.assertEqual(columns, [("time", 701), ("value", 701)])
        self.assertEqual(rows, [["1767623400", "4.5"], ["1767623700", "14.5"], ["1767624000", "24.5"], ["1767624300", "30"]])

    def test_tables_and_single_values(self):
        columns, rows = self.panel("""SELECT $__time(timestamp), symbol, close, volume::int AS volume, close > 101 AS high, NULL AS nothing FROM ohlcv
            WHERE $__timeFilter(timestamp) AND symbol IN ('S0','S2') ORDER BY timestamp DESC, symbol LIMIT 3""")
        self.assertEqual(columns, [("time", 1184), ("symbol", 25), ("close", 1700), ("volume", 23), ("high", 16), ("nothing", 25)])
        self.assertEqual(rows[0], ["2026-01-05 14:45:00+00", "S0", "105", "450", "t", None])
        self.assertEqual(self.panel("SELECT $__timeEpoch(timestamp), close FROM ohlcv WHERE $__timeFilter(timestamp) ORDER BY 1, 2 LIMIT 1"),
                         ([("time", 1700), ("close", 1700)], [["1767623400", "100.5"]]))
        # The last of a symbol, and several statements of which the last gives rows.
        self.assertEqual(self.panel("SELECT DISTINCT ON (symbol) symbol, close FROM ohlcv WHERE $__timeFilter(timestamp) ORDER BY symbol, timestamp DESC")[1],
                         [["S0", "105"], ["S1", "105.1"], ["S2", "105.2"]])
        self.assertEqual(self.panel("SET statement_timeout = '30s'; SELECT count(*) FROM ohlcv WHERE $__timeFilter(timestamp)"), ([("count", 20)], [["48"]]))

    def test_annotations_and_variables(self):
        columns, rows = self.panel("""SELECT extract(epoch from started) AS time, extract(epoch from ended) AS timeend, headline AS text, array_to_string(tags, ',') AS tags
            FROM news WHERE $__timeFilter(started) ORDER BY 1""")
        self.assertEqual(columns, [("time", 1700), ("timeend", 1700), ("text", 25), ("tags", 25)])
        self.assertEqual(rows, [["1767623460", None, "cut", "fed,rates"], ["1767624000", "1767624120", "talk", None]])
        self.assertEqual(self.panel("SELECT DISTINCT symbol AS __text, 'id ' || symbol AS __value FROM ohlcv WHERE symbol ILIKE '%s%' ORDER BY 1"),
                         ([("__text", 25), ("__value", 25)], [["S0", "id S0"], ["S1", "id S1"], ["S2", "id S2"]]))

    def test_errors_name_what_is_wrong(self):
        for sql, sqlstate, message in (("SELECT nosuch FROM ohlcv", b"42703", 'column "nosuch" does not exist'), ("SELECT * FROM nosuch", b"42P01", 'relation "nosuch" does not exist'),
                                       ("SELECT FROM WHERE", b"42601", 'syntax error at or near "WHERE"')):
            result = self.pgconn.exec_(sql.encode())
            self.assertEqual(result.error_field(pq.DiagnosticField.SQLSTATE), sqlstate)
            self.assertEqual(result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY).decode(), message)


class Grafana(GrafanaTests, ClientCase):
    def test_the_extension_is_found(self):
        columns, rows = self.asked("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
        self.assertEqual(columns, [("extversion", 25)])
        self.assertRegex(rows[0][0], r"^2\.\d+\.\d+$")

    def test_aggregates_are_read_as_series(self):
        self.connection.execute("CALL refresh_continuous_aggregate('daily_ohlcv_agg', NULL, NULL)")
        columns, rows = self.panel("SELECT day AS time, symbol AS metric, close FROM daily_ohlcv_agg WHERE day BETWEEN '2026-01-01T00:00:00Z' AND $__timeTo() ORDER BY 1, 2")
        self.assertEqual(columns, [("time", 1184), ("metric", 25), ("close", 1700)])
        self.assertEqual([row[1] for row in rows], ["S0", "S1", "S2"])


class GrafanaOnPostgreSql(GrafanaTests, PeerCase):
    """With a time_bucket of its own, as it has no TimescaleDB."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with psycopg.connect(cls.url, autocommit=True) as connection:
            connection.execute("""CREATE FUNCTION time_bucket(width interval, at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
                $$ SELECT date_bin(width, at, timestamptz '2000-01-03 00:00:00+00') $$""")
