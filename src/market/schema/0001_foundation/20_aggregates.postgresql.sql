-- SPDX-License-Identifier: Apache-2.0
-- first(value, time), last(value, time) and histogram. The value waits as text, for a state of any type needs C; text and back is
-- exact for every type of PostgreSQL. Rows without a time do not count; of equal times the first one read wins.
DO $make$
DECLARE
  time_type TEXT;
  state TEXT;
  which TEXT;
  comparison TEXT;
BEGIN
  FOREACH time_type IN ARRAY ARRAY['timestamptz', 'timestamp', 'bigint', 'numeric', 'double precision'] LOOP
    state := format('_tickstone.%I', 'value_at_' || replace(time_type, ' ', '_'));
    EXECUTE format('CREATE TYPE %s AS (at %s, value TEXT)', state, time_type);
    EXECUTE format('CREATE FUNCTION _tickstone.value_of(state %s, value ANYELEMENT, at %s) RETURNS ANYELEMENT LANGUAGE plpgsql '
                   'IMMUTABLE PARALLEL SAFE AS $body$ BEGIN RETURN state.value; END $body$', state, time_type);
    FOREACH which IN ARRAY ARRAY['first', 'last'] LOOP
      comparison := CASE which WHEN 'first' THEN '<' ELSE '>' END;
      EXECUTE format($function$
        CREATE FUNCTION _tickstone.%1$s_step(state %2$s, value ANYELEMENT, at %3$s) RETURNS %2$s
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
        BEGIN
          IF at %4$s state.at OR state.at IS NULL AND at IS NOT NULL THEN
            state.at := at;
            state.value := value::text;
          END IF;
          RETURN state;
        END $body$ $function$, which, state, time_type, comparison);
      EXECUTE format($function$
        CREATE FUNCTION _tickstone.%1$s_combine(one %2$s, other %2$s) RETURNS %2$s
        LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
        BEGIN
          IF other.at %3$s one.at OR one.at IS NULL THEN
            RETURN other;
          END IF;
          RETURN one;
        END $body$ $function$, which, state, comparison);
      EXECUTE format('CREATE AGGREGATE public.%1$s(ANYELEMENT, %2$s) (SFUNC = _tickstone.%1$s_step, STYPE = %3$s, '
                     'FINALFUNC = _tickstone.value_of, FINALFUNC_EXTRA, COMBINEFUNC = _tickstone.%1$s_combine, PARALLEL = SAFE)',
                     which, time_type, state);
    END LOOP;
  END LOOP;
END $make$;

CREATE FUNCTION _tickstone.histogram_step(counts INT[], value DOUBLE PRECISION, low DOUBLE PRECISION, high DOUBLE PRECISION,
                                          buckets INT) RETURNS INT[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  slot INT;
BEGIN
  IF buckets IS NULL OR buckets < 1 OR low IS NULL OR high IS NULL OR low >= high THEN
    RAISE EXCEPTION 'a histogram needs at least one bucket and a minimum below the maximum'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF counts IS NULL THEN
    counts := array_fill(0, ARRAY[buckets + 2]);
  END IF;
  IF value IS NOT NULL THEN
    slot := width_bucket(value, low, high, buckets) + 1;
    counts[slot] := counts[slot] + 1;
  END IF;
  RETURN counts;
END $$;

CREATE FUNCTION _tickstone.histogram_combine(one INT[], other INT[]) RETURNS INT[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN one IS NULL THEN other WHEN other IS NULL THEN one
              ELSE (SELECT array_agg(a + b ORDER BY slot) FROM unnest(one, other) WITH ORDINALITY AS both_counts(a, b, slot)) END
$$;

CREATE AGGREGATE public.histogram(DOUBLE PRECISION, DOUBLE PRECISION, DOUBLE PRECISION, INT) (
  SFUNC = _tickstone.histogram_step, STYPE = INT[], COMBINEFUNC = _tickstone.histogram_combine, PARALLEL = SAFE);

-- Filling gaps needs a planner's help; what does the same is said.
CREATE FUNCTION _tickstone.refuse_gapfill() RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'time_bucket_gapfill is not available on PostgreSQL without TimescaleDB' USING
    ERRCODE = 'feature_not_supported',
    HINT = 'Left join the query to generate_series(start, finish, width) of the buckets, or run it on Tickstone or TimescaleDB.';
END $$;

CREATE FUNCTION public.time_bucket_gapfill(bucket_width INTERVAL, ts TIMESTAMPTZ, start TIMESTAMPTZ DEFAULT NULL,
                                           finish TIMESTAMPTZ DEFAULT NULL) RETURNS TIMESTAMPTZ
LANGUAGE plpgsql AS $$ BEGIN PERFORM _tickstone.refuse_gapfill(); END $$;

CREATE FUNCTION public.time_bucket_gapfill(bucket_width INTERVAL, ts TIMESTAMPTZ, timezone TEXT, start TIMESTAMPTZ DEFAULT NULL,
                                           finish TIMESTAMPTZ DEFAULT NULL) RETURNS TIMESTAMPTZ
LANGUAGE plpgsql AS $$ BEGIN PERFORM _tickstone.refuse_gapfill(); END $$;

CREATE FUNCTION public.time_bucket_gapfill(bucket_width BIGINT, ts BIGINT, start BIGINT DEFAULT NULL, finish BIGINT DEFAULT NULL)
RETURNS BIGINT LANGUAGE plpgsql AS $$ BEGIN PERFORM _tickstone.refuse_gapfill(); END $$;
