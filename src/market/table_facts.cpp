// SPDX-License-Identifier: Apache-2.0
#include "market/table_facts.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <tickstone/error.hpp>

namespace tickstone::market {
namespace {

using Rows = std::vector<std::vector<std::optional<std::string>>>;

std::string text(const std::vector<std::optional<std::string>>& row, std::size_t column) {
  return row.at(column).value_or("");
}

std::string quoted(const std::string& schema, const std::string& name) {
  return quote_name(schema) + "." + quote_name(name);
}

bool is_own(const std::string& name) {
  return name == "tickstone_copies" || name == "tickstone_schema_version";
}

/// Only Tickstone and the layers of TimescaleDB have hypertables.
bool has_hypertables(Connection& connection, Home home) {
  if (home != Home::PostgreSql) return true;
  return !rows_of(connection,
                  "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = "
                  "'timescaledb_information' AND c.relname = 'dimensions'")
              .empty();
}

/// By name and schema, for queries over catalogs.
using Tables = std::map<std::pair<std::string, std::string>, TableFacts>;

Tables find_tables(Connection& connection) {
  Tables tables;
  for (const auto& row : rows_of(
           connection,
           "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
           "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p' "
           "AND left(n.nspname, 3) <> 'pg_' AND left(n.nspname, 12) <> '_timescaledb' AND n.nspname NOT IN "
           "('information_schema', '_tickstone', 'timescaledb_information', 'timescaledb_experimental')")) {
    if (is_own(text(row, 1))) continue;
    TableFacts table;
    table.schema = text(row, 0);
    table.name = text(row, 1);
    tables[{table.schema, table.name}] = std::move(table);
  }
  return tables;
}

/// Rows whose first two columns name a table, given to it.
template <typename Take>
void fill(Tables& tables, const Rows& rows, Take take) {
  for (const auto& row : rows) {
    const auto found = tables.find({text(row, 0), text(row, 1)});
    if (found != tables.end()) take(found->second, row);
  }
}

void read_columns(Connection& connection, Tables& tables) {
  fill(tables,
       rows_of(connection,
               "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
               "pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated FROM pg_attribute a "
               "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
               "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
               "WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum"),
       [](TableFacts& table, const auto& row) {
         table.columns.push_back({text(row, 2), text(row, 3), text(row, 4) == "t", text(row, 5), text(row, 6),
                                  !text(row, 7).empty()});
       });
}

void read_constraints(Connection& connection, Tables& tables) {
  fill(tables,
       rows_of(
           connection,
           "SELECT n.nspname, c.relname, k.contype, k.conname, pg_get_constraintdef(k.oid), pn.nspname, "
           "p.relname "
           "FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = "
           "c.relnamespace "
           "LEFT JOIN pg_class p ON p.oid = k.confrelid LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace "
           "WHERE k.contype IN ('p', 'u', 'c', 'f') ORDER BY k.contype DESC, k.conname"),
       [](TableFacts& table, const auto& row) {
         const std::string definition = "CONSTRAINT " + quote_name(text(row, 3)) + " " + text(row, 4);
         if (text(row, 2) != "f") return table.constraints.push_back(definition);
         table.foreign_keys.push_back(definition);
         table.parents.push_back(quoted(text(row, 5), text(row, 6)));
       });
  fill(tables,
       rows_of(connection,
               "SELECT n.nspname, c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i "
               "JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
               "WHERE NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid) "
               "ORDER BY i.indexrelid"),
       [](TableFacts& table, const auto& row) { table.indexes.push_back(text(row, 2)); });
}

void read_chunks(Connection& connection, Tables& tables) {
  fill(tables,
       rows_of(connection,
               "SELECT hypertable_schema, hypertable_name, column_name, column_type, time_interval, "
               "integer_interval, dimension_number, num_partitions "
               "FROM timescaledb_information.dimensions WHERE dimension_number <= 2"),
       [](TableFacts& table, const auto& row) {
         if (text(row, 6) == "2") {
           table.space_column = text(row, 2);
           table.space_partitions = text(row, 7);
           return;
         }
         table.time_column = text(row, 2);
         table.time_type = text(row, 3);
         table.has_integer_time = row[4] == std::nullopt;
         table.chunk_interval = table.has_integer_time ? text(row, 5) : text(row, 4);
       });
  fill(tables,
       rows_of(
           connection,
           "SELECT DISTINCT hypertable_schema, hypertable_name, range_start, range_end, range_start_integer, "
           "range_end_integer FROM timescaledb_information.chunks "
           "ORDER BY hypertable_schema, hypertable_name, range_start, range_start_integer"),
       [](TableFacts& table, const auto& row) {
         const std::size_t first = table.has_integer_time ? 4 : 2;
         TimeRange range{text(row, first), text(row, first + 1)};
         // What lies between chunks has none on most homes: it is looked at all the same.
         const std::string before = table.ranges.empty() ? "" : table.ranges.back().end;
         if (before != range.start) table.ranges.push_back({before, range.start});
         table.ranges.push_back(std::move(range));
       });
}

void put_parents_first(std::vector<TableFacts>& tables) {
  std::vector<TableFacts> ordered;
  std::set<std::string> done;
  while (!tables.empty()) {
    const auto is_ready = [&](const TableFacts& table) {
      return std::all_of(table.parents.begin(), table.parents.end(), [&](const std::string& parent) {
        return parent == table.full_name() || done.contains(parent) ||
               std::none_of(tables.begin(), tables.end(),
                            [&](const auto& one) { return one.full_name() == parent; });
      });
    };
    auto next = std::find_if(tables.begin(), tables.end(), is_ready);
    if (next == tables.end()) next = tables.begin();  // a circle: the database will say what it thinks of it
    done.insert(next->full_name());
    ordered.push_back(std::move(*next));
    tables.erase(next);
  }
  tables = std::move(ordered);
}

}  // namespace

std::string TableFacts::full_name() const { return quoted(schema, name); }
std::string TableFacts::short_name() const { return schema == "public" ? name : schema + "." + name; }

Rows rows_of(Connection& connection, const std::string& sql) {
  Rows rows;
  connection.run_script(sql, [&](const TextResult& result) {
    if (!result.columns.empty()) rows = result.rows;
  });
  return rows;
}

void set_plain_formats(Connection& connection) {
  for (const char* setting :
       {"TimeZone = 'UTC'", "DateStyle = 'ISO, MDY'", "IntervalStyle = 'postgres'", "extra_float_digits = 1",
        "bytea_output = 'hex'", "client_min_messages = warning", "search_path = public"})
    rows_of(connection, std::string("SET ") + setting);
}

std::vector<TableFacts> read_tables(Connection& connection, Home home) {
  Tables found = find_tables(connection);
  read_columns(connection, found);
  read_constraints(connection, found);
  if (has_hypertables(connection, home)) read_chunks(connection, found);
  std::vector<TableFacts> tables;
  for (auto& [key, table] : found) {
    const std::string last = table.ranges.empty() ? "" : table.ranges.back().end;
    if (table.ranges.empty() || !last.empty()) table.ranges.push_back({last, ""});
    tables.push_back(std::move(table));
  }
  put_parents_first(tables);
  return tables;
}

std::vector<SequenceFacts> read_sequences(Connection& connection) {
  std::vector<SequenceFacts> sequences;
  for (const auto& row :
       rows_of(connection,
               "SELECT schemaname, sequencename, data_type, start_value, increment_by, last_value FROM "
               "pg_sequences "
               "WHERE left(schemaname, 1) <> '_' AND left(schemaname, 12) <> 'timescaledb_' ORDER BY 1, 2")) {
    sequences.push_back(
        {quoted(text(row, 0), text(row, 1)), text(row, 2), text(row, 3), text(row, 4), row[5]});
  }
  return sequences;
}

std::vector<AggregateFacts> read_aggregates(Connection& connection, Home home) {
  std::vector<AggregateFacts> aggregates;
  if (!has_hypertables(connection, home)) return aggregates;
  Rows rows = rows_of(connection,
                      "SELECT view_schema, view_name, view_definition, materialized_only, hypertable_schema, "
                      "hypertable_name, materialization_hypertable_schema, materialization_hypertable_name "
                      "FROM timescaledb_information.continuous_aggregates ORDER BY view_schema, view_name");
  // One reads either a table or the table of another one.
  while (!rows.empty()) {
    auto next = std::find_if(rows.begin(), rows.end(), [&](const auto& row) {
      return std::none_of(rows.begin(), rows.end(),
                          [&](const auto& other) { return other[6] == row[4] && other[7] == row[5]; });
    });
    if (next == rows.end()) next = rows.begin();
    std::string definition = text(*next, 2);
    while (!definition.empty() && (definition.back() == ';' || definition.back() == '\n'))
      definition.pop_back();
    aggregates.push_back({quoted(text(*next, 0), text(*next, 1)), definition, text(*next, 3) == "t"});
    rows.erase(next);
  }
  return aggregates;
}

std::string range_condition(const TableFacts& table, const TimeRange& range) {
  const auto literal = [&](const std::string& bound) {
    return table.has_integer_time ? bound : quote_literal(bound) + "::" + table.time_type;
  };
  std::string condition;
  if (!range.start.empty()) condition = quote_name(table.time_column) + " >= " + literal(range.start);
  if (!range.end.empty())
    condition +=
        (condition.empty() ? "" : " AND ") + quote_name(table.time_column) + " < " + literal(range.end);
  return condition.empty() ? "" : " WHERE " + condition;
}

}  // namespace tickstone::market
