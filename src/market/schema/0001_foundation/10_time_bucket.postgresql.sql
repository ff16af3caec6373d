-- SPDX-License-Identifier: Apache-2.0
-- TimescaleDB's time_bucket for a PostgreSQL without the extension. Names that users call are in public, as the extension's are;
-- the rest is in _tickstone.
CREATE SCHEMA _tickstone;
GRANT USAGE ON SCHEMA _tickstone TO PUBLIC;

-- Times as the catalog keeps them: microseconds since 1970 in UTC, exactly; integers as they are. Infinity is next to the last BIGINT.
CREATE FUNCTION _tickstone.internal_of(value TIMESTAMP) RETURNS BIGINT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE WHEN isfinite(value) THEN (extract(epoch FROM value) * 1000000)::bigint
              WHEN value > TIMESTAMP 'epoch' THEN 9223372036854775806 ELSE -9223372036854775807 END
$$;

CREATE FUNCTION _tickstone.internal_of(value TIMESTAMPTZ) RETURNS BIGINT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT _tickstone.internal_of(value AT TIME ZONE 'UTC') $$;

CREATE FUNCTION _tickstone.internal_of(value DATE) RETURNS BIGINT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (value - DATE '1970-01-01')::bigint * 86400000000 $$;

CREATE FUNCTION _tickstone.internal_of(value BIGINT) RETURNS BIGINT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT value $$;

-- By days and the rest of the day: a double could not hold the microseconds of far years.
CREATE FUNCTION _tickstone.timestamp_of(internal BIGINT) RETURNS TIMESTAMP LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT TIMESTAMP 'epoch' + (internal / 86400000000)::int * INTERVAL '1 day' + (internal % 86400000000) * INTERVAL '1 microsecond'
$$;

CREATE FUNCTION _tickstone.timestamptz_of(internal BIGINT) RETURNS TIMESTAMPTZ LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT _tickstone.timestamp_of(internal) AT TIME ZONE 'UTC' $$;

-- The start of a bucket of wall time: any width, before the origin too.
CREATE FUNCTION _tickstone.bucket(width INTERVAL, value TIMESTAMP, origin TIMESTAMP DEFAULT NULL) RETURNS TIMESTAMP
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  months INT := extract(year FROM width) * 12 + extract(month FROM width);
  month_number INT;
  origin_month INT;
  width_us BIGINT;
  start_us BIGINT;
BEGIN
  IF width IS NULL OR value IS NULL THEN
    RETURN NULL;
  END IF;
  IF months <> 0 AND width <> make_interval(months => months) THEN
    RAISE EXCEPTION 'month intervals cannot have day or time component' USING ERRCODE = 'feature_not_supported';
  END IF;
  IF width <= INTERVAL '0' THEN
    RAISE EXCEPTION 'period must be greater than 0' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF NOT isfinite(origin) THEN
    RAISE EXCEPTION 'invalid origin value: infinity' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF NOT isfinite(value) THEN
    RETURN value;
  END IF;
  IF months <> 0 THEN
    origin := coalesce(origin, TIMESTAMP '2000-01-01');
    month_number := _tickstone.month_number(value);
    origin_month := _tickstone.month_number(origin);
    RETURN _tickstone.month_start(month_number - _tickstone.floor_rest(month_number - origin_month, months)::int);
  END IF;
  width_us := (extract(epoch FROM width) * 1000000)::bigint;
  start_us := _tickstone.internal_of(value);
  start_us := start_us - _tickstone.floor_rest(
    start_us - _tickstone.internal_of(coalesce(origin, TIMESTAMP '2000-01-03')) % width_us, width_us);
  RETURN _tickstone.timestamp_of(start_us);
END $$;

CREATE FUNCTION _tickstone.floor_rest(value BIGINT, divisor BIGINT) RETURNS BIGINT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (value % divisor + divisor) % divisor $$;

-- Months since the year 0. PostgreSQL's year before 1 is -1.
CREATE FUNCTION _tickstone.month_number(value TIMESTAMP) RETURNS INT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT (CASE WHEN extract(year FROM value) < 0 THEN extract(year FROM value) + 1 ELSE extract(year FROM value) END * 12
          + extract(month FROM value) - 1)::int
