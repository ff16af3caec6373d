// SPDX-License-Identifier: Apache-2.0
// PostgreSQL 15's settings: name, type, context, then unit and bounds or the choices, then the default, under
// their categories. Those that do something here are defined in settings.cpp and settings_server.cpp; the
// rest is known, so that configuration files are taken as they are and misspelt names are refused.
#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "engine/settings.hpp"

namespace tickstone::engine {
namespace {

constexpr std::string_view kTable = R"(
# Autovacuum
autovacuum bool sighup on
autovacuum_analyze_scale_factor real sighup - 0 100 0.1
autovacuum_analyze_threshold integer sighup - 0 2147483647 50
autovacuum_freeze_max_age integer postmaster - 100000 2000000000 200000000
autovacuum_max_workers integer postmaster - 1 262143 3
autovacuum_multixact_freeze_max_age integer postmaster - 10000 2000000000 400000000
autovacuum_naptime integer sighup s 1 2147483 60
autovacuum_vacuum_cost_delay real sighup ms -1 100 2
autovacuum_vacuum_cost_limit integer sighup - -1 10000 -1
autovacuum_vacuum_insert_scale_factor real sighup - 0 100 0.2
autovacuum_vacuum_insert_threshold integer sighup - -1 2147483647 1000
autovacuum_vacuum_scale_factor real sighup - 0 100 0.2
autovacuum_vacuum_threshold integer sighup - 0 2147483647 50
# Client Connection Defaults / Locale and Formatting
DateStyle string user ISO, MDY
IntervalStyle enum user postgres|postgres_verbose|sql_standard|iso_8601 postgres
TimeZone string user UTC
client_encoding string user SQL_ASCII
default_text_search_config string user pg_catalog.simple
extra_float_digits integer user - -15 3 1
lc_messages string superuser C
lc_monetary string user C
lc_numeric string user C
lc_time string user C
timezone_abbreviations string user
# Client Connection Defaults / Other Defaults
dynamic_library_path string superuser $libdir
gin_fuzzy_search_limit integer user - 0 2147483647 0
# Client Connection Defaults / Shared Library Preloading
jit_provider string postmaster llvmjit
local_preload_libraries string user
session_preload_libraries string superuser
shared_preload_libraries string postmaster
# Client Connection Defaults / Statement Behavior
bytea_output enum user escape|hex hex
check_function_bodies bool user on
client_min_messages enum user debug5|debug4|debug3|debug2|debug1|log|notice|warning|error notice
default_table_access_method string user heap
default_tablespace string user
default_toast_compression enum user pglz|lz4 pglz
default_transaction_deferrable bool user off
default_transaction_isolation enum user serializable|repeatable_read|read_committed|read_uncommitted read committed
default_transaction_read_only bool user off
gin_pending_list_limit integer user kB 64 2147483647 4096
idle_in_transaction_session_timeout integer user ms 0 2147483647 0
idle_session_timeout integer user ms 0 2147483647 0
lock_timeout integer user ms 0 2147483647 0
restrict_nonsystem_relation_kind string user
row_security bool user on
search_path string user "$user", public
session_replication_role enum superuser origin|replica|local origin
statement_timeout integer user ms 0 2147483647 0
temp_tablespaces string user
transaction_deferrable bool user off
transaction_isolation enum user serializable|repeatable_read|read_committed|read_uncommitted read committed
transaction_read_only bool user off
vacuum_failsafe_age integer user - 0 2100000000 1600000000
vacuum_freeze_min_age integer user - 0 1000000000 50000000
vacuum_freeze_table_age integer user - 0 2000000000 150000000
vacuum_multixact_failsafe_age integer user - 0 2100000000 1600000000
vacuum_multixact_freeze_min_age integer user - 0 1000000000 5000000
vacuum_multixact_freeze_table_age integer user - 0 2000000000 150000000
xmlbinary enum user base64|hex base64
xmloption enum user content|document content
# Connections and Authentication / Authentication
authentication_timeout integer sighup s 1 600 60
db_user_namespace bool sighup off
krb_caseins_users bool sighup off
krb_server_keyfile string sighup
password_encryption enum user md5|scram-sha-256 scram-sha-256
# Connections and Authentication / Connection Settings
bonjour bool postmaster off
bonjour_name string postmaster
client_connection_check_interval integer user ms 0 2147483647 0
listen_addresses string postmaster localhost
max_connections integer postmaster - 1 262143 100
port integer postmaster - 1 65535 5432
superuser_reserved_connections integer postmaster - 0 262143 3
tcp_keepalives_count integer user - 0 2147483647 0
tcp_keepalives_idle integer user s 0 2147483647 0
tcp_keepalives_interval integer user s 0 2147483647 0
tcp_user_timeout integer user ms 0 2147483647 0
unix_socket_directories string postmaster
unix_socket_group string postmaster
unix_socket_permissions integer postmaster - 0 511 511
# Connections and Authentication / SSL
ssl bool sighup off
ssl_ca_file string sighup
ssl_cert_file string sighup server.crt
ssl_ciphers string sighup HIGH:MEDIUM:+3DES:!aNULL
ssl_crl_dir string sighup
ssl_crl_file string sighup
ssl_dh_params_file string sighup
ssl_ecdh_curve string sighup prime256v1
ssl_key_file string sighup server.key
ssl_max_protocol_version enum sighup |TLSv1|TLSv1.1|TLSv1.2|TLSv1.3
ssl_min_protocol_version enum sighup TLSv1|TLSv1.1|TLSv1.2|TLSv1.3 TLSv1.2
ssl_passphrase_command string sighup
ssl_passphrase_command_supports_reload bool sighup off
ssl_prefer_server_ciphers bool sighup on
# Developer Options
allow_in_place_tablespaces bool superuser off
allow_system_table_mods bool superuser off
backtrace_functions string superuser
debug_discard_caches integer superuser - 0 0 0
force_parallel_mode enum user off|on|regress off
ignore_checksum_failure bool superuser off
ignore_invalid_pages bool postmaster off
ignore_system_indexes bool backend off
jit_debugging_support bool superuser-backend off
jit_dump_bitcode bool superuser off
jit_expressions bool user on
jit_profiling_support bool superuser-backend off
jit_tuple_deforming bool user on
post_auth_delay integer backend s 0 2147 0
pre_auth_delay integer sighup s 0 60 0
remove_temp_files_after_crash bool sighup on
trace_notify bool user off
trace_recovery_messages enum sighup debug5|debug4|debug3|debug2|debug1|log|notice|warning|error log
trace_sort bool user off
wal_consistency_checking string superuser
zero_damaged_pages bool superuser off
# Error Handling
data_sync_retry bool postmaster off
exit_on_error bool user off
recovery_init_sync_method enum sighup fsync|syncfs fsync
restart_after_crash bool sighup on
# File Locations
config_file string postmaster
data_directory string postmaster
extension_destdir string superuser
external_pid_file string postmaster
hba_file string postmaster
ident_file string postmaster
# Lock Management
deadlock_timeout integer superuser ms 1 2147483647 1000
max_locks_per_transaction integer postmaster - 10 2147483647 64
max_pred_locks_per_page integer sighup - 0 2147483647 2
max_pred_locks_per_relation integer sighup - -2147483648 2147483647 -2
max_pred_locks_per_transaction integer postmaster - 10 2147483647 64
# Query Tuning / Genetic Query Optimizer
geqo bool user on
geqo_effort integer user - 1 10 5
geqo_generations integer user - 0 2147483647 0
geqo_pool_size integer user - 0 2147483647 0
geqo_seed real user - 0 1 0
geqo_selection_bias real user - 1.5 2 2
geqo_threshold integer user - 2 2147483647 12
# Query Tuning / Other Planner Options
constraint_exclusion enum user partition|on|off partition
cursor_tuple_fraction real user - 0 1 0.1
default_statistics_target integer user - 1 10000 100
from_collapse_limit integer user - 1 2147483647 8
jit bool user on
join_collapse_limit integer user - 1 2147483647 8
plan_cache_mode enum user auto|force_generic_plan|force_custom_plan auto
recursive_worktable_factor real user - 0.001 1e+06 10
# Query Tuning / Planner Cost Constants
cpu_index_tuple_cost real user - 0 1.79769e+308 0.005
cpu_operator_cost real user - 0 1.79769e+308 0.0025
cpu_tuple_cost real user - 0 1.79769e+308 0.01
effective_cache_size integer user 8kB 1 2147483647 524288
jit_above_cost real user - -1 1.79769e+308 100000
jit_inline_above_cost real user - -1 1.79769e+308 500000
jit_optimize_above_cost real user - -1 1.79769e+308 500000
min_parallel_index_scan_size integer user 8kB 0 715827882 64
min_parallel_table_scan_size integer user 8kB 0 715827882 1024
parallel_setup_cost real user - 0 1.79769e+308 1000
parallel_tuple_cost real user - 0 1.79769e+308 0.1
random_page_cost real user - 0 1.79769e+308 4
seq_page_cost real user - 0 1.79769e+308 1
# Query Tuning / Planner Method Configuration
enable_async_append bool user on
enable_bitmapscan bool user on
enable_gathermerge bool user on
enable_hashagg bool user on
enable_hashjoin bool user on
enable_incremental_sort bool user on
enable_indexonlyscan bool user on
enable_indexscan bool user on
enable_material bool user on
enable_memoize bool user on
enable_mergejoin bool user on
enable_nestloop bool user on
enable_parallel_append bool user on
enable_parallel_hash bool user on
enable_partition_pruning bool user on
enable_partitionwise_aggregate bool user off
enable_partitionwise_join bool user off
enable_seqscan bool user on
enable_sort bool user on
enable_tidscan bool user on
# Replication / Primary Server
synchronous_standby_names string sighup
vacuum_defer_cleanup_age integer sighup - 0 1000000 0
# Replication / Sending Servers
max_replication_slots integer postmaster - 0 262143 10
max_slot_wal_keep_size integer sighup MB -1 2147483647 -1
max_wal_senders integer postmaster - 0 262143 10
track_commit_timestamp bool postmaster off
wal_keep_size integer sighup MB 0 2147483647 0
wal_sender_timeout integer user ms 0 2147483647 60000
# Replication / Standby Servers
hot_standby bool postmaster on
hot_standby_feedback bool sighup off
max_standby_archive_delay integer sighup ms -1 2147483647 30000
max_standby_streaming_delay integer sighup ms -1 2147483647 30000
primary_conninfo string sighup
primary_slot_name string sighup
promote_trigger_file string sighup
recovery_min_apply_delay integer sighup ms 0 2147483647 0
wal_receiver_create_temp_slot bool sighup off
wal_receiver_status_interval integer sighup s 0 2147483 10
wal_receiver_timeout integer sighup ms 0 2147483647 60000
wal_retrieve_retry_interval integer sighup ms 1 2147483647 5000
# Replication / Subscribers
max_logical_replication_workers integer postmaster - 0 262143 4
max_sync_workers_per_subscription integer sighup - 0 262143 2
# Reporting and Logging / Process Title
cluster_name string postmaster
update_process_title bool superuser on
# Reporting and Logging / What to Log
application_name string user
debug_pretty_print bool user on
debug_print_parse bool user off
debug_print_plan bool user off
debug_print_rewritten bool user off
log_autovacuum_min_duration integer sighup ms -1 2147483647 600000
log_checkpoints bool sighup on
log_connections bool superuser-backend off
log_disconnections bool superuser-backend off
log_duration bool superuser off
log_error_verbosity enum superuser terse|default|verbose default
log_hostname bool sighup off
log_line_prefix string sighup %m [%p]
log_lock_waits bool superuser off
log_parameter_max_length integer superuser B -1 1073741823 -1
log_parameter_max_length_on_error integer user B -1 1073741823 0
log_recovery_conflict_waits bool sighup off
log_replication_commands bool superuser off
log_statement enum superuser none|ddl|mod|all none
log_temp_files integer superuser kB -1 2147483647 -1
log_timezone string sighup GMT
# Reporting and Logging / When to Log
log_min_duration_sample integer superuser ms -1 2147483647 -1
log_min_duration_statement integer superuser ms -1 2147483647 -1
log_min_error_statement enum superuser debug5|debug4|debug3|debug2|debug1|info|notice|warning|error|log|fatal|panic error
log_min_messages enum superuser debug5|debug4|debug3|debug2|debug1|info|notice|warning|error|log|fatal|panic warning
log_startup_progress_interval integer sighup ms 0 2147483647 10000
log_statement_sample_rate real superuser - 0 1 1
log_transaction_sample_rate real superuser - 0 1 0
# Reporting and Logging / Where to Log
event_source string postmaster PostgreSQL
log_destination string sighup stderr
log_directory string sighup log
log_file_mode integer sighup - 0 511 384
log_filename string sighup postgresql-%Y-%m-%d_%H%M%S.log
log_rotation_age integer sighup min 0 35791394 1440
log_rotation_size integer sighup kB 0 2097151 10240
log_truncate_on_rotation bool sighup off
logging_collector bool postmaster off
syslog_facility enum sighup local0|local1|local2|local3|local4|local5|local6|local7 local0
syslog_ident string sighup postgres
syslog_sequence_numbers bool sighup on
syslog_split_messages bool sighup on
# Resource Usage / Asynchronous Behavior
backend_flush_after integer user 8kB 0 256 0
effective_io_concurrency integer user - 0 1000 1
maintenance_io_concurrency integer user - 0 1000 10
max_parallel_maintenance_workers integer user - 0 1024 2
max_parallel_workers integer user - 0 1024 8
max_parallel_workers_per_gather integer user - 0 1024 2
max_worker_processes integer postmaster - 0 262143 8
old_snapshot_threshold integer postmaster min -1 86400 -1
parallel_leader_participation bool user on
# Resource Usage / Background Writer
bgwriter_delay integer sighup ms 10 10000 200
bgwriter_flush_after integer sighup 8kB 0 256 64
bgwriter_lru_maxpages integer sighup - 0 1073741823 100
bgwriter_lru_multiplier real sighup - 0 10 2
# Resource Usage / Cost-Based Vacuum Delay
vacuum_cost_delay real user ms 0 100 0
vacuum_cost_limit integer user - 1 10000 200
vacuum_cost_page_dirty integer user - 0 10000 20
vacuum_cost_page_hit integer user - 0 10000 1
vacuum_cost_page_miss integer user - 0 10000 2
# Resource Usage / Disk
temp_file_limit integer superuser kB -1 2147483647 -1
# Resource Usage / Kernel Resources
max_files_per_process integer postmaster - 64 2147483647 1000
# Resource Usage / Memory
autovacuum_work_mem integer sighup kB -1 2147483647 -1
dynamic_shared_memory_type enum postmaster posix|sysv|mmap posix
hash_mem_multiplier real user - 1 1000 2
huge_page_size integer postmaster kB 0 2147483647 0
huge_pages enum postmaster off|on|try try
logical_decoding_work_mem integer user kB 64 2147483647 65536
maintenance_work_mem integer user kB 1024 2147483647 65536
max_prepared_transactions integer postmaster - 0 262143 0
max_stack_depth integer superuser kB 100 2147483647 100
min_dynamic_shared_memory integer postmaster MB 0 2147483647 0
shared_buffers integer postmaster 8kB 16 1073741823 16384
shared_memory_type enum postmaster sysv|mmap mmap
temp_buffers integer user 8kB 100 1073741823 1024
work_mem integer user kB 64 2147483647 4096
# Statistics / Cumulative Query and Index Statistics
stats_fetch_consistency enum user none|cache|snapshot cache
track_activities bool superuser on
track_activity_query_size integer postmaster B 100 1048576 1024
track_counts bool superuser on
track_functions enum superuser none|pl|all none
track_io_timing bool superuser off
track_wal_io_timing bool superuser off
# Statistics / Monitoring
compute_query_id enum superuser auto|regress|on|off auto
log_executor_stats bool superuser off
log_parser_stats bool superuser off
log_planner_stats bool superuser off
log_statement_stats bool superuser off
# Version and Platform Compatibility / Other Platforms and Clients
transform_null_equals bool user off
# Version and Platform Compatibility / Previous PostgreSQL Versions
array_nulls bool user on
backslash_quote enum user safe_encoding|on|off safe_encoding
escape_string_warning bool user on
lo_compat_privileges bool superuser off
quote_all_identifiers bool user off
standard_conforming_strings bool user on
synchronize_seqscans bool user on
# Write-Ahead Log / Archive Recovery
archive_cleanup_command string sighup
recovery_end_command string sighup
restore_command string sighup
# Write-Ahead Log / Archiving
archive_command string sighup
archive_library string sighup
archive_mode enum postmaster always|on|off off
archive_timeout integer sighup s 0 1073741823 0
# Write-Ahead Log / Checkpoints
checkpoint_completion_target real sighup - 0 1 0.9
checkpoint_flush_after integer sighup 8kB 0 256 32
checkpoint_timeout integer sighup s 30 86400 300
checkpoint_warning integer sighup s 0 2147483647 30
max_wal_size integer sighup MB 2 2147483647 1024
min_wal_size integer sighup MB 2 2147483647 80
# Write-Ahead Log / Recovery
recovery_prefetch enum sighup off|on|try try
wal_decode_buffer_size integer postmaster B 65536 1073741823 524288
# Write-Ahead Log / Recovery Target
recovery_target string postmaster
recovery_target_action enum postmaster pause|promote|shutdown pause
recovery_target_inclusive bool postmaster on
recovery_target_lsn string postmaster
recovery_target_name string postmaster
recovery_target_time string postmaster
recovery_target_timeline string postmaster latest
recovery_target_xid string postmaster
# Write-Ahead Log / Settings
commit_delay integer superuser - 0 100000 0
commit_siblings integer user - 0 1000 5
fsync bool sighup on
full_page_writes bool sighup on
synchronous_commit enum user local|remote_write|remote_apply|on|off on
wal_buffers integer postmaster 8kB -1 262143 -1
wal_compression enum superuser pglz|lz4|zstd|on|off off
wal_init_zero bool superuser on
wal_level enum postmaster minimal|replica|logical replica
wal_log_hints bool postmaster off
wal_recycle bool superuser on
wal_skip_threshold integer user kB 0 2147483647 2048
wal_sync_method enum sighup fsync|fdatasync|open_sync|open_datasync fdatasync
wal_writer_delay integer sighup ms 1 10000 200
wal_writer_flush_after integer sighup 8kB 0 2147483647 128
)";

using Kind = SettingDefinition::Kind;

/// Up to the next blank, which is taken away too.
std::string_view take_word(std::string_view& rest) {
  const auto end = std::min(rest.find(' '), rest.size());
  const auto word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

Kind kind_of(std::string_view type) {
  if (type == "bool") return Kind::Boolean;
  if (type == "integer") return Kind::Integer;
  if (type == "real") return Kind::Real;
  if (type == "enum") return Kind::Enumeration;
  TICKSTONE_CHECK(type == "string");
  return Kind::Text;
}

}  // namespace

std::vector<SettingDefinition> postgresql_settings() {
  std::vector<SettingDefinition> all;
  std::string_view category;
  for (std::string_view rest = kTable; !rest.empty();) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.starts_with("# ")) {
      category = line.substr(2);
      continue;
    }
    if (line.empty()) continue;
    SettingDefinition setting;
    setting.category = category;
    setting.shown_name = take_word(line);
    setting.name = setting.shown_name == "DateStyle"       ? "datestyle"
                   : setting.shown_name == "IntervalStyle" ? "intervalstyle"
                   : setting.shown_name == "TimeZone"      ? "timezone"
                                                           : setting.shown_name;
    setting.kind = kind_of(take_word(line));
    setting.context = take_word(line);
    if (setting.kind == Kind::Integer || setting.kind == Kind::Real) {
      setting.unit = take_word(line);
      if (setting.unit == "-") setting.unit = {};
      setting.minimum = take_word(line);
      setting.maximum = take_word(line);
    } else if (setting.kind == Kind::Enumeration) {
      setting.choices = take_word(line);
    }
    setting.default_value = line;
    setting.description = kWithoutEffect;
    all.push_back(setting);
  }
  return all;
}

}  // namespace tickstone::engine
