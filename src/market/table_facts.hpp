// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "market/connection.hpp"

namespace tickstone::market {

struct TableColumn {
  std::string name;
  std::string type;  // as format_type names it
  bool is_not_null = false;
  std::string default_text;
  std::string identity;  // pg_attribute's: empty, a or d
  bool is_generated = false;
};

/// Half open; a bound that is empty is none. Texts of the time column's type.
struct TimeRange {
  std::string start;
  std::string end;
};

/// A table of the user's, as any home describes it.
struct TableFacts {
  std::string schema;
  std::string name;
  std::vector<TableColumn> columns;
  std::vector<std::string> constraints;   // definitions, foreign keys last
  std::vector<std::string> foreign_keys;  // definitions
  std::vector<std::string> indexes;       // definitions of those that no constraint makes
  std::vector<std::string> parents;       // quoted names of tables that foreign keys refer to
  // Of a hypertable.
  std::string time_column;
  std::string time_type;
  std::string chunk_interval;  // text of an interval or an integer
  bool has_integer_time = false;
  std::string space_column;  // of a second dimension
  std::string space_partitions;
  std::vector<TimeRange> ranges;  // of its chunks, and what lies between them; of others one without bounds

  bool is_hypertable() const { return !time_column.empty(); }
  /// Quoted.
  std::string full_name() const;
  /// For people: without the schema where that is public.
  std::string short_name() const;
};

/// All tables of users, in an order in which parents come before those that refer to them. Chunks, tables of
/// aggregates and what Tickstone keeps for itself are none.
std::vector<TableFacts> read_tables(Connection& connection, Home home);

struct SequenceFacts {
  std::string full_name;  // quoted
  std::string type;
  std::string start;
  std::string increment;
  std::optional<std::string> last_value;
};
std::vector<SequenceFacts> read_sequences(Connection& connection);

struct AggregateFacts {
  std::string full_name;  // quoted
  std::string definition;
  bool is_materialized_only = true;
};
/// Continuous aggregates, those that others read first.
std::vector<AggregateFacts> read_aggregates(Connection& connection, Home home);

/// `WHERE` of the rows in a range, or nothing.
std::string range_condition(const TableFacts& table, const TimeRange& range);

/// Times, dates and numbers as texts that read alike everywhere, and definitions that name all schemas but
/// public.
void set_plain_formats(Connection& connection);

/// All rows of a query, as text.
std::vector<std::vector<std::optional<std::string>>> rows_of(Connection& connection, const std::string& sql);

}  // namespace tickstone::market
