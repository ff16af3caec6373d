// SPDX-License-Identifier: Apache-2.0
#include "catalog/function_facts.hpp"

namespace tickstone::catalog {

// TimescaleDB's functions, by name and signature. Form: see function_facts.cpp.
const std::string_view kTimescaleFunctions = R"(
create_hypertable(relation regclass, time_column_name name, partitioning_column name = NULL,
  number_partitions int4 = NULL, associated_schema_name name = NULL, associated_table_prefix name = NULL,
  chunk_time_interval anyelement = NULL::bigint, create_default_indexes bool = true,
  if_not_exists bool = false, partitioning_func regproc = NULL, migrate_data bool = false,
  time_partitioning_func regproc = NULL)
  table(hypertable_id int4, schema_name name, table_name name, created bool) fvn;
add_dimension(hypertable regclass, column_name name, number_partitions int4 = NULL,
  chunk_time_interval anyelement = NULL::bigint, partitioning_func regproc = NULL, if_not_exists bool = false)
  table(dimension_id int4, schema_name name, table_name name, column_name name, created bool) fvn;
set_chunk_time_interval(hypertable regclass, chunk_time_interval anyelement, dimension_name name = NULL) void
  fvn;
set_integer_now_func(hypertable regclass, integer_now_func regproc, replace_if_exists bool = false) void fvn;
by_range(column_name name, partition_interval anyelement = NULL::bigint, partition_func regproc = NULL) record
  fvn;
by_hash(column_name name, number_partitions int4, partition_func regproc = NULL) record fvn;
show_chunks(relation regclass, older_than any = NULL, newer_than any = NULL, created_before any = NULL,
  created_after any = NULL) setof regclass fsn;
drop_chunks(relation regclass, older_than any = NULL, newer_than any = NULL, verbose bool = false,
  created_before any = NULL, created_after any = NULL) setof text fvn;
compress_chunk(uncompressed_chunk regclass, if_not_compressed bool = true, recompress bool = false) regclass
  fvs;
decompress_chunk(uncompressed_chunk regclass, if_compressed bool = true) regclass fvs;
chunk_compression_stats(hypertable regclass) table(chunk_schema name, chunk_name name,
  compression_status text, before_compression_table_bytes int8, before_compression_index_bytes int8,
  before_compression_toast_bytes int8, before_compression_total_bytes int8,
  after_compression_table_bytes int8, after_compression_index_bytes int8, after_compression_toast_bytes int8,
  after_compression_total_bytes int8, node_name name) fss;
chunk_columnstore_stats(hypertable regclass) table(chunk_schema name, chunk_name name,
  compression_status text, before_compression_table_bytes int8, before_compression_index_bytes int8,
  before_compression_toast_bytes int8, before_compression_total_bytes int8,
  after_compression_table_bytes int8, after_compression_index_bytes int8, after_compression_toast_bytes int8,
  after_compression_total_bytes int8, node_name name) fss;
hypertable_compression_stats(hypertable regclass) table(total_chunks int8, number_compressed_chunks int8,
  before_compression_table_bytes int8, before_compression_index_bytes int8,
  before_compression_toast_bytes int8, before_compression_total_bytes int8,
  after_compression_table_bytes int8, after_compression_index_bytes int8, after_compression_toast_bytes int8,
  after_compression_total_bytes int8, node_name name) fss;
hypertable_columnstore_stats(hypertable regclass) table(total_chunks int8, number_compressed_chunks int8,
  before_compression_table_bytes int8, before_compression_index_bytes int8,
  before_compression_toast_bytes int8, before_compression_total_bytes int8,
  after_compression_table_bytes int8, after_compression_index_bytes int8, after_compression_toast_bytes int8,
  after_compression_total_bytes int8, node_name name) fss;
add_compression_policy(hypertable regclass, compress_after any = NULL, if_not_exists bool = false,
  schedule_interval interval = NULL, initial_start timestamptz = NULL, timezone text = NULL,
  compress_created_before interval = NULL) int4 fvn;
remove_compression_policy(hypertable regclass, if_exists bool = false) bool fvs;
add_continuous_aggregate_policy(continuous_aggregate regclass, start_offset any, end_offset any,
  schedule_interval interval, if_not_exists bool = false, initial_start timestamptz = NULL,
  timezone text = NULL, include_tiered_data bool = NULL, buckets_per_batch int4 = NULL,
  max_batches_per_execution int4 = NULL, refresh_newest_first bool = NULL) int4 fvn;
remove_continuous_aggregate_policy(continuous_aggregate regclass, if_not_exists bool = false,
  if_exists bool = NULL) void fvn;
add_retention_policy(relation regclass, drop_after any = NULL, if_not_exists bool = false,
  schedule_interval interval = NULL, initial_start timestamptz = NULL, timezone text = NULL,
  drop_created_before interval = NULL) int4 fvn;
remove_retention_policy(relation regclass, if_exists bool = false) void fvs;
add_reorder_policy(hypertable regclass, index_name name, if_not_exists bool = false,
  initial_start timestamptz = NULL, timezone text = NULL) int4 fvn;
remove_reorder_policy(hypertable regclass, if_exists bool = false) void fvs;
add_compaction_policy(hypertable regclass, if_not_exists bool = false, schedule_interval interval = NULL,
  initial_start timestamptz = NULL, timezone text = NULL, max_chunks int4 = NULL, max_batches int4 = NULL,
  inactive_for interval = NULL) int4 fvn;
remove_compaction_policy(hypertable regclass, if_exists bool = false) void fvs;
add_job(proc regproc, schedule_interval interval, config jsonb = NULL, initial_start timestamptz = NULL,
  scheduled bool = true, check_config regproc = NULL, fixed_schedule bool = true, timezone text = NULL,
  job_name text = NULL) int4 fvn;
alter_job(job_id int4, schedule_interval interval = NULL, max_runtime interval = NULL,
  max_retries int4 = NULL, retry_period interval = NULL, scheduled bool = NULL, config jsonb = NULL,
  next_start timestamptz = NULL, if_exists bool = false, check_config regproc = NULL,
  fixed_schedule bool = NULL, initial_start timestamptz = NULL, timezone text = NULL, job_name text = NULL)
  table(job_id int4, schedule_interval interval, max_runtime interval, max_retries int4,
  retry_period interval, scheduled bool, config jsonb, next_start timestamptz, check_config text,
  fixed_schedule bool, initial_start timestamptz, timezone text, application_name name) fvn;
delete_job(job_id int4) void fvs;
time_bucket(bucket_width interval, ts uuid) timestamptz fis;
time_bucket(bucket_width interval, ts uuid, origin timestamptz) timestamptz fis;
time_bucket(bucket_width interval, ts uuid, offset interval) timestamptz fis;
time_bucket(bucket_width interval, ts uuid, timezone text, origin timestamptz = NULL,
  offset interval = NULL) timestamptz fin;
time_bucket_gapfill(bucket_width int2, ts int2, start int2 = NULL, finish int2 = NULL) int2 fvn;
time_bucket_gapfill(bucket_width int4, ts int4, start int4 = NULL, finish int4 = NULL) int4 fvn;
time_bucket_gapfill(bucket_width int8, ts int8, start int8 = NULL, finish int8 = NULL) int8 fvn;
time_bucket_gapfill(bucket_width interval, ts date, start date = NULL, finish date = NULL) date fvn;
time_bucket_gapfill(bucket_width interval, ts timestamp, start timestamp = NULL, finish timestamp = NULL)
  timestamp fvn;
time_bucket_gapfill(bucket_width interval, ts timestamptz, start timestamptz = NULL,
  finish timestamptz = NULL) timestamptz fvn;
time_bucket_gapfill(bucket_width interval, ts timestamptz, timezone text, start timestamptz = NULL,
  finish timestamptz = NULL) timestamptz fvn;
locf(value anyelement, prev anyelement = NULL, treat_null_as_missing bool = false) anyelement fvn;
interpolate(value int2, prev record = NULL, next record = NULL) int2 fvn;
interpolate(value int4, prev record = NULL, next record = NULL) int4 fvn;
interpolate(value int8, prev record = NULL, next record = NULL) int8 fvn;
interpolate(value float4, prev record = NULL, next record = NULL) float4 fvn;
interpolate(value float8, prev record = NULL, next record = NULL) float8 fvn;
histogram(float8, float8, float8, int4) int4[] ain;
generate_uuidv7() uuid fvs;
to_uuidv7(ts timestamptz) uuid fvs;
to_uuidv7_boundary(ts timestamptz) uuid fis;
uuid_timestamp(uuid uuid) timestamptz fis;
uuid_timestamp_micros(uuid uuid) timestamptz fis;
uuid_version(uuid uuid) int4 fis;
candlestick_agg(ts timestamptz, price float8, volume float8) candlestick ain;
candlestick(ts timestamptz, open float8, high float8, low float8, close float8, volume float8) candlestick fin;
rollup(candlestick candlestick) candlestick ain;
open(candlestick candlestick) float8 fis;
high(candlestick candlestick) float8 fis;
low(candlestick candlestick) float8 fis;
close(candlestick candlestick) float8 fis;
open_time(candlestick candlestick) timestamptz fis;
high_time(candlestick candlestick) timestamptz fis;
low_time(candlestick candlestick) timestamptz fis;
close_time(candlestick candlestick) timestamptz fis;
volume(candlestick candlestick) float8 fis;
vwap(candlestick candlestick) float8 fis;
time_bucket(bucket_width interval, ts timestamp) timestamp fis;
time_bucket(bucket_width interval, ts timestamptz) timestamptz fis;
time_bucket(bucket_width interval, ts date) date fis;
time_bucket(bucket_width interval, ts timestamp, origin timestamp) timestamp fis;
time_bucket(bucket_width interval, ts timestamptz, origin timestamptz) timestamptz fis;
time_bucket(bucket_width interval, ts date, origin date) date fis;
time_bucket(bucket_width interval, ts timestamp, offset interval) timestamp fis;
time_bucket(bucket_width interval, ts timestamptz, offset interval) timestamptz fis;
time_bucket(bucket_width interval, ts date, offset interval) date fis;
time_bucket(bucket_width interval, ts timestamptz, timezone text, origin timestamptz = NULL,
  offset interval = NULL) timestamptz fin;
time_bucket(bucket_width int2, ts int2) int2 fis;
time_bucket(bucket_width int4, ts int4) int4 fis;
time_bucket(bucket_width int8, ts int8) int8 fis;
time_bucket(bucket_width int2, ts int2, offset int2) int2 fis;
time_bucket(bucket_width int4, ts int4, offset int4) int4 fis;
time_bucket(bucket_width int8, ts int8, offset int8) int8 fis;
time_bucket(bucket_width interval, ts timestamp_ns) timestamp_ns fis;
first(anyelement, any) anyelement ain;
last(anyelement, any) anyelement ain;
approximate_row_count(relation regclass) int8 fvs;
hypertable_size(hypertable regclass) int8 fvs;
hypertable_approximate_size(hypertable regclass) int8 fvs;
hypertable_index_size(index_name regclass) int8 fvs;
hypertable_detailed_size(hypertable regclass) table(table_bytes int8, index_bytes int8, toast_bytes int8,
  total_bytes int8, node_name name) fvs;
hypertable_approximate_detailed_size(relation regclass) table(table_bytes int8, index_bytes int8,
  toast_bytes int8, total_bytes int8) fvs;
chunks_detailed_size(hypertable regclass) table(chunk_schema name, chunk_name name, table_bytes int8,
  index_bytes int8, toast_bytes int8, total_bytes int8, node_name name) fvs;
)";

