-- SPDX-License-Identifier: Apache-2.0
-- Refreshing continuous aggregates, and the policies that jobs run.

-- Aggregates the buckets wholly within [window_start, window_end) again that changed; NULL: without bound. Returns how many
-- ranges of buckets that were.
CREATE FUNCTION _tickstone.refresh(aggregate_id INT, window_start BIGINT, window_end BIGINT, force BOOLEAN DEFAULT FALSE) RETURNS INT
LANGUAGE plpgsql AS $$
DECLARE
  item _tickstone.continuous_aggregate;
  entry _tickstone.hypertable;
  refreshed INT := 0;
  span INT8RANGE;
  stale INT8MULTIRANGE;
  whole INT8RANGE;
  last_bucket BIGINT;
  window_text TEXT;
BEGIN
  -- One refresh of an aggregate at a time.
  PERFORM pg_advisory_xact_lock(_tickstone.lock_space('aggregate'), aggregate_id);
  SELECT * INTO STRICT item FROM _tickstone.continuous_aggregate a WHERE a.id = aggregate_id;
  SELECT * INTO STRICT entry FROM _tickstone.hypertable h WHERE h.id = item.hypertable_id;
  -- A snapshot from before upkeep moved rows to a new chunk, with a plan from after it, would find them in neither.
  EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', entry.relation);
  whole := int8range(coalesce(_tickstone.bucket_ceiling(item, window_start), -9223372036854775807),
                     greatest(coalesce(_tickstone.bucket_start(item, window_end), 9223372036854775806),
                              coalesce(_tickstone.bucket_ceiling(item, window_start), -9223372036854775807)));
  IF isempty(whole) THEN
    RAISE EXCEPTION 'refresh window too small' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = 'The refresh window must cover at least one bucket of data.',
      HINT = 'Align the refresh window with the bucket time zone or use at least two buckets.';
  END IF;
  WITH taken AS (DELETE FROM _tickstone.written w WHERE w.hypertable_id = entry.id RETURNING w.lowest, w.end_of),
       merged AS (SELECT unnest(range_agg(int8range(lowest, end_of))) AS span FROM taken)
  INSERT INTO _tickstone.invalid
    SELECT a.id, lower(merged.span), upper(merged.span) FROM merged, _tickstone.continuous_aggregate a WHERE a.hypertable_id = entry.id;
  WITH taken AS (DELETE FROM _tickstone.invalid i
                  WHERE i.aggregate_id = item.id
                    AND int8range(_tickstone.bucket_start(item, i.lowest), _tickstone.bucket_ceiling(item, i.end_of)) && whole
                  RETURNING int8range(_tickstone.bucket_start(item, i.lowest), _tickstone.bucket_ceiling(item, i.end_of)) AS span)
  SELECT coalesce(range_agg(taken.span), '{}') INTO stale FROM taken;
  INSERT INTO _tickstone.invalid SELECT item.id, lower(rest), upper(rest) FROM unnest(stale - whole::int8multirange) rest;
  FOR span IN SELECT unnest(CASE WHEN force THEN whole::int8multirange ELSE stale * whole::int8multirange END) LOOP
    EXECUTE format('DELETE FROM %s WHERE %s', item.materialization, _tickstone.within(item.bucket_column, item.bucket_type, span));
    EXECUTE format('INSERT INTO %s %s', item.materialization,
                   _tickstone.query_of(item, _tickstone.within(entry.time_column, entry.time_type, span)));
    refreshed := refreshed + 1;
  END LOOP;
  EXECUTE format('SELECT _tickstone.internal_of(max(%1$I)%3$s) FROM %2$s WHERE %4$s', item.bucket_column, item.materialization,
                 CASE WHEN _tickstone.is_integer_time(item.bucket_type) THEN '::bigint' ELSE '' END,
                 CASE WHEN _tickstone.is_integer_time(item.bucket_type) THEN 'true' ELSE format('isfinite(%I)', item.bucket_column) END)
    INTO last_bucket;
  UPDATE _tickstone.continuous_aggregate a
     SET watermark = greatest(a.watermark, least(upper(whole), _tickstone.bucket_ceiling(item, last_bucket + 1)))
   WHERE a.id = item.id AND last_bucket IS NOT NULL;
  RETURN refreshed;
