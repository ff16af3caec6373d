-- SPDX-License-Identifier: Apache-2.0
-- Hypertables on declarative partitions. A chunk is a partition of one range of time, in the schema and under the names that
-- TimescaleDB gives its own. A row whose time has no chunk yet goes to the default partition, so a row of any time is accepted;
-- upkeep makes chunks ahead of time and moves rows out of the default partition.
CREATE SCHEMA _timescaledb_internal;
GRANT USAGE ON SCHEMA _timescaledb_internal TO PUBLIC;

CREATE TABLE _tickstone.hypertable (
  id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  relation REGCLASS NOT NULL UNIQUE,
  time_column NAME NOT NULL,
  time_type REGTYPE NOT NULL,
  chunk_interval BIGINT NOT NULL CHECK (chunk_interval > 0),  -- microseconds, or the integers of an integer time
  default_chunk REGCLASS NOT NULL,
  integer_now TEXT,  -- a function's name: pg_upgrade does not take a column of REGPROC
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE _tickstone.chunk (
  id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hypertable_id INT NOT NULL REFERENCES _tickstone.hypertable ON DELETE CASCADE,
  relation REGCLASS NOT NULL UNIQUE,
  range_start BIGINT NOT NULL,
  range_end BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  CHECK (range_start < range_end)
);
CREATE INDEX chunk_range ON _tickstone.chunk (hypertable_id, range_start);
GRANT SELECT ON _tickstone.hypertable, _tickstone.chunk TO PUBLIC;

CREATE TYPE _tickstone.dimension AS (column_name NAME, width TEXT, width_type REGTYPE);

CREATE FUNCTION public.by_range(column_name NAME, partition_interval ANYCOMPATIBLE DEFAULT NULL,
                                partition_func REGPROC DEFAULT NULL) RETURNS _tickstone.dimension
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF partition_func IS NOT NULL THEN
    RAISE EXCEPTION 'partitioning functions are not supported' USING ERRCODE = 'feature_not_supported';
  END IF;
  RETURN (column_name, partition_interval::text, pg_typeof(partition_interval))::_tickstone.dimension;
END $$;

CREATE FUNCTION _tickstone.is_integer_time(time_type REGTYPE) RETURNS BOOLEAN LANGUAGE sql IMMUTABLE STRICT
AS $$ SELECT time_type IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) $$;

-- An interval of the user's as the catalog keeps it; NULL: the default of seven days.
CREATE FUNCTION _tickstone.chunk_interval_of(width TEXT, width_type REGTYPE, time_type REGTYPE) RETURNS BIGINT
LANGUAGE plpgsql STABLE AS $$
DECLARE
  internal BIGINT;
BEGIN
  IF _tickstone.is_integer_time(time_type) THEN
    IF width IS NULL THEN
      RAISE EXCEPTION 'integer dimensions require an explicit interval' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF width_type = 'interval'::regtype THEN
      RAISE EXCEPTION 'invalid interval type for % dimension', time_type USING ERRCODE = 'invalid_parameter_value';
    END IF;
    internal := width::bigint;
  ELSIF width IS NULL THEN
    internal := 7 * 86400000000;
  ELSIF width_type IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) THEN
    internal := width::bigint;
  ELSE
    internal := (extract(epoch FROM width::interval) * 1000000)::bigint;
  END IF;
  IF internal <= 0 THEN
    RAISE EXCEPTION 'invalid interval: must be greater than zero' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF time_type = 'date'::regtype AND internal % 86400000000 <> 0 THEN
    RAISE EXCEPTION 'invalid interval for a DATE dimension: must be a multiple of one day' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN internal;
END $$;

-- A time of the catalog as a literal of the column's type.
CREATE FUNCTION _tickstone.literal_of(internal BIGINT, time_type REGTYPE) RETURNS TEXT LANGUAGE sql STABLE STRICT AS $$
  SELECT CASE time_type
           WHEN 'timestamptz'::regtype THEN quote_literal(_tickstone.timestamptz_of(internal)) || '::timestamptz'
           WHEN 'timestamp'::regtype THEN quote_literal(_tickstone.timestamp_of(internal)) || '::timestamp'
           WHEN 'date'::regtype THEN quote_literal(_tickstone.timestamp_of(internal)::date) || '::date'
           ELSE quote_literal(internal) || '::' || time_type::text END
