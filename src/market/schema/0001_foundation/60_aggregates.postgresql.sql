-- SPDX-License-Identifier: Apache-2.0
-- Continuous aggregates: a table of finished buckets, a view over it that reads raw rows from the watermark on, a log of what was
-- written since, kept by triggers of statements.
--
-- Every write is logged, also of times that were never aggregated: then a writer that commits after a refresh read the log has its
-- row in the log too, and no lock is needed between the two. A refresh takes log rows and reads raw rows in one transaction, the
-- log first: what it takes away it has seen.
CREATE TABLE _tickstone.continuous_aggregate (
  id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  view REGCLASS NOT NULL UNIQUE,
  materialization REGCLASS NOT NULL,
  hypertable_id INT NOT NULL REFERENCES _tickstone.hypertable ON DELETE CASCADE,
  bucket_column NAME NOT NULL,
  bucket_type REGTYPE NOT NULL,
  bucket_width BIGINT,  -- NULL: of months
  bucket_months INT,
  select_list TEXT NOT NULL,
  where_clause TEXT NOT NULL,
  group_by TEXT NOT NULL,
  materialized_only BOOLEAN NOT NULL,
  watermark BIGINT,  -- the end of the last bucket that is in the table
  CHECK ((bucket_width IS NULL) <> (bucket_months IS NULL))
);
ALTER TABLE _tickstone.job ADD FOREIGN KEY (aggregate_id) REFERENCES _tickstone.continuous_aggregate ON DELETE CASCADE;

-- [lowest, end_of) as written by statements, by hypertable; a refresh hands them on to every aggregate of the hypertable.
CREATE TABLE _tickstone.written (hypertable_id INT NOT NULL, lowest BIGINT NOT NULL, end_of BIGINT NOT NULL);
CREATE INDEX written_hypertable ON _tickstone.written (hypertable_id);
CREATE TABLE _tickstone.invalid (
  aggregate_id INT NOT NULL REFERENCES _tickstone.continuous_aggregate ON DELETE CASCADE,
  lowest BIGINT NOT NULL,
  end_of BIGINT NOT NULL
);
CREATE INDEX invalid_aggregate ON _tickstone.invalid (aggregate_id);
GRANT SELECT ON _tickstone.continuous_aggregate TO PUBLIC;

CREATE FUNCTION _tickstone.invalidate(hypertable_id INT, lowest BIGINT, end_of BIGINT) RETURNS VOID
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO _tickstone.written SELECT $1, $2, $3 WHERE EXISTS (SELECT FROM _tickstone.continuous_aggregate a WHERE a.hypertable_id = $1)
$$;

CREATE FUNCTION _tickstone.log_truncate() RETURNS TRIGGER LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM _tickstone.invalidate(TG_ARGV[0]::int, -9223372036854775807, 9223372036854775806);
  RETURN NULL;
END $$;