END $$;

-- A condition that a column's time is in a range; the ends of all times are no bounds.
CREATE FUNCTION _tickstone.within(column_name NAME, type REGTYPE, span INT8RANGE) RETURNS TEXT LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN abs(lower(span)) >= 9000000000000000000 THEN 'true'
              ELSE format('%I >= %s', column_name, _tickstone.literal_of(lower(span), type)) END || ' AND ' ||
         CASE WHEN abs(upper(span)) >= 9000000000000000000 THEN 'true'
              ELSE format('%I < %s', column_name, _tickstone.literal_of(upper(span), type)) END
$$;

CREATE PROCEDURE public.refresh_continuous_aggregate(continuous_aggregate REGCLASS, window_start ANYCOMPATIBLE, window_end ANYCOMPATIBLE,
                                                     force BOOLEAN DEFAULT FALSE, options JSONB DEFAULT NULL)
LANGUAGE plpgsql AS $$
DECLARE
  item _tickstone.continuous_aggregate := _tickstone.aggregate_of(continuous_aggregate);
  entry _tickstone.hypertable;
BEGIN
  SELECT * INTO STRICT entry FROM _tickstone.hypertable h WHERE h.id = item.hypertable_id;
  IF _tickstone.refresh(item.id, _tickstone.bound_of(window_start::text, pg_typeof(window_start), entry),
                        _tickstone.bound_of(window_end::text, pg_typeof(window_end), entry), force) = 0 THEN
    RAISE NOTICE 'continuous aggregate "%" is already up-to-date', continuous_aggregate;
  END IF;
END $$;

-- An offset of a policy before now, as a time.
CREATE FUNCTION _tickstone.before_now(entry _tickstone.hypertable, back TEXT) RETURNS BIGINT LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF back IS NULL THEN
    RETURN NULL;
  ELSIF _tickstone.is_integer_time(entry.time_type) THEN
    IF entry.integer_now IS NULL THEN
      RAISE EXCEPTION 'integer_now function not set on hypertable "%"', entry.relation USING ERRCODE = 'invalid_parameter_value',
        HINT = 'Set it with set_integer_now_func().';
    END IF;
    RETURN _tickstone.now_of(entry) - back::bigint;
  END IF;
  RETURN _tickstone.internal_of(now() - back::interval);
END $$;

CREATE PROCEDURE _timescaledb_functions.policy_refresh_continuous_aggregate(job_id INT, config JSONB) LANGUAGE plpgsql AS $$
DECLARE
  item _tickstone.continuous_aggregate;
  entry _tickstone.hypertable;
BEGIN
  SELECT a.* INTO STRICT item FROM _tickstone.continuous_aggregate a JOIN _tickstone.job j ON j.aggregate_id = a.id WHERE j.id = job_id;
  SELECT * INTO STRICT entry FROM _tickstone.hypertable h WHERE h.id = item.hypertable_id;
  -- The first time all there is: from then on the view reads no raw rows below the watermark.
  PERFORM _tickstone.refresh(item.id,
                             CASE WHEN item.watermark IS NOT NULL THEN _tickstone.before_now(entry, config ->> 'start_offset') END,
                             _tickstone.before_now(entry, config ->> 'end_offset'));
END $$;

CREATE PROCEDURE _timescaledb_functions.policy_retention(job_id INT, config JSONB) LANGUAGE plpgsql AS $$
DECLARE
  owner_job _tickstone.job := _tickstone.job_of(job_id);
  item _tickstone.continuous_aggregate;
  entry _tickstone.hypertable;
  bound BIGINT;
