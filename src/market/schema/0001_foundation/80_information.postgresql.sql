-- SPDX-License-Identifier: Apache-2.0
-- TimescaleDB's informational views over the catalog of the layer, with its columns.
CREATE SCHEMA timescaledb_information;
GRANT USAGE ON SCHEMA timescaledb_information TO PUBLIC;

CREATE VIEW timescaledb_information.hypertables AS
  SELECT n.nspname AS hypertable_schema, c.relname AS hypertable_name, pg_get_userbyid(c.relowner) AS owner, 1::smallint AS num_dimensions,
         (SELECT count(*) FROM _tickstone.chunk k JOIN pg_class p ON p.oid = k.relation WHERE k.hypertable_id = h.id) AS num_chunks,
         false AS compression_enabled, NULL::name[] AS tablespaces, h.time_column AS primary_dimension, h.time_type AS primary_dimension_type
    FROM _tickstone.hypertable h JOIN pg_class c ON c.oid = h.relation JOIN pg_namespace n ON n.oid = c.relnamespace;

CREATE VIEW timescaledb_information.dimensions AS
  SELECT n.nspname AS hypertable_schema, c.relname AS hypertable_name, 1::bigint AS dimension_number, h.time_column AS column_name,
         h.time_type AS column_type, 'Time'::text AS dimension_type,
         CASE WHEN NOT _tickstone.is_integer_time(h.time_type)
              THEN (h.chunk_interval / 86400000000)::int * INTERVAL '1 day' + (h.chunk_interval % 86400000000) * INTERVAL '1 microsecond' END
           AS time_interval,
         CASE WHEN _tickstone.is_integer_time(h.time_type) THEN h.chunk_interval END AS integer_interval,
         h.integer_now::name AS integer_now_func, NULL::smallint AS num_partitions
    FROM _tickstone.hypertable h JOIN pg_class c ON c.oid = h.relation JOIN pg_namespace n ON n.oid = c.relnamespace;

CREATE VIEW timescaledb_information.chunks AS
  SELECT n.nspname AS hypertable_schema, c.relname AS hypertable_name, pn.nspname AS chunk_schema, p.relname AS chunk_name,
         h.time_column AS primary_dimension, h.time_type AS primary_dimension_type,
         CASE WHEN NOT _tickstone.is_integer_time(h.time_type) THEN _tickstone.timestamptz_of(k.range_start) END AS range_start,
         CASE WHEN NOT _tickstone.is_integer_time(h.time_type) THEN _tickstone.timestamptz_of(k.range_end) END AS range_end,
         CASE WHEN _tickstone.is_integer_time(h.time_type) THEN k.range_start END AS range_start_integer,
         CASE WHEN _tickstone.is_integer_time(h.time_type) THEN k.range_end END AS range_end_integer,
         false AS is_compressed, NULL::name AS chunk_tablespace, k.created_at AS chunk_creation_time
    FROM _tickstone.chunk k JOIN pg_class p ON p.oid = k.relation JOIN pg_namespace pn ON pn.oid = p.relnamespace
    JOIN _tickstone.hypertable h ON h.id = k.hypertable_id JOIN pg_class c ON c.oid = h.relation JOIN pg_namespace n ON n.oid = c.relnamespace;

CREATE VIEW timescaledb_information.continuous_aggregates AS
  SELECT n.nspname AS hypertable_schema, c.relname AS hypertable_name, vn.nspname AS view_schema, v.relname AS view_name,
         pg_get_userbyid(v.relowner) AS view_owner, a.materialized_only, false AS compression_enabled,
         mn.nspname AS materialization_hypertable_schema, m.relname AS materialization_hypertable_name,
         _tickstone.query_of(a, 'true') AS view_definition
    FROM _tickstone.continuous_aggregate a JOIN _tickstone.hypertable h ON h.id = a.hypertable_id
    JOIN pg_class c ON c.oid = h.relation JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class v ON v.oid = a.view JOIN pg_namespace vn ON vn.oid = v.relnamespace
    JOIN pg_class m ON m.oid = a.materialization JOIN pg_namespace mn ON mn.oid = m.relnamespace;