-- The trigger functions of a hypertable, with its column in static SQL, so that a statement of one row costs little. Rows far
-- apart are logged by buckets side by side, or a backfill of two days would invalidate the years between.
CREATE FUNCTION _tickstone.make_log_functions(entry _tickstone.hypertable, step BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  operation TEXT;
  changed TEXT;
BEGIN
  FOREACH operation IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
    changed := CASE operation WHEN 'insert' THEN format('(SELECT %I AS at FROM new_rows) changed', entry.time_column)
                              WHEN 'delete' THEN format('(SELECT %I AS at FROM old_rows) changed', entry.time_column)
                              ELSE format('(SELECT %1$I AS at FROM new_rows UNION ALL SELECT %1$I FROM old_rows) changed',
                                          entry.time_column) END;
    EXECUTE format($make$
      CREATE OR REPLACE FUNCTION _tickstone.%1$I() RETURNS TRIGGER
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
      DECLARE
        lowest BIGINT;
        highest BIGINT;
      BEGIN
        IF current_setting('_tickstone.is_moving', true) = 'on' THEN
          RETURN NULL;
        END IF;
        SELECT _tickstone.internal_of(min(at)), _tickstone.internal_of(max(at)) INTO lowest, highest FROM %2$s;
        IF lowest IS NULL THEN
          RETURN NULL;
        ELSIF highest::numeric - lowest <= %3$s THEN
          INSERT INTO _tickstone.written VALUES (%4$s, lowest, highest + 1);
        ELSE
          INSERT INTO _tickstone.written
            SELECT %4$s, lower(span), upper(span)
              FROM (SELECT unnest(range_agg(int8range(start, start + %3$s))) AS span
                      FROM (SELECT DISTINCT _tickstone.internal_of(at) - _tickstone.floor_rest(_tickstone.internal_of(at), %3$s) AS start
                              FROM %2$s) starts) spans;
        END IF;
        RETURN NULL;
      END $body$ $make$, format('log_%s_%s', operation, entry.id), changed, step, entry.id);
  END LOOP;
END $$;

-- Puts the triggers on a hypertable, or on one of its chunks: a statement that names a chunk does not fire those of the hypertable.
CREATE FUNCTION _tickstone.track_writes(relation REGCLASS, for_hypertable INT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM _tickstone.continuous_aggregate a WHERE a.hypertable_id = for_hypertable)
     OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = relation AND t.tgname = '_tickstone_log_insert') THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TRIGGER _tickstone_log_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows '
                 'FOR EACH STATEMENT EXECUTE FUNCTION _tickstone.%I()', relation, format('log_insert_%s', for_hypertable));
  EXECUTE format('CREATE TRIGGER _tickstone_log_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows '
                 'FOR EACH STATEMENT EXECUTE FUNCTION _tickstone.%I()', relation, format('log_update_%s', for_hypertable));
  EXECUTE format('CREATE TRIGGER _tickstone_log_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows '
                 'FOR EACH STATEMENT EXECUTE FUNCTION _tickstone.%I()', relation, format('log_delete_%s', for_hypertable));
  EXECUTE format('CREATE TRIGGER _tickstone_log_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT '
                 'EXECUTE FUNCTION _tickstone.log_truncate(%s)', relation, for_hypertable);
END $$;

CREATE FUNCTION _tickstone.aggregate_of(relation REGCLASS) RETURNS _tickstone.continuous_aggregate LANGUAGE plpgsql STABLE AS $$
DECLARE
  found_one _tickstone.continuous_aggregate;
BEGIN
  SELECT * INTO found_one FROM _tickstone.continuous_aggregate a WHERE a.view = relation;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'relation "%" is not a continuous aggregate', relation USING ERRCODE = 'wrong_object_type';
  END IF;
  RETURN found_one;
END $$;

-- The start of the bucket of a time; of the least and greatest times, themselves.
CREATE FUNCTION _tickstone.bucket_start(item _tickstone.continuous_aggregate, at BIGINT) RETURNS BIGINT LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF at IS NULL OR abs(at) >= 9000000000000000000 THEN
    RETURN at;
  ELSIF item.bucket_months IS NOT NULL THEN
    RETURN _tickstone.internal_of(_tickstone.bucket(make_interval(months => item.bucket_months), _tickstone.timestamp_of(at)));
  ELSIF _tickstone.is_integer_time(item.bucket_type) THEN
    RETURN at - _tickstone.floor_rest(at, item.bucket_width);
  END IF;
  RETURN at - _tickstone.floor_rest(at - 946857600000000 % item.bucket_width, item.bucket_width);  -- 2000-01-03
END $$;

-- The first start of a bucket that is not before a time.
CREATE FUNCTION _tickstone.bucket_ceiling(item _tickstone.continuous_aggregate, at BIGINT) RETURNS BIGINT LANGUAGE plpgsql STABLE AS $$
DECLARE
  start BIGINT := _tickstone.bucket_start(item, at);