BEGIN
  IF owner_job.aggregate_id IS NOT NULL THEN
    SELECT * INTO STRICT item FROM _tickstone.continuous_aggregate a WHERE a.id = owner_job.aggregate_id;
    SELECT * INTO STRICT entry FROM _tickstone.hypertable h WHERE h.id = item.hypertable_id;
    bound := _tickstone.bucket_start(item, _tickstone.before_now(entry, config ->> 'drop_after'));
    EXECUTE format('DELETE FROM %s WHERE %I < %s', item.materialization, item.bucket_column, _tickstone.literal_of(bound, item.bucket_type));
    RETURN;
  END IF;
  SELECT * INTO STRICT entry FROM _tickstone.hypertable h WHERE h.id = owner_job.hypertable_id;
  -- Whoever came after would wait behind a wait for a long query: rather give up, and try again in five minutes.
  PERFORM set_config('lock_timeout', '2s', true);
  PERFORM _tickstone.drop_chunks_within(entry, _tickstone.before_now(entry, config ->> 'drop_after'), NULL, NULL, NULL);
END $$;

-- There is no columnstore: the policy is kept, for a move to a home that has one, and never scheduled.
CREATE PROCEDURE _timescaledb_functions.policy_compression(job_id INT, config JSONB) LANGUAGE plpgsql AS $$
BEGIN
  RAISE NOTICE 'PostgreSQL without TimescaleDB has no columnstore: nothing is compressed';
END $$;

-- Upkeep: chunks ahead of time, rows out of the default partitions, the catalog without what was dropped by hand, old history.
CREATE PROCEDURE _tickstone.policy_upkeep(job_id INT, config JSONB) LANGUAGE plpgsql AS $$
DECLARE
  hypertable_ids INT[];
  one INT;
BEGIN
  DELETE FROM _tickstone.continuous_aggregate a WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = a.view);
  DELETE FROM _tickstone.hypertable h WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = h.relation);
  DELETE FROM _tickstone.chunk k WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = k.relation);
  DELETE FROM _tickstone.written w WHERE NOT EXISTS (SELECT FROM _tickstone.continuous_aggregate a WHERE a.hypertable_id = w.hypertable_id);
  DELETE FROM _tickstone.job_history WHERE start_time < now() - (policy_upkeep.config ->> 'keep_history')::interval;
  COMMIT;
  SELECT coalesce(array_agg(h.id ORDER BY h.id), '{}') INTO hypertable_ids FROM _tickstone.hypertable h;
  FOREACH one IN ARRAY hypertable_ids LOOP
    CALL _tickstone.keep_chunks(one, (policy_upkeep.config ->> 'chunks_ahead')::int);
  END LOOP;
END $$;

INSERT INTO _tickstone.job (id, application_name, proc_schema, proc_name, schedule_interval, config)
  VALUES (1, 'Partition Upkeep [1]', '_tickstone', 'policy_upkeep', INTERVAL '10 minutes', '{"chunks_ahead": 2, "keep_history": "1 month"}');

-- Runs a job now, in this session, whether or not it is due. What COMMITs has to be called by name.
CREATE PROCEDURE public.run_job(job_id INT) LANGUAGE plpgsql AS $$
DECLARE
  item _tickstone.job := _tickstone.job_of(job_id);
  is_function BOOLEAN;
BEGIN
  IF item.proc_schema = '_tickstone' AND item.proc_name = 'policy_upkeep' THEN
    CALL _tickstone.policy_upkeep(item.id, item.config);
    RETURN;
  END IF;
  SELECT p.prokind = 'f' INTO is_function FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE n.nspname = item.proc_schema AND p.proname = item.proc_name LIMIT 1;
  EXECUTE format('%s %I.%I(%s, %L::jsonb)', CASE WHEN is_function THEN 'SELECT' ELSE 'CALL' END, item.proc_schema, item.proc_name, item.id,
                 item.config);
END $$;

-- Adds a policy, unless the relation has one of the kind. The id, or -1 with a notice, as TimescaleDB does.
CREATE FUNCTION _tickstone.add_policy(kind TEXT, title TEXT, for_hypertable INT, for_aggregate INT, relation REGCLASS, config JSONB,
                                      schedule INTERVAL, retry INTERVAL, initial_start TIMESTAMPTZ, timezone TEXT, if_not_exists BOOLEAN,
                                      scheduled BOOLEAN DEFAULT TRUE) RETURNS INT
LANGUAGE plpgsql AS $$
DECLARE
  existing _tickstone.job;
  new_id INT;
