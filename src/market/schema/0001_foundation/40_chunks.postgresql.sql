-- SPDX-License-Identifier: Apache-2.0
-- Chunks: made on demand or ahead, shown, dropped; rows of the default partition moved into chunks of their own.

-- Numbers of the advisory locks that the layer takes, with an id of its catalog as the second.
CREATE FUNCTION _tickstone.lock_space(what TEXT) RETURNS INT LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT CASE what WHEN 'chunks' THEN 1953718885 WHEN 'job' THEN 1953718886 WHEN 'aggregate' THEN 1953718887 END
$$;

CREATE FUNCTION _tickstone.now_of(entry _tickstone.hypertable) RETURNS BIGINT LANGUAGE plpgsql STABLE AS $$
DECLARE
  now_internal BIGINT;
BEGIN
  IF NOT _tickstone.is_integer_time(entry.time_type) THEN
    RETURN _tickstone.internal_of(now());
  ELSIF entry.integer_now IS NULL THEN
    RETURN NULL;
  END IF;
  EXECUTE format('SELECT %s()::bigint', entry.integer_now) INTO now_internal;
  RETURN now_internal;
END $$;

-- The chunk for a time: the one that is there, or a new one, with the rows of the default partition that belong to it. Writers wait
-- meanwhile, before they choose a partition: one that had chosen the default would fail. Gives up before the deadlock of a session
-- that has read and is about to write is found (55P03); whoever calls tries again.
CREATE FUNCTION _tickstone.make_chunk(entry _tickstone.hypertable, at BIGINT) RETURNS REGCLASS LANGUAGE plpgsql
SET lock_timeout = '500ms' AS $$
DECLARE
  found_one REGCLASS;
  lowest BIGINT := at - _tickstone.floor_rest(at, entry.chunk_interval);
  end_of BIGINT := lowest + entry.chunk_interval;
  chunk_id INT;
  full_name TEXT;
  columns TEXT;
  range_condition TEXT;
  moves BOOLEAN;
BEGIN
  PERFORM pg_advisory_xact_lock(_tickstone.lock_space('chunks'), entry.id);
  SELECT c.relation INTO found_one FROM _tickstone.chunk c JOIN pg_class p ON p.oid = c.relation
   WHERE c.hypertable_id = entry.id AND c.range_start <= at AND c.range_end > at;
  IF FOUND THEN
    RETURN found_one;
  END IF;
  EXECUTE format('LOCK TABLE ONLY %s IN SHARE MODE', entry.relation);
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', entry.default_chunk);
  -- Neighbours made with another interval keep their ranges.
  SELECT greatest(lowest, max(c.range_end) FILTER (WHERE c.range_end <= at)),
         least(end_of, min(c.range_start) FILTER (WHERE c.range_start > at))
    INTO lowest, end_of FROM _tickstone.chunk c JOIN pg_class p ON p.oid = c.relation
   WHERE c.hypertable_id = entry.id;
  chunk_id := nextval(pg_get_serial_sequence('_tickstone.chunk', 'id'));
  full_name := format('_timescaledb_internal.%I', format('_hyper_%s_%s_chunk', entry.id, chunk_id));
  EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE '
                 'INCLUDING COMPRESSION INCLUDING STATISTICS)', full_name, entry.relation);
  EXECUTE format('ALTER TABLE %s OWNER TO %s', full_name, (SELECT relowner::regrole FROM pg_class WHERE oid = entry.relation));
  range_condition := format('%1$I >= %2$s AND %1$I < %3$s', entry.time_column, _tickstone.literal_of(lowest, entry.time_type),
                            _tickstone.literal_of(end_of, entry.time_type));
  EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %s)', entry.default_chunk, range_condition) INTO moves;
  IF moves THEN
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
     WHERE attrelid = entry.relation AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    -- The rows are the same ones after it: nothing is invalid for an aggregate.
    PERFORM set_config('_tickstone.is_moving', 'on', true);
    EXECUTE format('WITH moved AS (DELETE FROM %1$s WHERE %2$s RETURNING %3$s) INSERT INTO %4$s (%3$s) SELECT %3$s FROM moved',
                   entry.default_chunk, range_condition, columns, full_name);
    PERFORM set_config('_tickstone.is_moving', 'off', true);
  END IF;
  EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)', entry.relation, full_name,
                 _tickstone.literal_of(lowest, entry.time_type), _tickstone.literal_of(end_of, entry.time_type));
  INSERT INTO _tickstone.chunk (id, hypertable_id, relation, range_start, range_end) OVERRIDING SYSTEM VALUE
    VALUES (chunk_id, entry.id, full_name::regclass, lowest, end_of);
  PERFORM _tickstone.track_writes(full_name::regclass, entry.id);
  RETURN full_name::regclass;
