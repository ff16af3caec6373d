# SPDX-License-Identifier: Apache-2.0
"""What copies bring beside rows: views, functions, aggregates, jobs, comments, owners, rights; and what they tell of the rest."""
import json
import signal
import subprocess

import psycopg2

from cli_case import PROGRAM, CliCase, environment
from postgresql import PostgreSql

OBJECTS = """
CREATE ROLE readers; CREATE ROLE alice LOGIN; GRANT readers TO alice;
CREATE SCHEMA market;
CREATE SEQUENCE market.tickets AS INT INCREMENT BY 7 START WITH 100 MAXVALUE 5000 CYCLE;
CREATE FUNCTION rounded(x NUMERIC) RETURNS NUMERIC LANGUAGE SQL IMMUTABLE AS 'SELECT round(x, 1)';
CREATE TABLE ticks (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, price NUMERIC NOT NULL, size BIGINT, PRIMARY KEY (symbol, timestamp));
SELECT create_hypertable('ticks', 'timestamp', chunk_time_interval => INTERVAL '1 day');
CREATE TABLE market.venues (id INTEGER PRIMARY KEY, name TEXT, fee NUMERIC);
INSERT INTO market.venues VALUES (1, 'XNAS', 0.25), (2, 'XNYS', 0.5);
INSERT INTO ticks SELECT 'S' || (i % 3), TIMESTAMPTZ '2026-01-05 00:00:00+00' + i * INTERVAL '1 minute', 100 + i % 17, i FROM generate_series(0, 4319) AS g(i);
CREATE FUNCTION z_total(s TEXT, at_least BIGINT DEFAULT 0) RETURNS BIGINT LANGUAGE SQL STABLE AS 'SELECT count(*) FROM ticks WHERE symbol = s AND size >= at_least';
CREATE FUNCTION busy() RETURNS TABLE (symbol TEXT, n BIGINT) LANGUAGE SQL AS 'SELECT symbol, z_total(symbol) FROM ticks GROUP BY symbol';
CREATE PROCEDURE tidy(job_id INT, config JSONB) LANGUAGE SQL AS 'DELETE FROM market.venues WHERE fee > 100';
CREATE VIEW a_view AS SELECT name, rounded(fee) AS fee, z_total('S1') AS n FROM market.venues WHERE fee > 0.3;
CREATE VIEW market.over_view AS SELECT v.name FROM a_view v;
CREATE MATERIALIZED VIEW kept AS SELECT symbol, max(price) AS high FROM ticks GROUP BY symbol;
CREATE MATERIALIZED VIEW hourly WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
  SELECT symbol, time_bucket('1 hour', timestamp) AS hour, max(price) AS high, sum(size) AS volume FROM ticks WHERE size > 10 GROUP BY symbol, hour WITH NO DATA;
SELECT add_continuous_aggregate_policy('hourly', start_offset => INTERVAL '3 days', end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '2 hours');
SELECT add_retention_policy('ticks', INTERVAL '40 years');
SELECT add_job('tidy', INTERVAL '5 hours', config => '{"depth": 3}', scheduled => FALSE, job_name => 'tidy up');
SELECT alter_job(job_id, max_retries => 4, scheduled => FALSE) FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention';
COMMENT ON TABLE ticks IS 'it''s the tape'; COMMENT ON COLUMN ticks.size IS 'shares'; COMMENT ON VIEW a_view IS 'seen'; COMMENT ON FUNCTION busy() IS 'how busy';
GRANT SELECT, INSERT ON ticks TO readers; GRANT SELECT ON a_view TO PUBLIC; GRANT USAGE ON SEQUENCE market.tickets TO alice;
REVOKE EXECUTE ON FUNCTION busy() FROM PUBLIC; GRANT EXECUTE ON FUNCTION busy() TO alice WITH GRANT OPTION;
ALTER TABLE market.venues OWNER TO alice; ALTER VIEW market.over_view OWNER TO alice;
"""
COLUMNSTORE = "ALTER TABLE ticks SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol', timescaledb.compress_orderby = 'timestamp DESC');" \
    "SELECT add_compression_policy('ticks', INTERVAL '33 days');"