-- What a job works on: a hypertable, or the table of an aggregate.
CREATE VIEW _tickstone.job_relation AS
  SELECT j.id AS job_id, n.nspname AS hypertable_schema, c.relname AS hypertable_name
    FROM _tickstone.job j LEFT JOIN _tickstone.hypertable h ON h.id = j.hypertable_id
    LEFT JOIN _tickstone.continuous_aggregate a ON a.id = j.aggregate_id
    LEFT JOIN pg_class c ON c.oid = coalesce(h.relation, a.materialization) LEFT JOIN pg_namespace n ON n.oid = c.relnamespace;
GRANT SELECT ON _tickstone.job_relation TO PUBLIC;

CREATE VIEW timescaledb_information.jobs AS
  SELECT j.id AS job_id, j.application_name, j.schedule_interval, j.max_runtime, j.max_retries, j.retry_period, j.proc_schema, j.proc_name,
         j.owner::name AS owner, j.scheduled, j.fixed_schedule, j.config, CASE WHEN j.scheduled THEN j.next_start END AS next_start,
         j.initial_start, r.hypertable_schema, r.hypertable_name, NULL::name AS check_schema, NULL::name AS check_name
    FROM _tickstone.job j JOIN _tickstone.job_relation r ON r.job_id = j.id;

CREATE VIEW timescaledb_information.job_stats AS
  SELECT r.hypertable_schema, r.hypertable_name, j.id AS job_id, s.last_start AS last_run_started_at, s.last_successful_finish,
         CASE WHEN s.last_run_success THEN 'Success' WHEN NOT s.last_run_success THEN 'Failed' END AS last_run_status,
         CASE WHEN s.last_start IS NOT NULL AND s.last_finish IS NULL THEN 'Running' WHEN j.scheduled THEN 'Scheduled' ELSE 'Paused' END
           AS job_status,
         s.last_finish - s.last_start AS last_run_duration, CASE WHEN j.scheduled THEN j.next_start END AS next_start, s.total_runs,
         s.total_successes, s.total_failures
    FROM _tickstone.job j JOIN _tickstone.job_relation r ON r.job_id = j.id JOIN _tickstone.job_stat s ON s.job_id = j.id;

CREATE VIEW timescaledb_information.job_history AS
  SELECT id, job_id, succeeded, proc_schema, proc_name, pid, start_time, finish_time, config, sqlerrcode, err_message
    FROM _tickstone.job_history;

CREATE VIEW timescaledb_information.job_errors AS
  SELECT job_id, proc_schema, proc_name, pid, start_time, finish_time, sqlerrcode, err_message
    FROM _tickstone.job_history WHERE NOT succeeded;

-- The view of 1.x that the guide asks. There is no columnstore: sizes are those of the partitions, and nothing is compressed.
CREATE VIEW timescaledb_information.compressed_hypertable_stats AS
  SELECT c.relname AS hypertable_name, 0 AS total_chunks, 0 AS number_compressed_chunks, NULL::text AS uncompressed_heap_bytes,
         NULL::text AS uncompressed_index_bytes, NULL::text AS uncompressed_toast_bytes, NULL::text AS uncompressed_total_bytes,
         NULL::text AS compressed_heap_bytes, NULL::text AS compressed_index_bytes, NULL::text AS compressed_toast_bytes,
         NULL::text AS compressed_total_bytes, n.nspname AS hypertable_schema, public.hypertable_size(h.relation) AS hypertable_size,
         NULL::bigint AS compressed_total_size, NULL::double precision AS compression_ratio
    FROM _tickstone.hypertable h JOIN pg_class c ON c.oid = h.relation JOIN pg_namespace n ON n.oid = c.relnamespace;

GRANT SELECT ON ALL TABLES IN SCHEMA timescaledb_information TO PUBLIC;
