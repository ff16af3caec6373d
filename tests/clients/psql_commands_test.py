# SPDX-License-Identifier: Apache-2.0
"""psql's backslash commands: on the same objects they print what they print on PostgreSQL 15, to the letter."""
import re
import subprocess
import unittest

import psycopg2

from client_case import ClientCase, PeerCase, environment

# What is shown otherwise by design is not among them: the zeros at the end of a NUMERIC, and casts that PostgreSQL adds to stored expressions.
OBJECTS = """
CREATE TABLE venues (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code varchar(8) NOT NULL UNIQUE, name text DEFAULT 'none' NOT NULL,
  opened date, rank int CHECK (rank >= 0), notes text[], CONSTRAINT sane CHECK (opened IS NOT NULL OR code IS NOT NULL));
CREATE TABLE fills (id bigserial PRIMARY KEY, venue int NOT NULL, "At" timestamptz DEFAULT now() NOT NULL,
  price numeric(18,6) NOT NULL, size int NOT NULL, value int GENERATED ALWAYS AS (size * 2) STORED, kind char(4), flag boolean DEFAULT false,
  doc jsonb DEFAULT '{}'::jsonb, UNIQUE (venue, "At"));
CREATE INDEX fills_at ON fills ("At" DESC, price);
CREATE INDEX fills_flagged ON fills (venue) WHERE flag;
CREATE INDEX fills_doc ON fills USING gin (doc);
CREATE SEQUENCE tickets AS int START 10 INCREMENT 5 MAXVALUE 1000 CYCLE;
CREATE VIEW busy AS SELECT v.code, count(*) AS n, sum(f.size) AS worth FROM fills f JOIN venues v ON v.id = f.venue GROUP BY v.code;
CREATE MATERIALIZED VIEW daily AS SELECT f.venue, sum(f.size) AS size FROM fills f GROUP BY f.venue;
CREATE UNIQUE INDEX daily_venue ON daily (venue);
CREATE SCHEMA desk;
CREATE TABLE desk."Odd name" (a int, "B c" text);
CREATE TABLE desk.scratch (a int);
CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x * 2';
CREATE FUNCTION desk.named(a text, b int DEFAULT 3) RETURNS TABLE (c text, d int) LANGUAGE sql STABLE AS $$ SELECT a, b $$;
COMMENT ON TABLE fills IS 'what was filled';
COMMENT ON COLUMN fills.price IS 'in dollars';
COMMENT ON VIEW busy IS 'where it was';
GRANT SELECT, INSERT ON fills TO psql_reader;
GRANT SELECT ON desk.scratch TO PUBLIC;
GRANT USAGE ON SCHEMA desk TO psql_reader;
GRANT SELECT (code, rank), UPDATE (notes) ON venues TO psql_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA desk GRANT SELECT ON TABLES TO psql_reader;
INSERT INTO venues (code, rank) VALUES ('X', 1), ('Y', NULL);
INSERT INTO fills (venue, "At", price, size) SELECT n % 2 + 1, '2026-01-05 00:00:00+00'::timestamptz + n * INTERVAL '1 minute', n, n FROM generate_series(1, 20) AS n;
REFRESH MATERIALIZED VIEW daily;
"""
# Commands that are about what both have alike; sizes on disk are left out, as each keeps rows in its own way.
COMMANDS = r"""
\d
\dt
\dv
\dm
\di
\ds
\dE
\dtvmsi
\dt desk.*
\dt *.scratch
\dt public.f*
\di fills*
\d venues
\d fills
\d busy
\d daily
\d tickets
\d fills_id_seq
\d venues_id_seq
\d fills_at
\d fills_flagged
\d fills_pkey
\d daily_venue
\d desk."Odd name"
\d desk.scratch
\d desk.*
\d nosuch
\d+ venues
\d+ fills
\d+ busy
\d+ daily
\d+ desk."Odd name"
\d+ fills_at
\d+ tickets
\dn desk
\dn+ desk
\dn+ public
\df public.twice
\df desk.*
\df+ twice
\dfn desk.*
\dft public.*
\dfw public.*
\sf twice
\sf+ desk.named
\sv busy
\sv+ busy
\dT public.*
\dD public.*
\dc public.*
\do public.*
\dO public.*
\dO "C"
\dp fills
\dp desk.*
\z venues
\ddp
\dd twice
\dd fills*
\dd desk
\du psql_reader
\dg psql_reader
\drds
\dl
\dA
\dA btree
\dAc hash public.*
\dAf public.*
\dAo public.*
\dAp public.*
\db
\dew
\des
\deu
\det
\dF public.*
\dFd public.*
\dFp public.*
\dFt public.*
\dP
\dPi
\dRp
\dRs
\dX
\dy
\dconfig work_mem
\dconfig search_path
\encoding
\x\dt fills
\pset null '(null)'\\SELECT NULL AS a, 1 AS b;
\pset border 2\\\dt desk.*
\pset format csv\\SELECT * FROM venues ORDER BY id;
\pset format html\\SELECT code FROM venues ORDER BY id;
\pset format asciidoc\\SELECT code FROM venues ORDER BY id;
\pset format latex\\SELECT code FROM venues ORDER BY id;
\pset format unaligned\\\d fills
\pset footer off\\SELECT 1 AS a;
\t\\SELECT 1, 'x';
\a\\SELECT 1, 'x';
\f '|'\\\a\\SELECT 1, 'x';
\C title\\SELECT 1 AS a;
SELECT 1 AS a \g
SELECT 1 AS a, 'x' AS b \gx
SELECT 5 AS five, NULL AS none \gset\\\echo :five :{?none}
SELECT price, size AS n, "At", 'x'::varchar(5) AS v, NULL AS u, 1.5::numeric(10,2) AS m FROM fills \gdesc
SELECT 'SELECT ' || n FROM generate_series(1, 3) AS n \gexec
SELECT venue, kind, count(*) FROM fills GROUP BY 1, 2 ORDER BY 1 \crosstabview
SELECT nosuch FROM fills;\errverbose
SELECT 1 / 0;\echo :SQLSTATE :LAST_ERROR_MESSAGE
INSERT INTO venues (code) VALUES ('X');\echo :SQLSTATE :ROW_COUNT
SELECT * FROM venues ORDER BY id LIMIT 3;\echo :ROW_COUNT :ERROR
\set AUTOCOMMIT off\\SELECT 1 AS a;\echo :SQLSTATE
\h ALTER NOTHING
\copyright
\copy (SELECT code, rank FROM venues ORDER BY id) TO STDOUT WITH CSV HEADER
\copy venues (code) TO STDOUT
BEGIN;\echo :SQLSTATE\\ROLLBACK;
\lo_list
\timing off
"""

