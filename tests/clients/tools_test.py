# SPDX-License-Identifier: Apache-2.0
"""What graphical tools ask of the catalog: queries of the shapes that DBeaver, pgAdmin and DataGrip send, on the same objects as PostgreSQL 15.
Columns have its names and types; of the objects that both have there are as many rows."""
import psycopg2

from client_case import ClientCase, PeerCase

OBJECTS = """
CREATE TABLE venues (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code varchar(8) NOT NULL UNIQUE, fee numeric(10,4) CHECK (fee >= 0), notes text[]);
CREATE TABLE fills (id bigserial PRIMARY KEY, venue int NOT NULL REFERENCES venues ON DELETE CASCADE, "At" timestamptz DEFAULT now() NOT NULL,
  price numeric(18,6) NOT NULL, size int NOT NULL, kind char(4), doc jsonb DEFAULT '{}'::jsonb, UNIQUE (venue, "At"));
CREATE INDEX fills_at ON fills ("At" DESC, price);
CREATE INDEX fills_doc ON fills USING gin (doc);
CREATE SEQUENCE tickets START 10 INCREMENT 5;
CREATE VIEW busy AS SELECT v.code, count(*) AS n FROM fills f JOIN venues v ON v.id = f.venue GROUP BY v.code;
CREATE MATERIALIZED VIEW daily AS SELECT venue, sum(size) AS size FROM fills GROUP BY venue;
CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x * 2';
COMMENT ON TABLE fills IS 'what was filled';
COMMENT ON COLUMN fills.price IS 'in dollars';
"""
# Types that we show by another: xid, regproc, regclass, pg_node_tree, inet, anyarray.
SHOWN_AS = {28: {26}, 24: {25}, 2205: {25}, 194: {25}, 869: {25}, 2277: {25}}
# Those of which PostgreSQL has its own rows are asked for columns only.
EMPTY_HERE = """
SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()
SELECT gss_authenticated, encrypted FROM pg_catalog.pg_stat_gssapi WHERE pid = pg_backend_pid()
SELECT name, is_dst FROM pg_catalog.pg_timezone_names UNION DISTINCT SELECT abbrev AS name, is_dst FROM pg_catalog.pg_timezone_abbrevs
SELECT l.pid, l.locktype, d.datname, l.relation, l.virtualtransaction, l.mode, l.granted, l.fastpath FROM pg_catalog.pg_locks l LEFT OUTER JOIN pg_catalog.pg_database d ON l.database = d.oid ORDER BY pid, locktype
"""
COLUMNS_ONLY = """
SELECT db.oid, db.* FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate ORDER BY db.datname
SELECT n.oid, n.*, d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = n.oid AND d.objsubid = 0 AND d.classoid = 'pg_namespace'::regclass ORDER BY nspname
SELECT t.oid, t.*, c.relkind, format_type(nullif(t.typbasetype, 0), t.typtypmod) AS base_type_name, d.description FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type et ON et.oid = t.typelem LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid LEFT JOIN pg_catalog.pg_description d ON t.oid = d.objoid WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C')
SELECT string_agg(word, ',') FROM pg_catalog.pg_get_keywords() WHERE word <> ALL ('{a,abs,absolute,action}'::text[])
SELECT e.oid, a.rolname AS owner, n.nspname, e.*, d.description FROM pg_catalog.pg_extension e JOIN pg_authid a ON a.oid = e.extowner JOIN pg_namespace n ON n.oid = e.extnamespace LEFT JOIN pg_description d ON d.objoid = e.oid
SELECT a.oid, a.*, pd.description FROM pg_catalog.pg_roles a LEFT JOIN pg_catalog.pg_shdescription pd ON a.oid = pd.objoid ORDER BY a.rolname
SELECT t.oid, t.*, pg_tablespace_location(t.oid) AS loc FROM pg_catalog.pg_tablespace t ORDER BY t.oid
SELECT am.oid, am.* FROM pg_catalog.pg_am am ORDER BY am.oid
SELECT l.oid, l.* FROM pg_catalog.pg_language l ORDER BY l.oid
SELECT c.oid, c.* FROM pg_catalog.pg_collation c ORDER BY c.oid
SELECT sa.*, current_database() FROM pg_catalog.pg_stat_activity sa
SELECT * FROM pg_catalog.pg_settings
SELECT * FROM pg_catalog.pg_available_extensions
SELECT T.oid AS object_id, T.spcacl AS acl FROM pg_catalog.pg_tablespace T UNION ALL SELECT T.oid, T.datacl FROM pg_catalog.pg_database T
SELECT 'sessions' AS chart, pg_catalog.row_to_json(t) AS data FROM (SELECT (SELECT count(*) FROM pg_catalog.pg_stat_activity) AS "Total", (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE state = 'active') AS "Active") t UNION ALL SELECT 'tps', pg_catalog.row_to_json(t) FROM (SELECT (SELECT sum(xact_commit) + sum(xact_rollback) FROM pg_catalog.pg_stat_database) AS "Transactions") t
SELECT n.oid::bigint AS id, n.xmin AS state_number, nspname AS name, d.description, pg_catalog.pg_get_userbyid(n.nspowner) AS "owner" FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_description d ON n.oid = d.objoid ORDER BY CASE WHEN nspname = pg_catalog.current_schema() THEN -1::bigint ELSE n.oid::bigint END
SELECT nsp.oid, nsp.nspname AS name, pg_catalog.has_schema_privilege(nsp.oid, 'CREATE') AS can_create, pg_catalog.has_schema_privilege(nsp.oid, 'USAGE') AS has_usage FROM pg_catalog.pg_namespace nsp WHERE nspname NOT LIKE E'pg\\_%' ORDER BY nspname
"""
ROWS_TOO = """
SELECT current_schema(), session_user
SELECT round(extract(epoch FROM pg_postmaster_start_time() AT TIME ZONE 'UTC')) AS startup_time
SELECT l.transactionid::varchar::bigint AS transaction_id FROM pg_catalog.pg_locks l WHERE l.transactionid IS NOT NULL ORDER BY pg_catalog.age(l.transactionid) DESC LIMIT 0
SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL ELSE (pg_catalog.txid_current() % 4294967296)::varchar::bigint END AS current_txid
SELECT c.oid, c.*, d.description, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS partition_expr, pg_catalog.pg_get_partkeydef(c.oid) AS partition_key FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass WHERE c.relnamespace = 'public'::regnamespace AND c.relkind NOT IN ('i', 'I', 'c')
SELECT c.relname, a.*, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) AS def_value, dsc.description FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON a.attrelid = c.oid LEFT JOIN pg_catalog.pg_attrdef ad ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum LEFT JOIN pg_catalog.pg_description dsc ON c.oid = dsc.objoid AND a.attnum = dsc.objsubid WHERE NOT a.attisdropped AND a.attnum > 0 AND c.oid = 'fills'::regclass ORDER BY a.attnum
SELECT c.oid, c.*, t.relname AS tabrelname, rt.relnamespace AS refnamespace, CASE WHEN c.contype = 'c' THEN "substring"(pg_get_constraintdef(c.oid), 7) END AS consrc FROM pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON t.oid = c.conrelid LEFT JOIN pg_catalog.pg_class rt ON rt.oid = c.confrelid WHERE c.conrelid = 'fills'::regclass ORDER BY c.oid
SELECT i.*, i.indkey AS keys, c.relname, c.relnamespace, c.relam, tc.relname AS tabrelname, pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS pred_expr, pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) AS expr, pg_catalog.pg_relation_size(i.indexrelid) AS index_rel_size, pg_catalog.pg_stat_get_numscans(i.indexrelid) AS index_num_scans FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_class tc ON tc.oid = i.indrelid WHERE i.indrelid = 'fills'::regclass ORDER BY tabrelname, c.relname
SELECT p.oid AS poid, p.*, pg_catalog.pg_get_expr(p.proargdefaults, 0) AS arg_defaults FROM pg_catalog.pg_proc p WHERE p.proname = 'twice' ORDER BY p.oid
SELECT c.oid, pg_catalog.pg_total_relation_size(c.oid) AS total_rel_size, pg_catalog.pg_relation_size(c.oid) AS rel_size FROM pg_class c WHERE c.relname = 'fills'
SELECT i.*, c.relnamespace FROM pg_catalog.pg_inherits i, pg_catalog.pg_class c WHERE i.inhrelid = 'fills'::regclass AND c.oid = i.inhparent ORDER BY i.inhseqno
SELECT x.oid, x.*, p.pronamespace AS func_schema_id FROM pg_catalog.pg_trigger x LEFT JOIN pg_catalog.pg_proc p ON p.oid = x.tgfoid WHERE x.tgrelid = 'fills'::regclass AND NOT tgisinternal
SELECT c.conname, pg_get_constraintdef(c.oid), nl.nspname AS fknsp, cl.relname AS fktab, nr.nspname AS refnsp, cr.relname AS reftab, conkey, confkey FROM pg_constraint c JOIN pg_class cl ON cl.oid = conrelid JOIN pg_namespace nl ON nl.oid = cl.relnamespace JOIN pg_class cr ON cr.oid = confrelid JOIN pg_namespace nr ON nr.oid = cr.relnamespace WHERE contype = 'f'
SELECT T.relkind AS table_kind, T.relname AS table_name, T.oid AS table_id, T.xmin AS table_state_number, T.reloptions AS options, T.relpersistence AS persistence, (SELECT pg_catalog.array_agg(inhparent::bigint ORDER BY inhseqno)::varchar FROM pg_catalog.pg_inherits WHERE T.oid = inhrelid) AS ancestors, T.relispartition AS is_partition, pg_catalog.pg_get_userbyid(T.relowner) AS "owner" FROM pg_catalog.pg_class T WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm', 'v', 'f', 'p') AND pg_catalog.age(T.xmin) <= coalesce(nullif(greatest(pg_catalog.age('5'::varchar::xid), -1), -1), 2147483647) ORDER BY table_kind, table_id
SELECT T.oid AS table_id, C.attnum AS column_position, C.attname AS column_name, C.xmin AS column_state_number, C.atttypmod AS type_mod, C.attndims AS dimensions, pg_catalog.format_type(C.atttypid, C.atttypmod) AS type_spec, C.attnotnull AS mandatory, pg_catalog.pg_get_expr(D.adbin, T.oid) AS default_expression, C.attidentity AS identity_kind, C.attgenerated AS generated FROM pg_class T INNER JOIN pg_catalog.pg_attribute C ON T.oid = C.attrelid LEFT OUTER JOIN pg_catalog.pg_attrdef D ON (C.attrelid, C.attnum) = (D.adrelid, D.adnum) WHERE T.relname IN ('fills', 'venues', 'busy', 'daily') AND attnum > 0 ORDER BY 1, 2
SELECT ind_head.indexrelid AS index_id, k AS col_idx, k <= indnkeyatts AS in_key, ind_head.indkey[k-1] AS column_position, ind_head.indoption[k-1] AS column_options, CASE WHEN opcdefault THEN NULL ELSE opcname END AS opclass_str, pg_catalog.pg_get_indexdef(ind_head.indexrelid, k::int, true) AS expression, amcanorder AS can_order FROM pg_catalog.pg_index ind_head JOIN pg_catalog.pg_class ind_stor ON ind_stor.oid = ind_head.indexrelid CROSS JOIN unnest(ind_head.indkey) WITH ORDINALITY u(u, k) CROSS JOIN pg_catalog.pg_indexam_has_property(ind_stor.relam, 'can_order') amcanorder LEFT JOIN pg_catalog.pg_opclass ON pg_opclass.oid = ind_head.indclass[k-1] WHERE ind_head.indrelid = 'fills'::regclass ORDER BY index_id, k
SELECT cls.xmin AS sequence_state_number, cls.relname AS sequence_name, pg_catalog.format_type(sq.seqtypid, NULL) AS data_type, sq.seqstart AS next_value, sq.seqincrement AS inc_value, sq.seqmin AS min_value, sq.seqmax AS max_value, sq.seqcache AS cache_size, sq.seqcycle AS cycle_option FROM pg_catalog.pg_sequence sq JOIN pg_class cls ON sq.seqrelid = cls.oid WHERE cls.relname IN ('tickets', 'fills_id_seq') ORDER BY 2
WITH languages AS (SELECT oid AS lang_oid, lanname AS lang FROM pg_catalog.pg_language), routines AS (SELECT proname AS r_name, prolang AS lang_oid, oid AS r_id, xmin AS r_state_number, proargnames AS arg_names, proargmodes AS arg_modes, proargtypes::int[] AS in_arg_types, proallargtypes::int[] AS all_arg_types, prorettype AS ret_type_id, proretset AS ret_set, prokind AS kind, provolatile AS volatile_kind, procost AS cost, prorows AS rows, proparallel AS concurrency_kind FROM pg_catalog.pg_proc WHERE proname = 'twice') SELECT * FROM routines NATURAL JOIN languages
SELECT T.relkind AS view_kind, T.oid AS view_id, pg_catalog.pg_get_viewdef(T.oid, true) AS source_text FROM pg_catalog.pg_class T WHERE T.relname IN ('busy', 'daily') ORDER BY 2
SELECT c.oid, c.relname, n.nspname, (SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgrelid = c.oid AND tgisinternal = false) AS triggercount, (CASE WHEN c.relkind = 'p' THEN true ELSE false END) AS is_partitioned, (SELECT count(1) FROM pg_catalog.pg_inherits WHERE inhrelid = c.oid LIMIT 1) AS is_inherits FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 's', 't', 'p') AND c.relname IN ('fills', 'venues') AND NOT c.relispartition ORDER BY c.relname
SELECT att.attname AS name, att.*, def.*, pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS defval, CASE WHEN att.attndims > 0 THEN 1 ELSE 0 END AS isarray, pg_catalog.format_type(ty.oid, NULL) AS typname, pg_catalog.format_type(ty.oid, att.atttypmod) AS displaytypname, CASE WHEN ty.typelem > 0 THEN ty.typelem ELSE ty.oid END AS elemoid, (SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = ty.typnamespace) AS typnspname, description, pi.indkey, EXISTS (SELECT 1 FROM pg_catalog.pg_constraint WHERE conrelid = att.attrelid AND contype = 'f' AND att.attnum = ANY(conkey)) AS is_fk, (CASE WHEN att.attidentity IN ('a', 'd') THEN 'i' WHEN att.attgenerated IN ('s') THEN 'g' ELSE 'n' END) AS colconstype, seq.* FROM pg_catalog.pg_attribute att JOIN pg_catalog.pg_type ty ON ty.oid = atttypid LEFT JOIN pg_catalog.pg_attrdef def ON adrelid = att.attrelid AND adnum = att.attnum LEFT JOIN pg_catalog.pg_description des ON des.objoid = att.attrelid AND des.objsubid = att.attnum AND des.classoid = 'pg_class'::regclass LEFT JOIN (pg_catalog.pg_depend dep JOIN pg_catalog.pg_class cs ON dep.classid = 'pg_class'::regclass AND dep.objid = cs.oid AND cs.relkind = 'S') ON dep.refobjid = att.attrelid AND dep.refobjsubid = att.attnum LEFT JOIN pg_catalog.pg_index pi ON pi.indrelid = att.attrelid AND indisprimary LEFT JOIN pg_catalog.pg_sequence seq ON cs.oid = seq.seqrelid WHERE att.attrelid = 'fills'::regclass AND att.attnum > 0 AND att.attisdropped IS FALSE ORDER BY att.attnum
"""