$$;

CREATE FUNCTION _tickstone.month_start(month_number INT) RETURNS TIMESTAMP LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT make_timestamp(CASE WHEN month_number < 12 THEN (month_number - 11) / 12 - 1 ELSE month_number / 12 END,
                        _tickstone.floor_rest(month_number, 12)::int + 1, 1, 0, 0, 0)
$$;

-- Buckets of a time zone's wall time. Where clocks are put back, days begin at the first of the two, and a bucket never begins
-- after what it holds. The offset is one of instants.
CREATE FUNCTION _tickstone.bucket_in_zone(width INTERVAL, value TIMESTAMPTZ, zone TEXT, origin TIMESTAMPTZ, shift INTERVAL)
RETURNS TIMESTAMPTZ LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  moved TIMESTAMPTZ := ((value AT TIME ZONE 'UTC') - coalesce(shift, INTERVAL '0')) AT TIME ZONE 'UTC';
  wall TIMESTAMP := moved AT TIME ZONE zone;
  wall_start TIMESTAMP;
  start TIMESTAMPTZ;
  before TIMESTAMPTZ;
  earlier TIMESTAMPTZ;
BEGIN
  IF width IS NULL OR value IS NULL OR zone IS NULL THEN
    RETURN NULL;
  END IF;
  IF NOT isfinite(origin) THEN
    RAISE EXCEPTION 'invalid origin value: infinity' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  wall_start := _tickstone.bucket(width, wall, origin AT TIME ZONE zone);
  IF NOT isfinite(value) THEN
    RETURN value;
  END IF;
  start := wall_start AT TIME ZONE zone;
  IF width >= INTERVAL '1 day' THEN
    before := start - INTERVAL '3 hours';
    earlier := (wall_start - ((before AT TIME ZONE zone) - (before AT TIME ZONE 'UTC'))) AT TIME ZONE 'UTC';
    IF earlier < start AND earlier AT TIME ZONE zone = wall_start THEN
      start := earlier;
    END IF;
  END IF;
  IF start > moved THEN
    start := ((moved AT TIME ZONE 'UTC') - (wall - wall_start)) AT TIME ZONE 'UTC';
  END IF;
  RETURN ((start AT TIME ZONE 'UTC') + coalesce(shift, INTERVAL '0')) AT TIME ZONE 'UTC';
END $$;

