// SPDX-License-Identifier: Apache-2.0
// Whether the store answers, is what this program expects, and takes rows.
#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <tickstone/error.hpp>

#include "base/byte_size.hpp"
#include "market/check_context.hpp"
#include "market/expected_relations.hpp"
#include "market/migrator.hpp"

namespace tickstone::market {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

/// What a role may not see is no fault of the store.
bool is_refused(const Error& error) { return error.code() == ErrorCode::InsufficientPrivilege; }

constexpr std::string_view kMigrate = "Bring the schema up to date: tickstone migrate.";

/// `15.8 (Tickstone 0.1.0)`, `15.8 (TimescaleDB 2.17.2)`, `15.8`.
std::string version_of(CheckContext& context) {
  std::string version = context.text("SHOW server_version");
  if (context.is_tickstone()) {
    const std::string all = context.text("SELECT version()");
    const auto at = all.find("(Tickstone ");
    if (at != std::string::npos) version += " " + all.substr(at, all.find(')', at) + 1 - at);
  }
  if (context.home == Home::TimescaleDb)
    version += " (TimescaleDB " +
               context.text("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'") + ")";
  return version;
}

void judge_connections(CheckContext& context, CheckResult& result) {
  if (context.home == Home::Embedded) return;
  const auto most = number_of(context.text("SHOW max_connections"));
  const auto open =
      number_of(context.text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"));
  if (most <= 0) return;
  result.found += fmt::format("; {} of {} connections", open, most);
  constexpr std::int64_t kCriticalPercent = 95, kWarnPercent = 80;
  if (open * 100 < most * kWarnPercent) return;
  worsen(result.status, open * 100 >= most * kCriticalPercent ? CheckStatus::Critical : CheckStatus::Warning);
  result.remedy = "See who holds them in pg_stat_activity; pool connections, or raise max_connections.";
}

void judge_clock(CheckContext& context, CheckResult& result) {
  const auto before = current_timestamp();
  const auto theirs =
      time_of(context.text("SELECT " + micros_sql("clock_timestamp()"))).value_or(Timestamp());
  const auto after = current_timestamp();
  const microseconds apart = theirs < before  ? before - theirs
                             : theirs > after ? theirs - after
                                              : microseconds(0);
  if (apart < std::chrono::seconds(2)) return;
  worsen(result.status, CheckStatus::Warning);
  result.found += fmt::format("; its clock is {} {} this machine's", duration_text(apart),
                              theirs < before ? "behind" : "ahead of");
  result.remedy = "Let NTP set both clocks: ages and sessions are judged by them.";
}

}  // namespace

CheckResult check_connection(CheckContext& context) {
  std::vector<microseconds> trips;
  for (std::size_t i = 0; i < std::max<std::size_t>(context.options.round_trips, 1); ++i) {
    const auto start = steady_clock::now();
    context.rows("SELECT 1");
    trips.push_back(std::chrono::duration_cast<microseconds>(steady_clock::now() - start));
  }
  std::ranges::sort(trips);
  const microseconds median = trips[trips.size() / 2];
  CheckResult result;
  result.found = fmt::format("median {}, worst {} of {}", duration_text(median), duration_text(trips.back()),
                             counted_text(trips.size(), "round trip"));
  if (median > context.options.warn_latency) result.status = CheckStatus::Warning;
  if (median > context.options.critical_latency) result.status = CheckStatus::Critical;
  if (result.status != CheckStatus::Ok)
    result.remedy =
        "Look at the network between here and the server, and at what it is busy with (pg_stat_activity).";
  return result;
}

CheckResult check_server(CheckContext& context) {
  CheckResult result;
  result.found = fmt::format("{} {}", to_string(context.home), version_of(context));
  constexpr std::int64_t kOldestPostgreSql = 150'000;
  if (context.home == Home::PostgreSql &&
      number_of(context.text("SHOW server_version_num")) < kOldestPostgreSql) {
    worsen(result.status, CheckStatus::Critical);
    result.remedy = "The schema needs PostgreSQL 15 or later, or TimescaleDB.";
  }
  judge_clock(context, result);
  judge_connections(context, result);
  if (context.is_tickstone() &&
      context.text("SELECT accepts_writes FROM tickstone.storage_statistics") == "f") {
    result.status = CheckStatus::Critical;
    result.found += "; it refuses writes, for its log has failed";
    result.remedy = "Look for the cause (dmesg, room on the disk), then start the server again.";
  }
  return result;
}

CheckResult check_schema(CheckContext& context) {
  CheckResult result;
  Migrator migrator(context.connection, context.home);
  SchemaStatus status;
  try {
    status = migrator.status();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::ObjectNotInPrerequisiteState) throw;
    result.status = CheckStatus::Critical;
    result.found = error.message();
    result.remedy = error.hint();
    return result;
  }
  result.found = fmt::format("version {} of {}", status.version(), migrator.newest());
  if (status.applied.empty()) result.found = "not made by tickstone migrate";
  if (!status.pending.empty()) {
    result.status = CheckStatus::Warning;
    result.remedy = kMigrate;
  }
  return result;
}

