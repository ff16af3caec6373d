// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "market/connection.hpp"

namespace tickstone::market {

/// What a column holds; over the whole table, or the first rows of a large one.
struct ColumnProfile {
  std::uint64_t nulls = 0;
  std::optional<std::uint64_t> distinct;       // none: its type has no equality
  std::optional<std::string> least, greatest;  // none: no order, or no value
};

struct ReportedColumn {
  std::string name, type;
  bool is_required = false;
  bool is_key = false;  // of the primary key
  std::string default_value;
  std::optional<ColumnProfile> profile;
};

struct ReportedHypertable {
  std::string time_column, chunk_interval;
  std::uint64_t chunks = 0;
  bool is_compressed = false;
};

struct ReportedAggregate {
  std::string definition;
  bool is_materialized_only = false;
};

struct ReportedTable {
  std::string schema, name;
  std::string kind;  // table, hypertable, view, materialized view, continuous aggregate
  std::string comment;
  std::uint64_t rows = 0;
  bool is_row_count_estimated = false;
  std::uint64_t profiled_rows = 0;  // fewer than `rows`: the profiles are of those alone
  std::optional<std::uint64_t> bytes;
  std::vector<ReportedColumn> columns;
  std::vector<std::string> constraints, indexes;  // as SQL
  std::optional<ReportedHypertable> hypertable;
  std::optional<ReportedAggregate> aggregate;
  std::optional<TextResult> samples;
};

/// A row of `to_table` belongs to many of `from_table`.
struct Relation {
  std::string from_table, from_column, to_table, to_column;
  bool is_declared = false;  // a foreign key; else the same name as another table's key
};

struct ReportedJob {
  std::int64_t id = 0;
  std::string name, table, interval, last_status, last_success, next_start;
  std::int64_t failures = 0;
};

struct SchemaReport {
  Home home = Home::Embedded;
  std::string server_version, database;
  std::vector<ReportedTable> tables;
  std::vector<Relation> relations;
  std::vector<ReportedJob> jobs;
};

struct ReportRequest {
  std::vector<std::string> tables;  // names, with or without schema; empty: all that are not the system's
  std::size_t samples = 0;
  bool with_profiles = true;
  /// A table with more rows is profiled by that many of them; on PostgreSQL its rows are estimated.
  std::uint64_t row_limit = 1'000'000;
};

/// Reads only. Errors: UndefinedTable for a name that no table has; what the home says. Cost: a pass over
/// each table up to `row_limit`.
SchemaReport report_schema(Connection& connection, Home home, const ReportRequest& request);

}  // namespace tickstone::market
