// SPDX-License-Identifier: Apache-2.0
#include "market/schema_report.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>

#include <tickstone/error.hpp>

namespace tickstone::market {
namespace {

using Rows = std::vector<std::vector<std::optional<std::string>>>;

constexpr const char* kRelations =
    "SELECT n.nspname, c.relname, c.relkind::text, coalesce(obj_description(c.oid, 'pg_class'), ''), "
    "c.oid::bigint FROM "
    "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm') AND "
    "NOT "
    "c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE "
    "'pg\\_%' AND "
    "n.nspname NOT LIKE '\\_timescaledb%' AND n.nspname NOT LIKE 'timescaledb%' AND n.nspname <> 'tickstone' "
    "AND n.nspname NOT LIKE "
    "'\\_tickstone%' "
    "ORDER BY 1, 2";
constexpr const char* kColumns =
    "SELECT a.attrelid::bigint, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
    "coalesce(pg_get_expr(d.adbin, d.adrelid), ''), coalesce(a.attnum = ANY(k.conkey), false) FROM "
    "pg_attribute a LEFT JOIN "
    "pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum LEFT JOIN pg_constraint k ON k.conrelid = "
    "a.attrelid AND "
    "k.contype = 'p' WHERE a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum";
constexpr const char* kConstraints =
    "SELECT conrelid::bigint, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid <> 0 AND "
    "contype IN ('p', "
    "'u', 'f', 'c') ORDER BY conrelid, contype DESC, conname";
constexpr const char* kIndexes =
    "SELECT schemaname, tablename, indexdef FROM pg_indexes ORDER BY schemaname, tablename, indexname";
constexpr const char* kForeignKeys =
    "SELECT c.relname, a.attname, f.relname, b.attname FROM pg_constraint k JOIN pg_class c ON c.oid = "
    "k.conrelid JOIN pg_class f "
    "ON f.oid = k.confrelid JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] JOIN "
    "pg_attribute b ON "
    "b.attrelid = k.confrelid AND b.attnum = k.confkey[1] WHERE k.contype = 'f' ORDER BY 1, 2";
constexpr const char* kHypertables =
    "SELECT h.hypertable_schema, h.hypertable_name, d.column_name, coalesce(d.time_interval::text, "
    "d.integer_interval::text, ''), "
    "h.num_chunks, h.compression_enabled FROM timescaledb_information.hypertables h JOIN "
    "timescaledb_information.dimensions d ON "
    "d.hypertable_schema = h.hypertable_schema AND d.hypertable_name = h.hypertable_name AND "
    "d.dimension_number = 1";
constexpr const char* kAggregates =
    "SELECT view_schema, view_name, view_definition, materialized_only FROM "
    "timescaledb_information.continuous_aggregates";
constexpr const char* kJobs =
    "SELECT j.job_id, j.application_name, coalesce(j.hypertable_name, ''), "
    "coalesce(j.schedule_interval::text, ''), "
    "coalesce(s.last_run_status, ''), coalesce(s.last_successful_finish::text, ''), "
    "coalesce(s.next_start::text, ''), "
    "coalesce(s.total_failures, 0) FROM timescaledb_information.jobs j LEFT JOIN "
    "timescaledb_information.job_stats s ON s.job_id = "
    "j.job_id ORDER BY j.job_id";

/// Names of one thing in different tables, as the application's schema has them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kAliases = {
    {{"ticker", "symbol"}, {"source_feature", "feature_name"}, {"target_feature", "feature_name"}}};

std::string text_of(const std::optional<std::string>& cell) { return cell.value_or(""); }
std::uint64_t number_of(const std::optional<std::string>& cell) {
  return cell ? std::strtoull(cell->c_str(), nullptr, 10) : 0;
}
bool truth_of(const std::optional<std::string>& cell) { return cell == "t" || cell == "true"; }

class Reporter {
 public:
  Reporter(Connection& connection, Home home, const ReportRequest& request)
      : connection_(connection), home_(home), request_(request) {}

  SchemaReport report() {
    SchemaReport report;
    report.home = home_;
    report.server_version = text_of(rows_of("SHOW server_version").at(0).at(0));
    report.database = text_of(rows_of("SELECT current_database()").at(0).at(0));
    find_tables(report);
    describe(report);
    for (auto& table : report.tables) measure(table);
    relate(report);
    for (const auto& row : rows_if_there(kJobs)) {
      report.jobs.push_back({static_cast<std::int64_t>(number_of(row[0])), text_of(row[1]), text_of(row[2]),
                             text_of(row[3]), text_of(row[4]), text_of(row[5]), text_of(row[6]),
                             static_cast<std::int64_t>(number_of(row[7]))});
    }
    return report;
  }