END $$;

-- The chunk of now and those after it.
CREATE FUNCTION _tickstone.make_chunks_ahead(entry _tickstone.hypertable, chunks_ahead INT DEFAULT 2) RETURNS INT
LANGUAGE plpgsql AS $$
DECLARE
  now_internal BIGINT := _tickstone.now_of(entry);
  made INT := 0;
BEGIN
  IF now_internal IS NULL THEN
    RETURN 0;
  END IF;
  FOR step IN 0 .. chunks_ahead LOOP
    IF NOT EXISTS (SELECT FROM _tickstone.chunk c JOIN pg_class p ON p.oid = c.relation WHERE c.hypertable_id = entry.id
                      AND c.range_start <= now_internal + step * entry.chunk_interval
                      AND c.range_end > now_internal + step * entry.chunk_interval) THEN
      PERFORM _tickstone.make_chunk(entry, now_internal + step * entry.chunk_interval);
      made := made + 1;
    END IF;
  END LOOP;
  RETURN made;
END $$;

-- Chunks for a range of time that is about to be loaded, so that its rows need not be moved later.
CREATE FUNCTION _tickstone.make_chunks_between(hypertable REGCLASS, start_time TIMESTAMPTZ, end_time TIMESTAMPTZ) RETURNS INT
LANGUAGE plpgsql AS $$
DECLARE
  entry _tickstone.hypertable := _tickstone.hypertable_of(hypertable);
  at BIGINT := _tickstone.internal_of(start_time);
  made INT := 0;
BEGIN
  WHILE at < _tickstone.internal_of(end_time) LOOP
    PERFORM _tickstone.make_chunk(entry, at);
    made := made + 1;
    SELECT c.range_end INTO STRICT at FROM _tickstone.chunk c JOIN pg_class p ON p.oid = c.relation
     WHERE c.hypertable_id = entry.id AND c.range_start <= at AND c.range_end > at;
  END LOOP;
  RETURN made;
END $$;

-- Makes a chunk if its locks are to be had soon; else NULL.
CREATE FUNCTION _tickstone.try_make_chunk(entry _tickstone.hypertable, at BIGINT) RETURNS REGCLASS LANGUAGE plpgsql AS $$
BEGIN
  RETURN _tickstone.make_chunk(entry, at);
EXCEPTION WHEN lock_not_available THEN
  RETURN NULL;
END $$;

-- Chunks ahead of time, and the rows of the default partition into chunks of their own, a chunk a transaction; not in a
-- transaction block.
CREATE PROCEDURE _tickstone.keep_chunks(hypertable_id INT, chunks_ahead INT) LANGUAGE plpgsql AS $$
DECLARE
  entry _tickstone.hypertable;
  at BIGINT;
  waits INT := 0;
BEGIN
  LOOP
    SELECT * INTO entry FROM _tickstone.hypertable h WHERE h.id = hypertable_id;
    EXIT WHEN NOT FOUND;
    SELECT min(wanted) INTO at
      FROM (SELECT _tickstone.now_of(entry) + step * entry.chunk_interval AS wanted FROM generate_series(0, chunks_ahead) step) ahead
     WHERE NOT EXISTS (SELECT FROM _tickstone.chunk c JOIN pg_class p ON p.oid = c.relation
                        WHERE c.hypertable_id = entry.id AND c.range_start <= wanted AND c.range_end > wanted);
    IF at IS NULL THEN
      EXECUTE format('SELECT _tickstone.internal_of(min(%1$I)) FROM %2$s WHERE %3$s', entry.time_column, entry.default_chunk,
                     CASE WHEN _tickstone.is_integer_time(entry.time_type) THEN 'true' ELSE format('isfinite(%I)', entry.time_column) END)
        INTO at;
    END IF;
    EXIT WHEN at IS NULL;
    IF _tickstone.try_make_chunk(entry, at) IS NULL THEN
      waits := waits + 1;
      IF waits > 20 THEN
        RAISE EXCEPTION 'could not lock hypertable "%" to make a chunk', entry.relation USING ERRCODE = 'lock_not_available',
          HINT = 'A transaction that uses the table has been open for long: see pg_stat_activity.';
      END IF;
    END IF;
    COMMIT;
    IF waits > 0 THEN
      PERFORM pg_sleep(0.2);
    END IF;
  END LOOP;