BEGIN
  IF start IS NULL OR start = at THEN
    RETURN start;
  ELSIF item.bucket_months IS NOT NULL THEN
    RETURN _tickstone.internal_of(_tickstone.timestamp_of(start) + make_interval(months => item.bucket_months));
  END IF;
  RETURN start + item.bucket_width;
END $$;

CREATE FUNCTION _tickstone.watermark_of(aggregate_id INT, as_type TIMESTAMPTZ) RETURNS TIMESTAMPTZ LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(_tickstone.timestamptz_of(watermark), '-infinity') FROM _tickstone.continuous_aggregate WHERE id = aggregate_id
$$;
CREATE FUNCTION _tickstone.watermark_of(aggregate_id INT, as_type TIMESTAMP) RETURNS TIMESTAMP LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(_tickstone.timestamp_of(watermark), '-infinity') FROM _tickstone.continuous_aggregate WHERE id = aggregate_id
$$;
CREATE FUNCTION _tickstone.watermark_of(aggregate_id INT, as_type DATE) RETURNS DATE LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(_tickstone.timestamp_of(watermark)::date, '-infinity') FROM _tickstone.continuous_aggregate WHERE id = aggregate_id
$$;
CREATE FUNCTION _tickstone.watermark_of(aggregate_id INT, as_type BIGINT) RETURNS BIGINT LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(watermark, -9223372036854775808) FROM _tickstone.continuous_aggregate WHERE id = aggregate_id
$$;

-- The aggregate's query over raw rows that meet a condition.
CREATE FUNCTION _tickstone.query_of(item _tickstone.continuous_aggregate, condition TEXT) RETURNS TEXT LANGUAGE sql STABLE AS $$
  SELECT format('SELECT %s FROM %s WHERE (%s) AND %s GROUP BY %s', item.select_list, h.relation, item.where_clause, condition, item.group_by)
    FROM _tickstone.hypertable h WHERE h.id = item.hypertable_id
$$;

CREATE FUNCTION _tickstone.make_view(item _tickstone.continuous_aggregate, view_name TEXT) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  entry _tickstone.hypertable;
  watermark TEXT;
BEGIN
  SELECT * INTO STRICT entry FROM _tickstone.hypertable WHERE id = item.hypertable_id;
  IF item.materialized_only THEN
    EXECUTE format('CREATE OR REPLACE VIEW %s AS SELECT * FROM %s', view_name, item.materialization);
  ELSE
    EXECUTE format('CREATE OR REPLACE VIEW %1$s AS SELECT * FROM %2$s WHERE %3$I < _tickstone.watermark_of(%4$s, NULL::%5$s) UNION ALL %6$s',
                   view_name, item.materialization, item.bucket_column, item.id,
                   CASE WHEN _tickstone.is_integer_time(item.bucket_type) THEN 'bigint' ELSE item.bucket_type::text END,
                   _tickstone.query_of(item, format('%I >= _tickstone.watermark_of(%s, NULL::%s)', entry.time_column, item.id,
                     CASE WHEN _tickstone.is_integer_time(entry.time_type) THEN 'bigint' ELSE entry.time_type::text END)));
  END IF;
END $$;

-- CREATE MATERIALIZED VIEW ... WITH (timescaledb.continuous) in parts, for its words are an error on PostgreSQL. select_list has
-- the time bucket under the name bucket_column; group_by names it too.
CREATE FUNCTION _tickstone.create_continuous_aggregate(
  view_name TEXT, hypertable REGCLASS, bucket_column NAME, bucket_width ANYCOMPATIBLE, select_list TEXT, group_by TEXT,
  where_clause TEXT DEFAULT 'true', materialized_only BOOLEAN DEFAULT TRUE) RETURNS INT