$$;

CREATE FUNCTION _tickstone.hypertable_of(relation REGCLASS) RETURNS _tickstone.hypertable LANGUAGE plpgsql STABLE AS $$
DECLARE
  found_one _tickstone.hypertable;
BEGIN
  SELECT * INTO found_one FROM _tickstone.hypertable h WHERE h.relation = hypertable_of.relation;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'table "%" is not a hypertable', relation USING ERRCODE = 'undefined_table',
      HINT = 'Make it one with create_hypertable().';
  END IF;
  RETURN found_one;
END $$;

-- What cannot be turned into a partitioned table without loss is refused before anything is changed.
CREATE FUNCTION _tickstone.check_convertible(relation REGCLASS, time_column NAME) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  facts RECORD;
  blocker TEXT;
BEGIN
  SELECT c.relkind, c.relpersistence, c.relrowsecurity,
         EXISTS (SELECT FROM pg_inherits i WHERE relation IN (i.inhrelid, i.inhparent)) AS is_inherited
    INTO facts FROM pg_class c WHERE c.oid = relation;
  IF facts.relkind = 'p' THEN
    RAISE EXCEPTION 'table "%" is already partitioned', relation USING ERRCODE = 'wrong_object_type',
      DETAIL = 'It is not possible to turn partitioned tables into hypertables.';
  ELSIF facts.relkind <> 'r' THEN
    RAISE EXCEPTION 'invalid relation type' USING ERRCODE = 'wrong_object_type', DETAIL = format('"%s" is not a table.', relation);
  ELSIF facts.relpersistence <> 'p' OR facts.is_inherited OR facts.relrowsecurity THEN
    RAISE EXCEPTION 'table "%" cannot be a hypertable', relation USING ERRCODE = 'feature_not_supported',
      DETAIL = 'It is temporary, unlogged, part of an inheritance, or has row security.';
  END IF;
  SELECT string_agg(i.indexrelid::regclass::text, ', ') INTO blocker FROM pg_index i, pg_attribute a
   WHERE i.indrelid = relation AND a.attrelid = relation AND a.attname = time_column AND i.indisunique
     AND NOT a.attnum = ANY (i.indkey::int2[]);
  IF blocker IS NOT NULL THEN
    RAISE EXCEPTION 'cannot create a unique index without the column "%" (used in partitioning)', time_column
      USING ERRCODE = 'invalid_table_definition', DETAIL = format('Unique indexes without it: %s.', blocker),
            HINT = 'If you''re creating a hypertable on a table with a primary key, ensure the partitioning column is part of the '
                   'primary or composite key.';
  END IF;
  SELECT string_agg(format('%s of %s', c.conname, c.conrelid::regclass), ', ') INTO blocker
    FROM pg_constraint c WHERE c.confrelid = relation AND c.contype = 'f' OR c.conrelid = relation AND c.contype = 'x';
  IF blocker IS NOT NULL THEN
    RAISE EXCEPTION 'cannot have FOREIGN KEY constraints to hypertable "%"', relation USING ERRCODE = 'feature_not_supported',
      DETAIL = format('Foreign keys to it, or exclusion constraints on it: %s.', blocker);
  END IF;
  SELECT string_agg(DISTINCT coalesce(r.ev_class::regclass::text, d.objid::regprocedure::text), ', ') INTO blocker
    FROM pg_depend d LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
   WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND d.deptype = 'n'
     AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass);
  IF blocker IS NOT NULL THEN
    RAISE EXCEPTION 'table "%" cannot be a hypertable while other objects read it', relation
      USING ERRCODE = 'dependent_objects_still_exist', DETAIL = format('They are: %s.', blocker),
            HINT = 'Drop them, call create_hypertable(), and create them again.';
  END IF;