const std::string_view kTimescaleProcedures = R"(
refresh_continuous_aggregate(continuous_aggregate regclass, window_start any, window_end any,
  force bool = false, options jsonb = NULL) void pvn;
run_job(job_id int4) void pvn;
add_columnstore_policy(hypertable regclass, after any = NULL, if_not_exists bool = false,
  schedule_interval interval = NULL, initial_start timestamptz = NULL, timezone text = NULL,
  created_before interval = NULL) void pvn;
remove_columnstore_policy(hypertable regclass, if_exists bool = false) void pvn;
convert_to_columnstore(chunk regclass, if_not_columnstore bool = true, recompress bool = false) void pvn;
convert_to_rowstore(chunk regclass, if_columnstore bool = true) void pvn;
_timescaledb_functions.policy_refresh_continuous_aggregate(job_id int4, config jsonb) void pvn;
_timescaledb_functions.policy_retention(job_id int4, config jsonb) void pvn;
_timescaledb_functions.policy_compression(job_id int4, config jsonb) void pvn;
_timescaledb_functions.policy_reorder(job_id int4, config jsonb) void pvn;
_timescaledb_functions.policy_compaction(job_id int4, config jsonb) void pvn;
)";

// Functions and type functions that PostgreSQL does not have.
const std::string_view kTickstoneFunctions = R"(
timestamp_ns_in(cstring, oid, int4) timestamp_ns fss; timestamp_ns_out(timestamp_ns) cstring fss;
timestamp_ns_recv(internal, oid, int4) timestamp_ns fss; timestamp_ns_send(timestamp_ns) bytea fss;
tickstone_backup(path text, base text = NULL, trust bool = false) table(commit_number int8, files int8, bytes int8,
  copied_files int8, copied_bytes int8, kept_files int8, kept_bytes int8) fvn;
)";

}  // namespace tickstone::catalog