BEGIN
  SELECT * INTO existing FROM _tickstone.job j WHERE j.proc_name = kind AND j.hypertable_id IS NOT DISTINCT FROM for_hypertable
     AND j.aggregate_id IS NOT DISTINCT FROM for_aggregate;
  IF FOUND THEN
    IF NOT if_not_exists THEN
      RAISE EXCEPTION '% policy already exists for hypertable or continuous aggregate "%"', lower(title), relation
        USING ERRCODE = 'duplicate_object', HINT = 'Set option "if_not_exists" to true to avoid error.';
    ELSIF existing.config IS DISTINCT FROM config THEN
      RAISE WARNING '% policy already exists for "%"', lower(title), relation
        USING DETAIL = 'A policy already exists with different arguments.', HINT = 'Remove the existing policy before adding a new one.';
    ELSE
      RAISE NOTICE '% policy already exists for "%", skipping', lower(title), relation;
    END IF;
    RETURN -1;
  END IF;
  new_id := nextval(pg_get_serial_sequence('_tickstone.job', 'id'));
  INSERT INTO _tickstone.job (id, application_name, proc_schema, proc_name, schedule_interval, retry_period, config, hypertable_id,
                              aggregate_id, fixed_schedule, initial_start, timezone, next_start, scheduled)
    VALUES (new_id, format('%s Policy [%s]', title, new_id), '_timescaledb_functions', kind, schedule, retry, config, for_hypertable,
            for_aggregate, initial_start IS NOT NULL, initial_start, timezone, coalesce(initial_start, now()), scheduled);
  RETURN new_id;
END $$;

CREATE FUNCTION _tickstone.remove_policy(kind TEXT, title TEXT, relation REGCLASS, if_exists BOOLEAN) RETURNS BOOLEAN
LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM _tickstone.job j WHERE j.proc_name = kind
     AND (j.hypertable_id IN (SELECT h.id FROM _tickstone.hypertable h WHERE h.relation = remove_policy.relation)
          OR j.aggregate_id IN (SELECT a.id FROM _tickstone.continuous_aggregate a WHERE a.view = remove_policy.relation));
  IF NOT FOUND THEN
    IF NOT if_exists THEN
      RAISE EXCEPTION '% policy not found for hypertable or continuous aggregate "%"', title, relation USING ERRCODE = 'undefined_object';
    END IF;
    RAISE NOTICE '% policy not found for "%", skipping', title, relation;
    RETURN FALSE;
  END IF;
  RETURN TRUE;
END $$;

CREATE FUNCTION public.add_retention_policy(relation REGCLASS, drop_after ANYCOMPATIBLE, if_not_exists BOOLEAN DEFAULT FALSE,
                                            schedule_interval INTERVAL DEFAULT NULL, initial_start TIMESTAMPTZ DEFAULT NULL,
                                            timezone TEXT DEFAULT NULL) RETURNS INT
LANGUAGE plpgsql AS $$
DECLARE
  for_aggregate INT := (SELECT a.id FROM _tickstone.continuous_aggregate a WHERE a.view = relation);
  entry _tickstone.hypertable;
BEGIN
  IF for_aggregate IS NULL THEN
    entry := _tickstone.hypertable_of(relation);
  END IF;
  PERFORM _tickstone.check_offset(drop_after::text, pg_typeof(drop_after));
  RETURN _tickstone.add_policy('policy_retention', 'Retention', entry.id, for_aggregate, relation,
                               jsonb_build_object('drop_after', drop_after::text), coalesce(schedule_interval, INTERVAL '1 day'),
                               INTERVAL '5 minutes', initial_start, timezone, if_not_exists);
END $$;