CheckResult check_tables(CheckContext& context) {
  const auto version = context.has_relation("tickstone_schema_version")
                           ? number_of(context.text("SELECT max(version) FROM tickstone_schema_version"))
                           : 0;
  std::map<std::string, std::set<std::string>> there;
  for (const auto& row : context.rows(
           "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE "
           "pg_table_is_visible(c.oid) AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', "
           "'v', 'm')"))
    there[text_of(row[0])].insert(text_of(row[1]));
  CheckResult result;
  std::size_t tables = 0, views = 0;
  for (const auto& expected : expected_relations(schema_migrations(context.home))) {
    // Tables that were made by hand are those of the second version.
    if (expected.version > std::max<std::int64_t>(version, kTablesVersion)) continue;
    ++(expected.columns.empty() ? views : tables);
    const auto found = there.find(expected.name);
    if (found == there.end()) {
      result.items.push_back({CheckStatus::Critical, expected.name, "is missing"});
      continue;
    }
    for (const auto& column : expected.columns) {
      if (!found->second.contains(column))
        result.items.push_back({CheckStatus::Critical, expected.name + "." + column, "is missing"});
    }
  }
  if (result.items.empty()) {
    result.found = counted_text(tables, "table");
    if (views > 0) result.found += " and " + counted_text(views, "view");
    result.found += " with their columns";
    return result;
  }
  result.status = CheckStatus::Critical;
  result.found = result.items.size() == 1
                     ? result.items[0].subject + " is missing"
                     : fmt::format("{} tables, views or columns are missing", result.items.size());
  result.remedy = version == 0
                      ? std::string(kMigrate)
                      : "Something dropped or renamed what tickstone migrate had made: restore it from a "
                        "backup, or create it as tickstone migrate --dry-run prints it for an empty store.";
  return result;
}

CheckResult check_probe(CheckContext& context) {
  CheckResult result;
  if (!context.options.may_write) {
    result.status = CheckStatus::Skipped;
    result.found = "not asked for (--no-write)";
    return result;
  }
  if (!context.has_relation("ohlcv")) {
    result.status = CheckStatus::Unknown;
    result.found = "there is no table ohlcv to write a row to";
    result.remedy = kMigrate;
    return result;
  }
  const std::string symbol = fmt::format("tickstone check {:016x}", std::random_device{}());
  const std::string count = "SELECT count(*) FROM ohlcv WHERE symbol = " + quote_literal(symbol);
  std::string seen;
  try {
    context.rows("BEGIN");
    context.rows(
        "INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe) VALUES (" +
        quote_literal(symbol) + ", now(), 1.5, 2.5, 0.5, 1.5, 10, 'tickstone check', '1m')");
    seen = context.text(count);
    context.rows("ROLLBACK");
  } catch (const Error& error) {
    if (!context.connection.is_open()) throw;
    if (context.connection.in_transaction()) context.rows("ROLLBACK");
    result.status = CheckStatus::Critical;
    result.found = fmt::format("a row could not be written: {}: {}", sqlstate(error.code()), error.message());
    result.remedy = error.hint().empty() ? "See the server's log." : error.hint();
    if (is_refused(error)) {
      result.status = CheckStatus::Unknown;
      result.remedy = "Grant the role SELECT and INSERT on ohlcv, or leave the probe out (--no-write).";
    }
    if (error.code() == ErrorCode::ReadOnlySqlTransaction)
      result.remedy =
          "This is a standby, or default_transaction_read_only is on: connect to the primary, or --no-write.";
    return result;
  }
  const std::string left = context.text(count);
  if (seen != "1" || left != "0") {
    result.status = CheckStatus::Critical;
    result.found =
        fmt::format("of one row that was written {} were read, and {} after it was rolled back", seen, left);
    result.remedy = "Run tickstone verify on the store.";
    return result;
  }
  result.found = "a row was written, read and rolled back";
  return result;
}

CheckResult check_disk(CheckContext& context) {
  CheckResult result;
  if (!context.is_tickstone()) {
    result.status = CheckStatus::Skipped;
    result.found = "PostgreSQL does not tell how much room its disk has; watch it on the server's machine";
    return result;
  }
  const auto row = context.rows("SELECT data_bytes, free_bytes, total_bytes FROM tickstone.disk_space").at(0);
  const std::int64_t free = number_of(row[1]), total = number_of(row[2]);
  if (total <= 0) {
    result.status = CheckStatus::Unknown;
    result.found = "the file system does not tell how large it is";
    return result;
  }
  const double percent = 100.0 * static_cast<double>(free) / static_cast<double>(total);
  result.found = fmt::format("{} free ({:.1f} %), the store takes {}", format_bytes(free), percent,
                             format_bytes(number_of(row[0])));
  if (percent < context.options.warn_free) result.status = CheckStatus::Warning;
  if (percent < context.options.critical_free) result.status = CheckStatus::Critical;
  if (result.status != CheckStatus::Ok)
    result.remedy = "Drop old chunks (drop_chunks, add_retention_policy), or give the store more room.";
  return result;
}

}  // namespace tickstone::market