LANGUAGE plpgsql AS $$
DECLARE
  entry _tickstone.hypertable := _tickstone.hypertable_of(hypertable);
  item _tickstone.continuous_aggregate;
  months INT;
  new_id INT := nextval(pg_get_serial_sequence('_tickstone.continuous_aggregate', 'id'));
  table_name TEXT := format('_timescaledb_internal.%I', format('_materialized_hypertable_%s', new_id));
  step BIGINT;
  chunk REGCLASS;
BEGIN
  IF _tickstone.is_integer_time(entry.time_type) THEN
    item.bucket_width := bucket_width::text::bigint;
  ELSE
    months := extract(year FROM bucket_width::text::interval) * 12 + extract(month FROM bucket_width::text::interval);
    PERFORM _tickstone.bucket(bucket_width::text::interval, TIMESTAMP 'epoch');  -- refuses what is no width
    IF months = 0 THEN
      item.bucket_width := (extract(epoch FROM bucket_width::text::interval) * 1000000)::bigint;
    ELSE
      item.bucket_months := months;
    END IF;
  END IF;
  item.id := new_id;
  item.hypertable_id := entry.id;
  item.bucket_column := bucket_column;
  item.select_list := select_list;
  item.where_clause := where_clause;
  item.group_by := group_by;
  item.materialized_only := materialized_only;
  EXECUTE format('CREATE TABLE %s AS %s WITH NO DATA', table_name, _tickstone.query_of(item, 'true'));
  item.materialization := table_name::regclass;
  SELECT a.atttypid::regtype INTO item.bucket_type FROM pg_attribute a
   WHERE a.attrelid = item.materialization AND a.attname = bucket_column AND NOT a.attisdropped;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'continuous aggregate has no column "%"', bucket_column USING ERRCODE = 'undefined_column';
  END IF;
  EXECUTE format('CREATE INDEX ON %s (%I DESC)', table_name, bucket_column);
  -- The view needs the row's watermark, the row the view's number: first a view that reads only the table.
  EXECUTE format('CREATE VIEW %s AS SELECT * FROM %s', view_name, table_name);
  item.view := view_name::regclass;
  INSERT INTO _tickstone.continuous_aggregate OVERRIDING SYSTEM VALUE SELECT item.*;
  PERFORM _tickstone.make_view(item, view_name);
  INSERT INTO _tickstone.invalid VALUES (new_id, -9223372036854775807, 9223372036854775806);
  SELECT least(min(coalesce(a.bucket_width, 86400000000)), CASE WHEN _tickstone.is_integer_time(entry.time_type) THEN NULL ELSE 86400000000 END)
    INTO step FROM _tickstone.continuous_aggregate a WHERE a.hypertable_id = entry.id;
  PERFORM _tickstone.make_log_functions(entry, step);
  PERFORM _tickstone.track_writes(entry.relation, entry.id);
  PERFORM _tickstone.track_writes(entry.default_chunk, entry.id);
  FOR chunk IN SELECT c.relation FROM _tickstone.chunk c JOIN pg_class p ON p.oid = c.relation WHERE c.hypertable_id = entry.id LOOP
    PERFORM _tickstone.track_writes(chunk, entry.id);
  END LOOP;
  RETURN new_id;
END $$;

CREATE FUNCTION _tickstone.set_materialized_only(continuous_aggregate REGCLASS, value BOOLEAN) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  item _tickstone.continuous_aggregate := _tickstone.aggregate_of(continuous_aggregate);
BEGIN
  UPDATE _tickstone.continuous_aggregate SET materialized_only = value WHERE id = item.id RETURNING * INTO item;
  PERFORM _tickstone.make_view(item, continuous_aggregate::text);
END $$;

CREATE FUNCTION _tickstone.drop_continuous_aggregate(continuous_aggregate REGCLASS) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  item _tickstone.continuous_aggregate := _tickstone.aggregate_of(continuous_aggregate);
BEGIN
  EXECUTE format('DROP VIEW %s', item.view);
  EXECUTE format('DROP TABLE %s', item.materialization);
  DELETE FROM _tickstone.continuous_aggregate WHERE id = item.id;
END $$;