CREATE FUNCTION _tickstone.check_offset(value TEXT, type REGTYPE) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
  IF type NOT IN ('interval'::regtype, 'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'text'::regtype) THEN
    RAISE EXCEPTION 'unsupported offset type %', type USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Give an interval, or an integer where the time is one.';
  ELSIF type = 'text'::regtype AND value IS NOT NULL AND value !~ '^-?\d+$' THEN
    PERFORM value::interval;
  END IF;
END $$;

CREATE FUNCTION public.remove_retention_policy(relation REGCLASS, if_exists BOOLEAN DEFAULT FALSE) RETURNS VOID LANGUAGE plpgsql
AS $$ BEGIN PERFORM _tickstone.remove_policy('policy_retention', 'retention', relation, if_exists); END $$;

CREATE FUNCTION public.add_compression_policy(hypertable REGCLASS, compress_after ANYCOMPATIBLE, if_not_exists BOOLEAN DEFAULT FALSE,
                                              schedule_interval INTERVAL DEFAULT NULL, initial_start TIMESTAMPTZ DEFAULT NULL,
                                              timezone TEXT DEFAULT NULL) RETURNS INT
LANGUAGE plpgsql AS $$
DECLARE
  for_aggregate INT := (SELECT a.id FROM _tickstone.continuous_aggregate a WHERE a.view = hypertable);
  entry _tickstone.hypertable;
BEGIN
  IF for_aggregate IS NULL THEN
    entry := _tickstone.hypertable_of(hypertable);
  END IF;
  PERFORM _tickstone.check_offset(compress_after::text, pg_typeof(compress_after));
  RAISE NOTICE 'PostgreSQL without TimescaleDB has no columnstore: the policy is recorded and does nothing';
  RETURN _tickstone.add_policy('policy_compression', 'Columnstore', entry.id, for_aggregate, hypertable,
                               jsonb_build_object('compress_after', compress_after::text), coalesce(schedule_interval, INTERVAL '12 hours'),
                               INTERVAL '1 hour', initial_start, timezone, if_not_exists, scheduled => FALSE);
END $$;

CREATE FUNCTION public.remove_compression_policy(hypertable REGCLASS, if_exists BOOLEAN DEFAULT FALSE) RETURNS BOOLEAN LANGUAGE plpgsql
AS $$ BEGIN RETURN _tickstone.remove_policy('policy_compression', 'compression', hypertable, if_exists); END $$;

CREATE FUNCTION public.add_continuous_aggregate_policy(
  continuous_aggregate REGCLASS, start_offset ANYCOMPATIBLE, end_offset ANYCOMPATIBLE, schedule_interval INTERVAL,
  if_not_exists BOOLEAN DEFAULT FALSE, initial_start TIMESTAMPTZ DEFAULT NULL, timezone TEXT DEFAULT NULL) RETURNS INT
LANGUAGE plpgsql AS $$
DECLARE
  item _tickstone.continuous_aggregate := _tickstone.aggregate_of(continuous_aggregate);
  entry _tickstone.hypertable;
  starts BIGINT;
  ends BIGINT;
BEGIN
  SELECT * INTO STRICT entry FROM _tickstone.hypertable h WHERE h.id = item.hypertable_id;
  PERFORM _tickstone.check_offset(start_offset::text, pg_typeof(start_offset));
  PERFORM _tickstone.check_offset(end_offset::text, pg_typeof(end_offset));
  starts := _tickstone.before_now(entry, start_offset::text);
  ends := _tickstone.before_now(entry, end_offset::text);
  IF ends - starts < 2 * coalesce(item.bucket_width, item.bucket_months * 30 * 86400000000) THEN
    RAISE EXCEPTION 'policy refresh window too small' USING ERRCODE = 'invalid_parameter_value',
      DETAIL = 'The start and end offsets must cover at least two buckets in the valid time range of type "' || entry.time_type || '".';
  END IF;
  RETURN _tickstone.add_policy('policy_refresh_continuous_aggregate', 'Refresh Continuous Aggregate', NULL, item.id, continuous_aggregate,
                               jsonb_build_object('start_offset', start_offset::text, 'end_offset', end_offset::text), schedule_interval,
                               INTERVAL '5 minutes', initial_start, timezone, if_not_exists);
END $$;

CREATE FUNCTION public.remove_continuous_aggregate_policy(continuous_aggregate REGCLASS, if_not_exists BOOLEAN DEFAULT FALSE,
                                                          if_exists BOOLEAN DEFAULT NULL) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
  PERFORM _tickstone.remove_policy('policy_refresh_continuous_aggregate', 'continuous aggregate', continuous_aggregate,
                                   coalesce(if_exists, if_not_exists));
END $$;