-- The common case is one expression that the planner puts in place of the call: date_bin is C. Before its origin date_bin was
-- wrong in early minor versions, so older times take the long way.
CREATE FUNCTION public.time_bucket(bucket_width INTERVAL, ts TIMESTAMPTZ) RETURNS TIMESTAMPTZ
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN date_part('month', bucket_width) = 0 AND date_part('year', bucket_width) = 0 AND bucket_width > INTERVAL '0'
                   AND ts >= TIMESTAMPTZ '2000-01-03 00:00:00+00'
              THEN date_bin(bucket_width, ts, TIMESTAMPTZ '2000-01-03 00:00:00+00')
              ELSE _tickstone.bucket(bucket_width, ts AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' END
$$;

CREATE FUNCTION public.time_bucket(bucket_width INTERVAL, ts TIMESTAMP) RETURNS TIMESTAMP
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN date_part('month', bucket_width) = 0 AND date_part('year', bucket_width) = 0 AND bucket_width > INTERVAL '0'
                   AND ts >= TIMESTAMP '2000-01-03'
              THEN date_bin(bucket_width, ts, TIMESTAMP '2000-01-03')
              ELSE _tickstone.bucket(bucket_width, ts) END
$$;

-- Dates are in buckets of whole days.
CREATE FUNCTION _tickstone.days_of(width INTERVAL) RETURNS INTERVAL LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF date_part('month', width) = 0 AND date_part('year', width) = 0 AND width < INTERVAL '1 day' THEN
    RAISE EXCEPTION 'interval must not have sub-day precision' USING ERRCODE = 'feature_not_supported';
  ELSIF date_part('month', width) = 0 AND date_part('year', width) = 0 AND extract(epoch FROM width)::numeric % 86400 <> 0 THEN
    RAISE EXCEPTION 'interval must be a multiple of a day' USING ERRCODE = 'feature_not_supported';
  END IF;
  RETURN width;
END $$;

CREATE FUNCTION public.time_bucket(bucket_width INTERVAL, ts DATE) RETURNS DATE
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT _tickstone.bucket(_tickstone.days_of(bucket_width), ts::timestamp)::date $$;

CREATE FUNCTION public.time_bucket(bucket_width INTERVAL, ts TIMESTAMPTZ, origin TIMESTAMPTZ) RETURNS TIMESTAMPTZ
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT _tickstone.bucket(bucket_width, ts AT TIME ZONE 'UTC', origin AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
$$;

CREATE FUNCTION public.time_bucket(bucket_width INTERVAL, ts TIMESTAMP, origin TIMESTAMP) RETURNS TIMESTAMP
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT _tickstone.bucket(bucket_width, ts, origin) $$;

CREATE FUNCTION public.time_bucket(bucket_width INTERVAL, ts DATE, origin DATE) RETURNS DATE
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ 
  SELECT _tickstone.bucket(_tickstone.days_of(bucket_width), ts::timestamp, origin::timestamp)::date
$$;

CREATE FUNCTION public.time_bucket(bucket_width INTERVAL, ts TIMESTAMPTZ, "offset" INTERVAL) RETURNS TIMESTAMPTZ
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT (_tickstone.bucket(bucket_width, (ts AT TIME ZONE 'UTC') - "offset") + "offset") AT TIME ZONE 'UTC'
$$;

CREATE FUNCTION public.time_bucket(bucket_width INTERVAL, ts TIMESTAMP, "offset" INTERVAL) RETURNS TIMESTAMP
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT _tickstone.bucket(bucket_width, ts - "offset") + "offset" $$;

CREATE FUNCTION public.time_bucket(bucket_width INTERVAL, ts DATE, "offset" INTERVAL) RETURNS DATE
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT (_tickstone.bucket(_tickstone.days_of(bucket_width), ts::timestamp - _tickstone.days_of("offset")) + "offset")::date
$$;

CREATE FUNCTION public.time_bucket(bucket_width INTERVAL, ts TIMESTAMPTZ, timezone TEXT, origin TIMESTAMPTZ DEFAULT NULL,
                                   "offset" INTERVAL DEFAULT NULL) RETURNS TIMESTAMPTZ
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT _tickstone.bucket_in_zone(bucket_width, ts, timezone, origin, "offset") $$;

CREATE FUNCTION _tickstone.refuse_period(width BIGINT) RETURNS BIGINT LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RAISE EXCEPTION 'period must be greater than 0' USING ERRCODE = 'invalid_parameter_value';
END $$;

CREATE FUNCTION public.time_bucket(bucket_width BIGINT, ts BIGINT, "offset" BIGINT) RETURNS BIGINT
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN bucket_width > 0
              THEN ts - ((ts - "offset" % bucket_width) % bucket_width + bucket_width) % bucket_width
              ELSE _tickstone.refuse_period(bucket_width) END
$$;

CREATE FUNCTION public.time_bucket(bucket_width BIGINT, ts BIGINT) RETURNS BIGINT
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN bucket_width > 0 THEN ts - (ts % bucket_width + bucket_width) % bucket_width
              ELSE _tickstone.refuse_period(bucket_width) END
$$;

CREATE FUNCTION public.time_bucket(bucket_width INT, ts INT) RETURNS INT
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT public.time_bucket(bucket_width::bigint, ts::bigint)::int $$;

CREATE FUNCTION public.time_bucket(bucket_width INT, ts INT, "offset" INT) RETURNS INT
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT public.time_bucket(bucket_width::bigint, ts::bigint, "offset"::bigint)::int $$;

CREATE FUNCTION public.time_bucket(bucket_width SMALLINT, ts SMALLINT) RETURNS SMALLINT
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT public.time_bucket(bucket_width::bigint, ts::bigint)::smallint $$;

CREATE FUNCTION public.time_bucket(bucket_width SMALLINT, ts SMALLINT, "offset" SMALLINT) RETURNS SMALLINT
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT public.time_bucket(bucket_width::bigint, ts::bigint, "offset"::bigint)::smallint $$;
