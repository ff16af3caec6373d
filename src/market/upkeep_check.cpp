// SPDX-License-Identifier: Apache-2.0
// Whether the store keeps itself in order: merging, compression, old transactions; on PostgreSQL vacuum.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/byte_size.hpp"
#include "market/check_context.hpp"

namespace tickstone::market {
namespace {

constexpr std::chrono::microseconds kOldTransaction = std::chrono::hours(1);

void add(CheckResult& result, CheckStatus status, std::string subject, std::string found,
         std::string_view remedy) {
  worsen(result.status, status);
  result.items.push_back({status, std::move(subject), std::move(found)});
  if (result.remedy.empty()) result.remedy = remedy;
}

/// The bounds are those of the alarms in deploy/monitoring.
void judge_storage(CheckContext& context, CheckResult& result, std::vector<std::string>& parts) {
  constexpr std::int64_t kBacklogBytes = 20'000'000'000, kDepth = 32;
  const auto row = context
                       .rows("SELECT compaction_backlog_bytes, compaction_depth, compaction_failures, " +
                             span_sql("oldest_reader_age") + " FROM tickstone.storage_statistics")
                       .at(0);
  const std::int64_t backlog = number_of(row[0]), depth = number_of(row[1]), failures = number_of(row[2]);
  parts.push_back(fmt::format("{} to merge", format_bytes(backlog)));
  if (backlog > kBacklogBytes || depth > kDepth)
    add(result, CheckStatus::Warning, "compaction",
        fmt::format("{} to merge, up to {} segments for one key", format_bytes(backlog), depth),
        "Compaction is behind: see whether the disk keeps up, and how far out of order rows come.");
  if (failures > 0)
    add(result, CheckStatus::Critical, "compaction",
        fmt::format("{} since the start", counted_text(static_cast<std::uint64_t>(failures), "failed merge")),
        "Look into the server's log for the reason, and run tickstone verify: the disk is full, or a file is "
        "damaged.");
  if (std::chrono::microseconds(number_of(row[3])) > kOldTransaction)
    add(result, CheckStatus::Warning, "readers",
        "the oldest has been reading for " + duration_text(std::chrono::microseconds(number_of(row[3]))),
        "An open transaction holds back space: find it in pg_stat_activity by xact_start.");
}

void judge_compression(CheckContext& context, CheckResult& result, std::vector<std::string>& parts) {
  // A chunk that a policy has had two runs for.
  const auto rows = context.rows(
      "SELECT j.hypertable_name, coalesce(j.config ->> 'compress_after', '') AS compress_after, "
      "count(c.chunk_name) FROM "
      "timescaledb_information.jobs j LEFT JOIN timescaledb_information.chunks c ON c.hypertable_schema = "
      "j.hypertable_schema AND c.hypertable_name = j.hypertable_name AND NOT c.is_compressed AND c.range_end "
      "< now() - "
      "(j.config ->> 'compress_after')::interval - 2 * j.schedule_interval WHERE j.proc_name IN "
      "('policy_compression', "
      "'policy_columnstore') AND j.scheduled AND j.config ->> 'compress_after' !~ '^[0-9]+$' GROUP BY 1, 2 "
      "ORDER BY 1");
  std::int64_t waiting = 0;
  for (const auto& row : rows) {
    if (number_of(row[2]) == 0) continue;
    waiting += number_of(row[2]);
    add(result, CheckStatus::Warning, text_of(row[0]),
        fmt::format("{} older than {} not compressed",
                    counted_text(static_cast<std::uint64_t>(number_of(row[2])), "chunk"), text_of(row[1])),
        "See the check of jobs: compression policies compress chunks when they run.");
  }
  if (!rows.empty())
    parts.push_back(
        fmt::format("{} to compress", counted_text(static_cast<std::uint64_t>(waiting), "chunk")));
}

void judge_transactions(CheckContext& context, CheckResult& result) {
  for (const auto& row :
       context.rows("SELECT pid, coalesce(usename::text, ''), " + span_sql("now() - xact_start") +
                    " FROM pg_stat_activity WHERE xact_start < now() - INTERVAL '1 hour' AND pid <> "
                    "pg_backend_pid() AND backend_type = 'client backend' ORDER BY xact_start")) {
    add(result, CheckStatus::Warning, "session " + text_of(row[0]),
        fmt::format("a transaction of {} has been open for {}", text_of(row[1]),
                    duration_text(std::chrono::microseconds(number_of(row[2])))),
        "An open transaction holds back space: SELECT pg_terminate_backend(pid) ends one that is forgotten.");
  }
}

void judge_vacuum(CheckContext& context, CheckResult& result, std::vector<std::string>& parts) {
  constexpr std::int64_t kWarnAge = 1'000'000'000, kCriticalAge = 1'600'000'000;
  const std::int64_t age =
      number_of(context.text("SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()"));
  parts.push_back(fmt::format("transaction ids at {} %", age / (INT32_MAX / 100)));
  if (age > kWarnAge)
    add(result, age > kCriticalAge ? CheckStatus::Critical : CheckStatus::Warning, "transaction ids",
        counted_text(static_cast<std::uint64_t>(age), "id") + " since the last freeze",
        "Let VACUUM FREEZE run before the ids wrap around; see what holds it back (old transactions, "
        "slots).");
  for (const auto& row : context.rows("SELECT relname, n_dead_tup, n_live_tup FROM pg_stat_user_tables WHERE "
                                      "n_dead_tup > 100000 AND n_dead_tup > "
                                      "n_live_tup / 2 ORDER BY n_dead_tup DESC LIMIT 10"))
    add(result, CheckStatus::Warning, text_of(row[0]),
        fmt::format("{} dead, {} live", counted_text(static_cast<std::uint64_t>(number_of(row[1])), "row"),
                    number_of(row[2])),
        "Autovacuum is behind: VACUUM the table, and let autovacuum work harder on it.");
}

}  // namespace

CheckResult check_upkeep(CheckContext& context) {
  CheckResult result;
  std::vector<std::string> parts;
  if (context.is_tickstone()) {
    judge_storage(context, result, parts);
  } else {
    judge_vacuum(context, result, parts);
  }
  // A PostgreSQL without TimescaleDB has no columnstore.
  if (context.home != Home::PostgreSql) judge_compression(context, result, parts);
  judge_transactions(context, result);
  result.found = fmt::format("{}", fmt::join(parts, ", "));
  if (!result.items.empty())
    result.found += fmt::format("; {} behind or in the way", counted_text(result.items.size(), "thing"));
  return result;
}

}  // namespace tickstone::market