# What can be asked on every home alike.
LOOKS = (
    "SELECT name, fee, n FROM a_view ORDER BY 1", "SELECT name FROM market.over_view ORDER BY 1", "SELECT symbol, n FROM busy() ORDER BY 1",
    "SELECT symbol, high FROM kept ORDER BY 1", "SELECT symbol, hour AT TIME ZONE 'UTC', high, volume FROM hourly ORDER BY 1, 2", "SELECT z_total('S2', 1000)",
    "SELECT start_value, increment_by, max_value, cycle FROM pg_sequences WHERE sequencename = 'tickets'",
    "SELECT obj_description('ticks'::regclass, 'pg_class'), col_description('ticks'::regclass, 4), obj_description('a_view'::regclass, 'pg_class')",
    "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname IN ('venues', 'over_view')",
    "SELECT has_table_privilege('alice', 'ticks', 'INSERT'), has_table_privilege('alice', 'ticks', 'DELETE'), "
    "has_sequence_privilege('alice', 'market.tickets', 'USAGE'), has_function_privilege('alice', 'busy()', 'EXECUTE WITH GRANT OPTION'), "
    "has_function_privilege('readers', 'busy()', 'EXECUTE'), has_table_privilege('readers', 'a_view', 'SELECT')",
    "SELECT proc_name, schedule_interval, scheduled, max_retries, config ->> 'drop_after', config ->> 'start_offset', config ->> 'depth' FROM "
    "timescaledb_information.jobs WHERE proc_name IN ('policy_retention', 'policy_refresh_continuous_aggregate', 'tidy') ORDER BY 1",
)
SETTINGS = "SELECT attname, segmentby_column_index, orderby_column_index, orderby_asc FROM timescaledb_information.compression_settings ORDER BY 1"