# Those that change how psql prints, or that it works, have a session of their own.
CHANGE_PSQL = (r"\x", r"\pset", r"\t", r"\a", r"\f", r"\C", r"\set")
MARK = "--- the end of a command ---"


class PsqlCommands(ClientCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()

        class Peer(PeerCase):
            pass

        Peer.setUpClass()
        cls.addClassCleanup(Peer.doClassCleanups)
        cls.peer_url = Peer.cluster.make_database("inavvi")
        for url in (cls.url, cls.peer_url):
            connection = psycopg2.connect(url)
            connection.autocommit = True
            with connection.cursor() as cursor:
                if url == cls.url:  # the tables of the other tests have their own
                    cursor.execute("""DROP MATERIALIZED VIEW daily_ohlcv_agg; DROP VIEW focus;
                        DROP TABLE ohlcv, trades, symbols, feature_metadata, positions, options_flow""")
                cursor.execute("CREATE ROLE psql_reader")
                cursor.execute(OBJECTS)
            connection.close()

    def printed(self, url, commands):
        """What each prints, in one session."""
        script = "".join(f"{command}\n\\echo {MARK}\n" for command in commands)
        done = subprocess.run(["psql", "-X", "-q", url], input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240,
                              env=environment(PAGER="cat", LC_ALL="C.UTF-8"))
        # Where in its source a server found an error is its own.
        return re.sub(r"^LOCATION:.*\n", "", done.stdout, flags=re.MULTILINE).split(MARK + "\n")[:-1]

    def check(self, commands):
        ours, theirs = self.printed(self.url, commands), self.printed(self.peer_url, commands)
        self.assertEqual(len(theirs), len(commands))
        self.assertEqual(len(ours), len(commands))
        for command, our, their in zip(commands, ours, theirs):
            with self.subTest(command):
                self.assertEqual(our, their)

    def test_each_prints_what_it_prints_on_postgresql(self):
        commands = COMMANDS.strip().splitlines()
        changing = [command for command in commands if command.startswith(CHANGE_PSQL)]
        self.check([command for command in commands if command not in changing])
        for command in changing:
            self.check([command])


if __name__ == "__main__":
    unittest.main()