END $$;

-- A time, or an interval before now; a literal may be either.
CREATE FUNCTION _tickstone.time_of(bound TEXT, bound_type REGTYPE) RETURNS TIMESTAMPTZ LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF bound_type = 'interval'::regtype THEN
    RETURN now() - bound::interval;
  END IF;
  RETURN bound::timestamptz;
EXCEPTION WHEN invalid_datetime_format THEN
  RETURN now() - bound::interval;
END $$;

-- A bound of the user's as the catalog keeps times.
CREATE FUNCTION _tickstone.bound_of(bound TEXT, bound_type REGTYPE, entry _tickstone.hypertable) RETURNS BIGINT
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF bound IS NULL THEN
    RETURN NULL;
  ELSIF _tickstone.is_integer_time(entry.time_type) THEN
    IF bound_type IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'text'::regtype) THEN
      RETURN bound::bigint;
    END IF;
    RAISE EXCEPTION 'invalid time argument type "%"', bound_type USING ERRCODE = 'invalid_parameter_value',
      HINT = 'The time of the hypertable is an integer.';
  ELSIF bound_type IN ('interval'::regtype, 'timestamptz'::regtype, 'text'::regtype) THEN
    RETURN _tickstone.internal_of(_tickstone.time_of(bound, bound_type));
  ELSIF bound_type = 'timestamp'::regtype THEN
    RETURN CASE WHEN entry.time_type = 'timestamptz'::regtype THEN _tickstone.internal_of(bound::timestamptz)
                ELSE _tickstone.internal_of(bound::timestamp) END;
  ELSIF bound_type = 'date'::regtype THEN
    RETURN CASE WHEN entry.time_type = 'timestamptz'::regtype THEN _tickstone.internal_of(bound::date::timestamptz)
                ELSE _tickstone.internal_of(bound::date) END;
  END IF;
  RAISE EXCEPTION 'invalid time argument type "%"', bound_type USING ERRCODE = 'invalid_parameter_value',
    HINT = 'Try casting the argument to an interval or a timestamp.';
END $$;

CREATE FUNCTION _tickstone.chunks_within(entry _tickstone.hypertable, older_than BIGINT, newer_than BIGINT, created_before TIMESTAMPTZ,
                                         created_after TIMESTAMPTZ) RETURNS SETOF _tickstone.chunk
LANGUAGE sql STABLE AS $$
  SELECT c.* FROM _tickstone.chunk c JOIN pg_class p ON p.oid = c.relation
   WHERE c.hypertable_id = entry.id AND (older_than IS NULL OR c.range_end <= older_than)
     AND (newer_than IS NULL OR c.range_start >= newer_than) AND (created_before IS NULL OR c.created_at < created_before)
     AND (created_after IS NULL OR c.created_at >= created_after)
   ORDER BY c.range_start
$$;

CREATE FUNCTION public.show_chunks(relation REGCLASS, older_than ANYCOMPATIBLE DEFAULT NULL,
                                   newer_than ANYCOMPATIBLE DEFAULT NULL, created_before ANYCOMPATIBLE DEFAULT NULL,
                                   created_after ANYCOMPATIBLE DEFAULT NULL) RETURNS SETOF REGCLASS
LANGUAGE plpgsql STABLE AS $$
DECLARE
  entry _tickstone.hypertable := _tickstone.hypertable_of(relation);
BEGIN
  RETURN QUERY SELECT c.relation
    FROM _tickstone.chunks_within(entry, _tickstone.bound_of(older_than::text, pg_typeof(older_than), entry),
                                  _tickstone.bound_of(newer_than::text, pg_typeof(newer_than), entry),
                                  _tickstone.time_of(created_before::text, pg_typeof(created_before)),
                                  _tickstone.time_of(created_after::text, pg_typeof(created_after))) c;
END $$;

-- Drops what lies wholly within the bounds, of the default partition too: its rows of whole chunks' ranges.
CREATE FUNCTION _tickstone.drop_chunks_within(entry _tickstone.hypertable, older_than BIGINT, newer_than BIGINT,
                                              created_before TIMESTAMPTZ, created_after TIMESTAMPTZ) RETURNS SETOF TEXT
LANGUAGE plpgsql AS $$
DECLARE
  item _tickstone.chunk;