END $$;

-- The table becomes the default partition of a new partitioned table with its name, indexes, constraints, triggers, owner and
-- grants. No row is read or moved.
CREATE FUNCTION _tickstone.convert_table(relation REGCLASS, time_column NAME, hypertable_id INT) RETURNS REGCLASS
LANGUAGE plpgsql AS $$
DECLARE
  old_name TEXT := format('_timescaledb_internal.%I', format('_hyper_%s_default', hypertable_id));
  full_name TEXT;
  facts RECORD;
  statement TEXT;
  afterwards TEXT[];
  item RECORD;
BEGIN
  SELECT c.relname, n.nspname, c.relacl, c.relowner::regrole AS owner, obj_description(c.oid, 'pg_class') AS description
    INTO facts FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
  full_name := format('%I.%I', facts.nspname, facts.relname);
  -- Constraints before indexes, keys before foreign keys.
  SELECT array_agg(format('ALTER TABLE %s ADD CONSTRAINT %I %s', full_name, c.conname, pg_get_constraintdef(c.oid))
                   ORDER BY c.contype = 'f', c.conname)
    INTO afterwards FROM pg_constraint c WHERE c.conrelid = relation AND c.contype IN ('p', 'u', 'f');
  FOR item IN SELECT i.indisunique, c.relname, pg_get_indexdef(i.indexrelid) AS definition
                FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
               WHERE i.indrelid = relation AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype <> 'f')
               ORDER BY c.relname LOOP
    afterwards := afterwards || format('CREATE %s INDEX %I ON %s %s', CASE WHEN item.indisunique THEN 'UNIQUE' ELSE '' END, item.relname,
                                       full_name, substring(item.definition FROM position(' USING ' IN item.definition)));
  END LOOP;
  FOR item IN SELECT t.tgname, pg_get_triggerdef(t.oid) AS definition FROM pg_trigger t
               WHERE t.tgrelid = relation AND NOT t.tgisinternal LOOP
    afterwards := afterwards || item.definition;
    EXECUTE format('DROP TRIGGER %I ON %s', item.tgname, relation);
  END LOOP;
  FOR item IN SELECT a.grantee, a.privilege_type, a.is_grantable, NULL AS column_name FROM aclexplode(facts.relacl) a
              UNION ALL SELECT a.grantee, a.privilege_type, a.is_grantable, c.attname
                FROM pg_attribute c, aclexplode(c.attacl) a WHERE c.attrelid = relation LOOP
    afterwards := afterwards || format('GRANT %s%s ON %s TO %s%s', item.privilege_type, '(' || quote_ident(item.column_name) || ')',
      full_name, CASE WHEN item.grantee = 0 THEN 'PUBLIC' ELSE item.grantee::regrole::text END,
      CASE WHEN item.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
  END LOOP;
  -- Sequences: what a serial column owns goes with the name; an identity goes on where the old one stood.
  FOR item IN SELECT d.objid::regclass AS sequence, d.deptype, a.attname, q.last_value FROM pg_depend d
                JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = d.refobjsubid
                JOIN pg_sequences q ON format('%I.%I', q.schemaname, q.sequencename)::regclass = d.objid
               WHERE d.refobjid = relation AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass LOOP
    IF item.deptype = 'a' THEN
      EXECUTE format('ALTER SEQUENCE %s OWNED BY NONE', item.sequence);
      afterwards := afterwards || format('ALTER SEQUENCE %s OWNED BY %s.%I', item.sequence, full_name, item.attname);
    ELSIF item.last_value IS NOT NULL THEN
      afterwards := afterwards || format('SELECT setval(pg_get_serial_sequence(%L, %L), %s)', full_name, item.attname, item.last_value);
    END IF;
  END LOOP;
  afterwards := afterwards || format('ALTER TABLE %s OWNER TO %s', full_name, facts.owner)
    || format('COMMENT ON TABLE %s IS %L', full_name, facts.description);
  FOR item IN SELECT row_number() OVER (ORDER BY indexrelid) AS number, indexrelid::regclass AS name FROM pg_index
               WHERE indrelid = relation LOOP
    EXECUTE format('ALTER INDEX %s RENAME TO %I', item.name, format('_hyper_%s_default_idx%s', hypertable_id, item.number));
  END LOOP;
  EXECUTE format('ALTER TABLE %s RENAME TO %I', full_name, format('_hyper_%s_default', hypertable_id));
  EXECUTE format('ALTER TABLE %I.%I SET SCHEMA _timescaledb_internal', facts.nspname, format('_hyper_%s_default', hypertable_id));
  EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE (%I)', full_name, old_name, time_column);
  FOREACH statement IN ARRAY afterwards LOOP
    EXECUTE statement;
  END LOOP;
  EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s DEFAULT', full_name, old_name);
  RETURN full_name::regclass;
END $$;

CREATE FUNCTION _tickstone.make_hypertable(relation REGCLASS, time_column NAME, width TEXT, width_type REGTYPE,
                                           create_default_indexes BOOLEAN, if_not_exists BOOLEAN, migrate_data BOOLEAN,
                                           OUT hypertable_id INT, OUT created BOOLEAN)
LANGUAGE plpgsql AS $$
DECLARE
  facts RECORD;
  has_rows BOOLEAN;
  interval_internal BIGINT;
  table_name TEXT := relation::text;
  made REGCLASS;
  entry _tickstone.hypertable;
BEGIN
  SELECT h.id INTO hypertable_id FROM _tickstone.hypertable h WHERE h.relation = make_hypertable.relation;
  IF FOUND THEN
    IF NOT if_not_exists THEN
      RAISE EXCEPTION 'table "%" is already a hypertable', relation USING ERRCODE = 'duplicate_object';
    END IF;
    RAISE NOTICE 'table "%" is already a hypertable, skipping', relation;
    created := FALSE;
    RETURN;
  END IF;
  SELECT a.atttypid::regtype AS type, a.attnotnull INTO facts FROM pg_attribute a
   WHERE a.attrelid = relation AND a.attname = time_column AND a.attnum > 0 AND NOT a.attisdropped;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'column "%" does not exist', time_column USING ERRCODE = 'undefined_column';
  END IF;
  IF facts.type NOT IN ('timestamptz', 'timestamp', 'date', 'bigint', 'integer', 'smallint') THEN
    RAISE EXCEPTION 'invalid type for dimension "%"', time_column USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Use an integer, timestamp, or date type.';
  END IF;
  interval_internal := _tickstone.chunk_interval_of(width, width_type, facts.type);
  PERFORM _tickstone.check_convertible(relation, time_column);
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', relation);
  EXECUTE format('SELECT EXISTS (SELECT FROM %s)', relation) INTO has_rows;
  IF has_rows AND NOT migrate_data THEN
    RAISE EXCEPTION 'table "%" is not empty', relation USING ERRCODE = 'feature_not_supported',
      HINT = 'You can migrate data by specifying ''migrate_data => true'' when calling this function.';
  END IF;
  IF NOT facts.attnotnull THEN
    RAISE NOTICE 'adding not-null constraint to column "%"', time_column USING DETAIL = 'Dimensions cannot have NULL values.';
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', relation, time_column);
  END IF;
  hypertable_id := nextval(pg_get_serial_sequence('_tickstone.hypertable', 'id'));
  made := _tickstone.convert_table(relation, time_column, hypertable_id);
  INSERT INTO _tickstone.hypertable (id, relation, time_column, time_type, chunk_interval, default_chunk) OVERRIDING SYSTEM VALUE
    VALUES (hypertable_id, made, time_column, facts.type, interval_internal,
            format('_timescaledb_internal.%I', format('_hyper_%s_default', hypertable_id))::regclass)
    RETURNING * INTO entry;
  IF create_default_indexes AND NOT EXISTS (
       SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = made AND a.attname = time_column
        WHERE i.indrelid = made AND i.indkey[0] = a.attnum AND i.indnkeyatts = 1) THEN
    EXECUTE format('CREATE INDEX ON %s (%I DESC)', made, time_column);
  END IF;
  -- Rows that are there already are left to upkeep.
  IF NOT has_rows THEN
    PERFORM _tickstone.make_chunks_ahead(entry);
  END IF;
  created := TRUE;
END $$;

CREATE FUNCTION public.create_hypertable(
  relation REGCLASS, time_column_name NAME, partitioning_column NAME DEFAULT NULL, number_partitions INT DEFAULT NULL,
  associated_schema_name NAME DEFAULT NULL, associated_table_prefix NAME DEFAULT NULL,
  chunk_time_interval ANYCOMPATIBLE DEFAULT NULL, create_default_indexes BOOLEAN DEFAULT TRUE,
  if_not_exists BOOLEAN DEFAULT FALSE, partitioning_func REGPROC DEFAULT NULL, migrate_data BOOLEAN DEFAULT FALSE,
  time_partitioning_func REGPROC DEFAULT NULL)
RETURNS TABLE (hypertable_id INT, schema_name NAME, table_name NAME, created BOOLEAN) LANGUAGE plpgsql AS $$
BEGIN
  IF partitioning_column IS NOT NULL OR partitioning_func IS NOT NULL OR time_partitioning_func IS NOT NULL
     OR associated_schema_name IS NOT NULL OR associated_table_prefix IS NOT NULL THEN
    RAISE EXCEPTION 'create_hypertable() takes only a time column on PostgreSQL without TimescaleDB'
      USING ERRCODE = 'feature_not_supported';
  END IF;
  SELECT m.hypertable_id, m.created INTO hypertable_id, created
    FROM _tickstone.make_hypertable(relation, time_column_name, chunk_time_interval::text, pg_typeof(chunk_time_interval),
                                    create_default_indexes, if_not_exists, migrate_data) m;
  SELECT n.nspname, c.relname INTO schema_name, table_name FROM _tickstone.hypertable h
    JOIN pg_class c ON c.oid = h.relation JOIN pg_namespace n ON n.oid = c.relnamespace WHERE h.id = create_hypertable.hypertable_id;
  RETURN NEXT;
END $$;

CREATE FUNCTION public.create_hypertable(relation REGCLASS, dimension _tickstone.dimension, create_default_indexes BOOLEAN DEFAULT TRUE,
                                         if_not_exists BOOLEAN DEFAULT FALSE, migrate_data BOOLEAN DEFAULT FALSE)
RETURNS TABLE (hypertable_id INT, created BOOLEAN) LANGUAGE sql AS $$
  SELECT m.hypertable_id, m.created
    FROM _tickstone.make_hypertable(relation, dimension.column_name, dimension.width, dimension.width_type, create_default_indexes,
                                    if_not_exists, migrate_data) m
$$;

CREATE FUNCTION public.set_chunk_time_interval(hypertable REGCLASS, chunk_time_interval ANYCOMPATIBLE, dimension_name NAME DEFAULT NULL)
RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  entry _tickstone.hypertable := _tickstone.hypertable_of(hypertable);
BEGIN
  UPDATE _tickstone.hypertable SET chunk_interval =
    _tickstone.chunk_interval_of(set_chunk_time_interval.chunk_time_interval::text, pg_typeof(set_chunk_time_interval.chunk_time_interval),
                                 entry.time_type)
   WHERE id = entry.id;
END $$;

CREATE FUNCTION public.set_integer_now_func(hypertable REGCLASS, integer_now_func REGPROC, replace_if_exists BOOLEAN DEFAULT FALSE)
RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  entry _tickstone.hypertable := _tickstone.hypertable_of(hypertable);
BEGIN
  IF entry.integer_now IS NOT NULL AND NOT replace_if_exists THEN
    RAISE EXCEPTION 'custom time function already set for hypertable "%"', hypertable USING ERRCODE = 'duplicate_object';
  END IF;
  UPDATE _tickstone.hypertable SET integer_now = integer_now_func::text WHERE id = entry.id;
END $$;