class CopyObjects(CliCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postgresql = PostgreSql()
        cls.addClassCleanup(cls.postgresql.close)
        cls.count = 0

    def database(self):
        type(self).count += 1
        return self.postgresql.make_database(f"objects_{self.count}")

    def ask(self, home, text):
        where = ["-c", home] if "://" in str(home) else ["--data", home]
        return self.ok("query", *where, "--csv", text).splitlines()[1:]

    def looks(self, home):
        return [self.ask(home, look) for look in LOOKS]

    def copy(self, *arguments, status=0):
        done = self.run_program("copy", "--json", *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def left_out(self, told):
        return sorted(one["what"] for one in told["left_out"])

    def make(self, *more):
        self.make_store(OBJECTS)
        for one in more:
            self.sql(one)

    def test_a_directory_to_a_server_of_tickstone_and_back(self):
        self.make(COLUMNSTORE)
        other = self.scratch / "other"
        self.ok("init", "--data", other)
        server = self.serve(directory=other)
        told = self.copy("--roles", self.store, server.url())
        self.assertEqual(self.left_out(told), ["password of role alice"])
        self.assertIn("view a_view", told["made_objects"])
        self.assertEqual(self.looks(server.url()), self.looks(self.store))
        self.assertEqual(self.ask(server.url(), SETTINGS), self.ask(self.store, SETTINGS))
        self.assertEqual(len(self.ask(server.url(), SETTINGS)), 2)
        for look in ("SELECT pg_get_viewdef('a_view'::regclass)", "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname IN ('busy', 'z_total', 'tidy') ORDER BY proname",
                     "SELECT relname, relacl FROM pg_class WHERE relname IN ('ticks', 'a_view', 'tickets', 'venues') ORDER BY 1",
                     "SELECT application_name <> '', proc_name, config -> 'compress_after', scheduled FROM timescaledb_information.jobs ORDER BY 2"):
            self.assertEqual(self.ask(server.url(), look), self.ask(self.store, look), look)
        again = self.copy("--roles", self.store, server.url())
        self.assertEqual((again["made_objects"], again["left_out"]), ([], []))
        told = self.copy("--verify-only", self.store, server.url())
        self.assertEqual((told["missing"], told["differences"], told["left_out"]), ([], [], []))
        back = self.scratch / "back"
        self.assertEqual(self.left_out(self.copy("--roles", server.url(), back)), ["password of role alice"])
        self.assertEqual(self.looks(back), self.looks(self.store))

    def test_a_directory_to_postgresql_and_back(self):
        self.make(COLUMNSTORE)
        database = self.database()
        # Roles are of the whole cluster: another test may have made them.
        told = self.copy("--roles", self.store, database)
        self.assertEqual([one for one in self.left_out(told) if not one.startswith("password")], ['compression settings of "public"."ticks"'])
        self.assertEqual(self.looks(database), self.looks(self.store))
        again = self.copy("--roles", self.store, database)
        self.assertEqual((again["made_objects"], self.left_out(again)), ([], ['compression settings of "public"."ticks"']))
        self.assertEqual(self.copy("--verify-only", "--roles", self.store, database)["missing"], [])
        back = self.scratch / "back"
        # Without the settings that PostgreSQL could not keep there is no columnstore to have a policy.
        left = [one for one in self.copy("--roles", database, back)["left_out"] if not one["what"].startswith("password")]
        self.assertEqual([one["what"] for one in left], ['Columnstore Policy of "public"."ticks"'])
        self.assertIn("columnstore not enabled", left[0]["reason"])
        self.assertTrue(left[0]["remedy"])
        self.assertEqual(self.looks(back), self.looks(self.store))
        told = self.copy("--verify-only", database, back, status=3)
        self.assertEqual((told["differences"], told["missing"]), ([], ['Columnstore Policy of "public"."ticks"']))

    def test_roles_that_are_missing_are_told_and_made_only_when_asked(self):
        self.make()
        target = self.scratch / "target"
        told = self.copy(self.store, target)
        reasons = {one["reason"]: one["remedy"] for one in told["left_out"]}
        self.assertEqual(set(reasons), {'role "alice" does not exist at the target', 'role "readers" does not exist at the target'})
        self.assertIn("--roles", reasons['role "alice" does not exist at the target'])
        self.assertEqual(self.ask(target, "SELECT count(*) FROM pg_roles WHERE rolname = 'alice'"), ["0"])
        text = self.run_program("copy", self.store, target)
        self.assertEqual(text.returncode, 0)
        self.assertIn('WARNING:  left out INSERT on table ticks for readers, SELECT on table ticks for readers: role "readers" does not exist at the target\n'
                      "HINT:  Make it there or use --roles, and copy again.\n", text.stderr)
        # Taken up: what was missing comes now.
        told = self.copy("--roles", self.store, target)
        self.assertIn("owner of table market.venues", told["made_objects"])
        self.assertEqual(self.looks(target), self.looks(self.store))

    def test_what_tickstone_cannot_have_is_told_with_what_to_do(self):
        database = self.database()
        self.ok("query", "-c", database, """
          CREATE TYPE mood AS ENUM ('calm', 'wild');
          CREATE SCHEMA side; GRANT USAGE ON SCHEMA side TO PUBLIC; COMMENT ON SCHEMA side IS 'aside';
          CREATE TABLE notes (id INT PRIMARY KEY, body TEXT); GRANT SELECT (body) ON notes TO PUBLIC; INSERT INTO notes VALUES (1, 'one');
          CREATE FUNCTION stamp() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
          CREATE TRIGGER stamped BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION stamp();
          CREATE POLICY own ON notes USING (true);
          CREATE RULE never AS ON DELETE TO notes DO INSTEAD NOTHING;
          CREATE VIEW bodies AS SELECT body FROM notes;
          CREATE VIEW xml_of AS SELECT xmlelement(name foo) AS x;""")
        told = self.copy(database, self.store)
        left = {one["what"]: one for one in told["left_out"]}
        self.assertEqual(sorted(left), ["function stamp()", "row security policy own on notes", "rule never on notes", "trigger stamped on notes",
                                        "type mood", "view xml_of"])
        self.assertTrue(all(one["reason"] for one in left.values()))
        self.assertIn("plpgsql", left["function stamp()"]["reason"])
        self.assertIn("CREATE TRIGGER stamped", left["trigger stamped on notes"]["remedy"])
        self.assertEqual(self.ask(self.store, "SELECT body FROM bodies"), ["one"])
        self.assertEqual(self.ask(self.store, "SELECT attacl FROM pg_attribute WHERE attrelid = 'notes'::regclass AND attname = 'body'"), ["{=r/inavvi_user}"])
        self.assertEqual(self.ask(self.store, "SELECT obj_description('side'::regnamespace, 'pg_namespace'), has_schema_privilege('public', 'side', 'USAGE')"), ["aside,t"])
        # PostgreSQL takes more of it.
        other = self.database()
        told = self.copy(database, other)
        self.assertEqual(self.left_out(told), ["row security policy own on notes", "rule never on notes", "trigger stamped on notes", "type mood"])
        self.assertEqual(self.ask(other, "SELECT attacl FROM pg_attribute WHERE attrelid = 'notes'::regclass AND attname = 'body'"), ["{=r/inavvi_user}"])
        self.assertEqual(self.ask(other, "SELECT obj_description('side'::regnamespace, 'pg_namespace'), (SELECT count(*) FROM pg_proc WHERE proname = 'stamp')"), ["aside,1"])
        again = self.copy(database, other)
        self.assertEqual(again["made_objects"], [])

    def test_eager_aggregates_stay_eager(self):
        self.make_store("""CREATE TABLE h (at TIMESTAMPTZ NOT NULL, v INT); SELECT create_hypertable('h', 'at'); INSERT INTO h VALUES ('2026-01-05 12:00:00+00', 1);
          CREATE MATERIALIZED VIEW daily WITH (timescaledb.continuous, tickstone.eager = true) AS SELECT time_bucket('1 day', at) AS day, sum(v) AS v FROM h
          GROUP BY day WITH NO DATA""")
        target = self.scratch / "target"
        self.assertEqual(self.copy(self.store, target)["left_out"], [])
        self.ok("query", "--data", target, "INSERT INTO h VALUES ('2026-01-05 13:00:00+00', 5)")
        self.assertEqual(self.ask(target, "SELECT v FROM daily"), ["6"])
        self.assertEqual(self.copy("--verify-only", "--tables", "h", target, self.store, status=3)["missing"], [])

    def test_functions_that_tables_need_come_before_them(self):
        self.make_store("""CREATE FUNCTION fee_of(x INT) RETURNS INT LANGUAGE SQL IMMUTABLE AS 'SELECT x * 2';
          CREATE TABLE t (a INT CHECK (fee_of(a) < 100), b INT DEFAULT 7); INSERT INTO t VALUES (3)""")
        database = self.database()
        self.assertEqual(self.copy(self.store, database)["left_out"], [])
        self.fails("query", "-c", database, "INSERT INTO t VALUES (77)", sqlstate="23514")
        self.assertEqual(self.ask(database, "SELECT fee_of(a) FROM t"), ["6"])

    def test_a_changed_definition_is_brought_and_another_one_left_alone(self):
        self.make_store("CREATE TABLE t (a INT); CREATE VIEW v AS SELECT a FROM t; CREATE VIEW w AS SELECT 1 AS x; CREATE FUNCTION f() RETURNS INT LANGUAGE SQL AS 'SELECT 1'")
        database, target = self.database(), self.scratch / "target"
        for home in (database, target):
            self.copy(self.store, home)
        self.sql("CREATE OR REPLACE VIEW v AS SELECT a FROM t WHERE a > 0; CREATE OR REPLACE FUNCTION f() RETURNS INT LANGUAGE SQL AS 'SELECT 2'")
        for home in (database, target):
            told = self.copy(self.store, home)
            self.assertEqual((sorted(told["made_objects"]), told["left_out"]), (["function f()", "view v"], []))
            self.assertEqual(self.ask(home, "SELECT f()"), ["2"])
        self.ok("query", "--data", target, "CREATE OR REPLACE VIEW w AS SELECT 2 AS x")
        told = self.copy(self.store, target)
        self.assertEqual((told["made_objects"], self.left_out(told)), ([], ["view w"]))
        self.assertEqual(self.ask(target, "SELECT x FROM w"), ["2"])
        self.assertEqual(self.copy("--replace", self.store, target)["made_objects"], ["view w"])
        self.assertEqual(self.ask(target, "SELECT x FROM w"), ["1"])

    def test_a_dry_run_lists_what_would_be_done_and_does_none_of_it(self):
        self.make()
        target, database = self.scratch / "target", self.database()
        for home in (target, database):
            said = self.ok("copy", "--dry-run", self.store, home)
            for line in ("would make table ticks\n", "would compare 5 ranges of ticks, of which 0 were copied before\n", "would make view a_view\n",
                         'would make Retention Policy of "public"."ticks"\n', "would make comment on column size of table ticks\n"):
                self.assertIn(line, said)
        self.assertFalse(target.exists())
        self.assertEqual(self.ask(database, "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('public', 'market')"), ["0"])
        planned = self.copy("--dry-run", "--roles", self.store, target)
        done = self.copy("--roles", self.store, target)
        self.assertEqual(sorted(planned["made_objects"]), sorted(done["made_objects"]))
        self.assertEqual(planned["made_tables"], done["made_tables"])
        said = self.ok("copy", "--dry-run", "--roles", self.store, target)
        self.assertNotIn("would make", said)
        self.assertIn("would compare 5 ranges of ticks, of which 3 were copied before\n", said)
        self.fails("copy", "--dry-run", "--verify-only", self.store, target, status=2)

    def test_verifying_tells_what_is_missing(self):
        self.make()
        target = self.scratch / "target"
        self.copy("--roles", self.store, target)
        self.ok("query", "--data", target, "DROP VIEW market.over_view; DROP TABLE market.venues CASCADE; COMMENT ON TABLE ticks IS 'another'; REVOKE INSERT ON ticks FROM readers; "
                                           "SELECT remove_retention_policy('ticks'); UPDATE ticks SET size = -1 WHERE timestamp = '2026-01-06 00:00:00+00'")
        told = self.copy("--verify-only", self.store, target, status=3)
        self.assertEqual(sorted(told["missing"]),
                         sorted(['Retention Policy of "public"."ticks"', "INSERT on table ticks for readers", "SELECT on view a_view for PUBLIC", "comment on table ticks",
                                 "comment on view a_view", "owner of table market.venues", "owner of view market.over_view", "table market.venues", "view a_view",
                                 "view market.over_view"]))
        self.assertEqual([(one["table"], one["start"][:10]) for one in told["differences"]], [("ticks", "2026-01-06")])
        self.assertIn("MISSING: view a_view\n", self.run_program("copy", "--verify-only", self.store, target).stdout)

    def test_of_chosen_tables_comes_what_is_said_of_them_alone(self):
        self.make()
        target = self.scratch / "target"
        told = self.copy("--tables", "ticks", self.store, target)
        self.assertEqual(sorted(told["made_objects"]), ['Retention Policy of "public"."ticks"', "comment on column size of table ticks", "comment on table ticks"])
        self.assertEqual(self.ask(target, "SELECT count(*) FROM pg_proc WHERE proname = 'busy'"), ["0"])

    def test_one_that_was_killed_between_objects_goes_on(self):
        views = "; ".join(f"CREATE VIEW v{i} AS SELECT count(*) AS n FROM t WHERE a > {i}; COMMENT ON VIEW v{i} IS 'number {i}'" for i in range(300))
        self.make_store(f"CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (500); {views}")
        database = self.database()
        # Who is making one of them keeps the copy from getting past it.
        other = psycopg2.connect(database)
        self.addCleanup(other.close)
        other.cursor().execute("CREATE VIEW v150 AS SELECT 1 AS n")
        program = subprocess.Popen([PROGRAM, "copy", str(self.store), database], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        watching = psycopg2.connect(database)
        watching.autocommit = True
        self.addCleanup(watching.close)
        with watching.cursor() as cursor:
            done = 0
            while program.poll() is None and done < 20:
                cursor.execute("SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace")
                done = cursor.fetchone()[0]
        self.assertIsNone(program.poll(), "it was faster than its killer")
        program.send_signal(signal.SIGKILL)
        program.communicate()
        other.rollback()
        there = int(self.ask(database, "SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace")[0])
        self.assertLess(there, 300)
        told = self.copy(self.store, database)
        self.assertEqual(told["left_out"], [])
        self.assertEqual(sum(one.startswith("view ") for one in told["made_objects"]), 300 - there)
        self.assertEqual(self.ask(database, "SELECT count(*), count(obj_description(c.oid, 'pg_class')) FROM pg_class c WHERE relkind = 'v' AND "
                                            "relnamespace = 'public'::regnamespace"), ["300,300"])
        self.assertEqual(self.ask(database, "SELECT n FROM v7"), ["1"])
        self.assertEqual(self.copy("--verify-only", self.store, database)["missing"], [])