 private:
  TextResult run(const std::string& sql) {
    TextResult last;
    connection_.run_script(sql, [&](const TextResult& result) { last = result; });
    return last;
  }
  Rows rows_of(const std::string& sql) { return run(sql).rows; }

  /// Of a view that only some homes have.
  Rows rows_if_there(const std::string& sql) {
    try {
      return rows_of(sql);
    } catch (const Error& error) {
      switch (error.code()) {
        case ErrorCode::UndefinedTable:
        case ErrorCode::UndefinedColumn:
        case ErrorCode::UndefinedFunction:
        case ErrorCode::InvalidSchemaName:
          return {};
        default:
          throw;
      }
    }
  }

  bool is_wanted(const std::string& schema, const std::string& name) const {
    return request_.tables.empty() || std::ranges::count(request_.tables, name) > 0 ||
           std::ranges::count(request_.tables, schema + "." + name) > 0;
  }

  void find_tables(SchemaReport& report) {
    for (const auto& row : rows_of(kRelations)) {
      ReportedTable table;
      table.schema = text_of(row[0]);
      table.name = text_of(row[1]);
      if (!is_wanted(table.schema, table.name)) continue;
      const std::string kind = text_of(row[2]);
      table.kind = kind == "v" ? "view" : kind == "m" ? "materialized view" : "table";
      table.comment = text_of(row[3]);
      numbers_[number_of(row[4])] = report.tables.size();
      report.tables.push_back(std::move(table));
    }
    for (const auto& wanted : request_.tables) {
      const bool is_there = std::ranges::any_of(report.tables, [&](const ReportedTable& table) {
        return table.name == wanted || table.schema + "." + table.name == wanted;
      });
      if (!is_there) {
        throw Error(ErrorCode::UndefinedTable, "relation \"" + wanted + "\" does not exist", {},
                    "tickstone explore without --table lists what there is.");
      }
    }
  }

  ReportedTable* table_of(SchemaReport& report, const std::string& schema, const std::string& name) {
    const auto found = std::ranges::find_if(report.tables, [&](const ReportedTable& table) {
      return table.schema == schema && table.name == name;
    });
    return found == report.tables.end() ? nullptr : &*found;
  }

  void describe(SchemaReport& report) {
    const auto numbered = [&](const std::optional<std::string>& oid) -> ReportedTable* {
      const auto found = numbers_.find(number_of(oid));
      return found == numbers_.end() ? nullptr : &report.tables[found->second];
    };
    for (const auto& row : rows_of(kColumns)) {
      if (auto* table = numbered(row[0])) {
        table->columns.push_back(
            {text_of(row[1]), text_of(row[2]), truth_of(row[3]), truth_of(row[5]), text_of(row[4]), {}});
      }
    }
    for (const auto& row : rows_of(kConstraints)) {
      if (auto* table = numbered(row[0]))
        table->constraints.push_back(text_of(row[1]) + " " + text_of(row[2]));
    }
    for (const auto& row : rows_of(kIndexes)) {
      if (auto* table = table_of(report, text_of(row[0]), text_of(row[1])))
        table->indexes.push_back(text_of(row[2]));
    }
    for (const auto& row : rows_if_there(kHypertables)) {
      if (auto* table = table_of(report, text_of(row[0]), text_of(row[1]))) {
        table->hypertable = {text_of(row[2]), text_of(row[3]), number_of(row[4]), truth_of(row[5])};
        if (table->kind == "table") table->kind = "hypertable";
      }
    }
    for (const auto& row : rows_if_there(kAggregates)) {
      if (auto* table = table_of(report, text_of(row[0]), text_of(row[1]))) {
        table->kind = "continuous aggregate";
        table->aggregate = {text_of(row[2]), truth_of(row[3])};
      }
    }
  }

  void measure(ReportedTable& table) {
    const std::string name = quote_name(table.schema) + "." + quote_name(table.name);
    count_rows(table, name);
    if (table.kind != "view") {
      const std::string literal = quote_literal(name) + "::regclass";
      auto sizes = table.hypertable ? rows_if_there("SELECT hypertable_size(" + literal + ")") : Rows{};
      if (sizes.empty()) sizes = rows_if_there("SELECT pg_total_relation_size(" + literal + ")");
      if (!sizes.empty() && sizes[0][0]) table.bytes = number_of(sizes[0][0]);
    }
    if (request_.with_profiles) profile(table, name);
    if (request_.samples > 0)
      table.samples = run("SELECT * FROM " + name + " LIMIT " + std::to_string(request_.samples));
  }