class Tools(ClientCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()

        class ToolsPeer(PeerCase):
            pass

        ToolsPeer.setUpClass()
        cls.addClassCleanup(ToolsPeer.doClassCleanups)
        cls.connections = [psycopg2.connect(url) for url in (cls.url, ToolsPeer.url)]
        for connection in cls.connections:
            cls.addClassCleanup(connection.close)
            connection.autocommit = True
            with connection.cursor() as cursor:
                if connection is cls.connections[0]:
                    cursor.execute("DROP MATERIALIZED VIEW daily_ohlcv_agg")
                cursor.execute(OBJECTS)

    def answers(self, sql):
        for connection in self.connections:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                yield [(column.name, column.type_code) for column in cursor.description], cursor.fetchall()

    def check(self, queries, compares_counts=False, has_rows=False):
        for sql in queries.strip().splitlines():
            with self.subTest(sql):
                (ours, our_rows), (theirs, their_rows) = self.answers(sql)
                self.assertEqual([name for name, _ in ours], [name for name, _ in theirs])
                self.assertEqual([], [(name, ours[n][1], oid) for n, (name, oid) in enumerate(theirs) if ours[n][1] not in {oid} | SHOWN_AS.get(oid, set())])
                if compares_counts:
                    self.assertEqual(len(our_rows), len(their_rows))
                elif has_rows:
                    self.assertGreater(len(our_rows), 0)

    def test_lists_of_what_every_server_has(self):
        self.check(COLUMNS_ONLY, has_rows=True)
        self.check(EMPTY_HERE)

    def test_objects_of_the_user(self):
        self.check(ROWS_TOO, compares_counts=True)
