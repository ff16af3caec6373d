// SPDX-License-Identifier: Apache-2.0
#include "catalog/system_columns.hpp"

namespace tickstone::catalog {

// The views of TimescaleDB. What it types as regclass and regtype is text here, as clients print it. The last
// one is of its version 1; its sizes in words came with numbers added.
const std::string_view kTimescaleInformation = R"(
hypertables v: hypertable_schema name, hypertable_name name, owner name, num_dimensions int2, num_chunks int8,
  compression_enabled bool, tablespaces name[], primary_dimension name, primary_dimension_type text
dimensions v: hypertable_schema name, hypertable_name name, dimension_number int8, column_name name,
  column_type text, dimension_type text, time_interval interval, integer_interval int8, integer_now_func name,
  num_partitions int2
chunks v: hypertable_schema name, hypertable_name name, chunk_schema name, chunk_name name,
  primary_dimension name, primary_dimension_type text, range_start timestamptz, range_end timestamptz,
  range_start_integer int8, range_end_integer int8, is_compressed bool, chunk_tablespace name,
  chunk_creation_time timestamptz
continuous_aggregates v: hypertable_schema name, hypertable_name name, view_schema name, view_name name,
  view_owner name, materialized_only bool, compression_enabled bool, materialization_hypertable_schema name,
  materialization_hypertable_name name, view_definition text
jobs v: job_id int4, application_name name, schedule_interval interval, max_runtime interval,
  max_retries int4, retry_period interval, proc_schema name, proc_name name, owner name, scheduled bool,
  fixed_schedule bool, config jsonb, next_start timestamptz, initial_start timestamptz,
  hypertable_schema name, hypertable_name name, check_schema name, check_name name
job_stats v: hypertable_schema name, hypertable_name name, job_id int4, last_run_started_at timestamptz,
  last_successful_finish timestamptz, last_run_status text, job_status text, last_run_duration interval,
  next_start timestamptz, total_runs int8, total_successes int8, total_failures int8
job_errors v: job_id int4, proc_schema name, proc_name name, pid int4, start_time timestamptz,
  finish_time timestamptz, sqlerrcode text, err_message text
job_history v: id int8, job_id int4, succeeded bool, proc_schema name, proc_name name, pid int4,
  start_time timestamptz, finish_time timestamptz, config jsonb, sqlerrcode text, err_message text
compression_settings v: hypertable_schema name, hypertable_name name, attname name,
  segmentby_column_index int2, orderby_column_index int2, orderby_asc bool, orderby_nullsfirst bool
hypertable_compression_settings v: hypertable text, segmentby text, orderby text,
  compress_interval_length text, index text
hypertable_columnstore_settings v: hypertable text, segmentby text, orderby text,
  compress_interval_length text, index text
chunk_compression_settings v: hypertable text, chunk text, segmentby text, orderby text, index text
chunk_columnstore_settings v: hypertable text, chunk text, segmentby text, orderby text, index text
stat_chunk_activity v: chunk text, compressed_chunk text, chunk_id int4, hypertable_id int4, hypertable name,
  compressed_batch_count int8, compressed_block_count int8, compressed_batch_rows_min int8,
  compressed_batch_rows_max int8, compressed_batch_rows_avg int8, compressed_batch_rows_stddev float8,
  compressed_batch_bytes_min int8, compressed_batch_bytes_max int8, compressed_batch_bytes_avg int8,
  compressed_batch_bytes_stddev float8, compressed_block_bytes_min int8, compressed_block_bytes_max int8,
  compressed_block_bytes_avg int8, compressed_block_bytes_stddev float8, total_batches_deleted int8,
  total_batches_decompressed int8, total_tuples_decompressed int8, total_batches_scanned int8,
  total_batches_checked_by_bloom int8, total_batches_pruned_by_bloom int8, total_batches_without_bloom int8,
  total_batches_bloom_false_positives int8, total_batches_filtered_compressed int8,
  total_batches_filtered_decompressed int8, last_op_batches_deleted int8, last_op_batches_decompressed int8,
  last_op_tuples_decompressed int8, last_op_batches_scanned int8, last_op_batches_checked_by_bloom int8,
  last_op_batches_pruned_by_bloom int8, last_op_batches_without_bloom int8,
  last_op_batches_bloom_false_positives int8, last_op_batches_filtered_compressed int8,
  last_op_batches_filtered_decompressed int8, n_selects int8, n_inserts int8, n_updates int8, n_deletes int8,
  first_update timestamptz, last_update timestamptz
compressed_hypertable_stats v: hypertable_name name, total_chunks int4, number_compressed_chunks int4,
  uncompressed_heap_bytes text, uncompressed_index_bytes text, uncompressed_toast_bytes text,
  uncompressed_total_bytes text, compressed_heap_bytes text, compressed_index_bytes text,
  compressed_toast_bytes text, compressed_total_bytes text, hypertable_schema name, hypertable_size int8,
  compressed_total_size int8, compression_ratio float8
)";

const std::string_view kTimescaleExperimental = R"(
policies v: relation_name name, relation_schema name, schedule_interval interval, proc_schema name,
  proc_name name, config jsonb, hypertable_schema name, hypertable_name name
)";

}  // namespace tickstone::catalog