  void count_rows(ReportedTable& table, const std::string& name) {
    // Ours counts without reading the rows.
    if (home_ == Home::Embedded || home_ == Home::Tickstone) {
      table.rows = number_of(rows_of("SELECT count(*) FROM " + name)[0][0]);
      return;
    }
    const std::string limit = std::to_string(request_.row_limit + 1);
    table.rows = number_of(
        rows_of("SELECT count(*) FROM (SELECT 1 FROM " + name + " LIMIT " + limit + ") AS seen")[0][0]);
    if (table.rows <= request_.row_limit) return;
    const auto estimates = rows_of(
        "SELECT sum(reltuples)::bigint FROM pg_class WHERE reltuples > 0 AND (oid = " + quote_literal(name) +
        "::regclass OR oid IN (SELECT relid FROM pg_partition_tree(" + quote_literal(name) + "::regclass)))");
    table.is_row_count_estimated = true;
    table.rows = std::max(table.rows, number_of(estimates[0][0]));
  }

  static bool has_equality(const std::string& type) {
    return type != "json" && type != "xml" && type != "point";
  }
  static bool has_order(const std::string& type) {
    constexpr std::array<std::string_view, 9> kOrdered = {"smallint", "integer", "bigint",
                                                          "numeric",  "real",    "double precision",
                                                          "text",     "date",    "character varying"};
    return std::ranges::any_of(kOrdered,
                               [&](std::string_view one) {
                                 return type == one || type.starts_with(std::string(one) + "(");
                               }) ||
           (type.starts_with("timestamp") && !type.ends_with("[]"));
  }

  void profile(ReportedTable& table, const std::string& name) {
    if (table.columns.empty()) return;
    std::string sql = "SELECT count(*)";
    for (const auto& column : table.columns) {
      const std::string cell = quote_name(column.name);
      sql += ", count(*) - count(" + cell + ")";
      sql += has_equality(column.type) ? ", count(DISTINCT " + cell + ")" : ", NULL";
      sql += has_order(column.type) ? ", min(" + cell + ")::text, max(" + cell + ")::text" : ", NULL, NULL";
    }
    const auto row = rows_of(sql + " FROM (SELECT * FROM " + name + " LIMIT " +
                             std::to_string(request_.row_limit) + ") AS seen")[0];
    table.profiled_rows = number_of(row[0]);
    constexpr std::size_t kFigures = 4;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      const auto* cells = &row[1 + c * kFigures];
      ColumnProfile profile;
      profile.nulls = number_of(cells[0]);
      if (cells[1]) profile.distinct = number_of(cells[1]);
      profile.least = cells[2];
      profile.greatest = cells[3];
      table.columns[c].profile = std::move(profile);
    }
  }

  void relate(SchemaReport& report) {
    const auto is_reported = [&](const std::string& name) {
      return std::ranges::any_of(report.tables,
                                 [&](const ReportedTable& table) { return table.name == name; });
    };
    for (const auto& row : rows_of(kForeignKeys)) {
      if (is_reported(text_of(row[0])) && is_reported(text_of(row[2])))
        report.relations.push_back(
            {text_of(row[0]), text_of(row[1]), text_of(row[2]), text_of(row[3]), true});
    }
    // A table with a key of one column is what columns of that name are about.
    for (const auto& target : report.tables) {
      const auto keys = std::ranges::count_if(target.columns, &ReportedColumn::is_key);
      const auto key = std::ranges::find_if(target.columns, &ReportedColumn::is_key);
      if (keys != 1 || key->name == "id") continue;
      for (const auto& table : report.tables) {
        if (&table == &target || table.kind == "view") continue;
        for (const auto& column : table.columns) {
          std::string_view name = column.name;
          for (const auto& [alias, usual] : kAliases) {
            if (name == alias) name = usual;
          }
          if (name != key->name || column.type != key->type) continue;
          const bool is_known = std::ranges::any_of(report.relations, [&](const Relation& one) {
            return one.from_table == table.name && one.from_column == column.name &&
                   one.to_table == target.name;
          });
          if (!is_known) report.relations.push_back({table.name, column.name, target.name, key->name, false});
        }
      }
    }
  }

  Connection& connection_;
  const Home home_;
  const ReportRequest& request_;
  std::map<std::uint64_t, std::size_t> numbers_;  // of a relation's OID: its place in the report
};

}  // namespace

SchemaReport report_schema(Connection& connection, Home home, const ReportRequest& request) {
  return Reporter(connection, home, request).report();
}

}  // namespace tickstone::market