BEGIN
  PERFORM pg_advisory_xact_lock(_tickstone.lock_space('chunks'), entry.id);
  FOR item IN SELECT * FROM _tickstone.chunks_within(entry, older_than, newer_than, created_before, created_after) LOOP
    EXECUTE format('DROP TABLE %s', item.relation);
    DELETE FROM _tickstone.chunk WHERE id = item.id;
    PERFORM _tickstone.invalidate(entry.id, item.range_start, item.range_end);
    RETURN NEXT format('_timescaledb_internal.%I', format('_hyper_%s_%s_chunk', entry.id, item.id));
  END LOOP;
  IF created_before IS NULL AND created_after IS NULL AND (older_than IS NOT NULL OR newer_than IS NOT NULL) THEN
    EXECUTE format('DELETE FROM %s WHERE %s AND %s', entry.default_chunk,
      coalesce(quote_ident(entry.time_column) || ' < ' || _tickstone.literal_of(
        older_than - _tickstone.floor_rest(older_than, entry.chunk_interval), entry.time_type), 'true'),
      coalesce(quote_ident(entry.time_column) || ' >= ' || _tickstone.literal_of(
        newer_than + _tickstone.floor_rest(-newer_than, entry.chunk_interval), entry.time_type), 'true'));
  END IF;
END $$;

CREATE FUNCTION public.drop_chunks(relation REGCLASS, older_than ANYCOMPATIBLE DEFAULT NULL,
                                   newer_than ANYCOMPATIBLE DEFAULT NULL, "verbose" BOOLEAN DEFAULT FALSE,
                                   created_before ANYCOMPATIBLE DEFAULT NULL, created_after ANYCOMPATIBLE DEFAULT NULL) RETURNS SETOF TEXT
LANGUAGE plpgsql AS $$
DECLARE
  entry _tickstone.hypertable;
BEGIN
  IF older_than IS NULL AND newer_than IS NULL AND created_before IS NULL AND created_after IS NULL THEN
    RAISE EXCEPTION 'invalid time range for dropping chunks' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'At least one of older_than, newer_than, created_before and created_after must be provided.';
  END IF;
  entry := _tickstone.hypertable_of(relation);
  RETURN QUERY SELECT d FROM _tickstone.drop_chunks_within(
    entry, _tickstone.bound_of(older_than::text, pg_typeof(older_than), entry),
    _tickstone.bound_of(newer_than::text, pg_typeof(newer_than), entry),
    _tickstone.time_of(created_before::text, pg_typeof(created_before)), _tickstone.time_of(created_after::text, pg_typeof(created_after))) d;
END $$;

-- Sizes.
CREATE FUNCTION public.hypertable_detailed_size(hypertable REGCLASS)
RETURNS TABLE (table_bytes BIGINT, index_bytes BIGINT, toast_bytes BIGINT, total_bytes BIGINT, node_name NAME)
LANGUAGE sql STABLE AS $$
  SELECT sum(pg_relation_size(t.relid))::bigint, sum(pg_indexes_size(t.relid))::bigint,
         sum(pg_table_size(t.relid) - pg_relation_size(t.relid))::bigint, sum(pg_total_relation_size(t.relid))::bigint, NULL::name
    FROM pg_partition_tree(hypertable) t WHERE t.isleaf
$$;

CREATE FUNCTION public.hypertable_size(hypertable REGCLASS) RETURNS BIGINT LANGUAGE sql STABLE
AS $$ SELECT total_bytes FROM public.hypertable_detailed_size(hypertable) $$;

CREATE FUNCTION public.hypertable_approximate_size(hypertable REGCLASS) RETURNS BIGINT LANGUAGE sql STABLE
AS $$ SELECT total_bytes FROM public.hypertable_detailed_size(hypertable) $$;

CREATE FUNCTION public.chunks_detailed_size(hypertable REGCLASS)
RETURNS TABLE (chunk_schema NAME, chunk_name NAME, table_bytes BIGINT, index_bytes BIGINT, toast_bytes BIGINT, total_bytes BIGINT,
               node_name NAME)
LANGUAGE sql STABLE AS $$
  SELECT n.nspname, c.relname, pg_relation_size(c.oid), pg_indexes_size(c.oid), pg_table_size(c.oid) - pg_relation_size(c.oid),
         pg_total_relation_size(c.oid), NULL::name
    FROM pg_partition_tree(hypertable) t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE t.isleaf
$$;

CREATE FUNCTION public.approximate_row_count(relation REGCLASS) RETURNS BIGINT LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_class c
   WHERE c.oid IN (SELECT t.relid FROM pg_partition_tree(relation) t WHERE t.isleaf) OR c.oid = relation AND c.relkind = 'r'
$$;
