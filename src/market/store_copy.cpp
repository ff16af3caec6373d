// SPDX-License-Identifier: Apache-2.0
#include "market/store_copy.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "market/copy_pipe.hpp"
#include "market/migrator.hpp"
#include "market/table_definition.hpp"

namespace tickstone::market {
namespace {

void run(Connection& connection, const std::string& sql) { rows_of(connection, sql); }

std::string column_names(const TableFacts& table) {
  std::string names;
  for (const auto& column : table.columns) {
    if (!column.is_generated) names += (names.empty() ? "" : ", ") + quote_name(column.name);
  }
  return names;
}

std::string range_text(const TimeRange& range) {
  if (range.start.empty() && range.end.empty()) return "";
  return " [" + (range.start.empty() ? "-infinity" : range.start) + ", " +
         (range.end.empty() ? "infinity" : range.end) + ")";
}

std::string state_key(const TableFacts& table, const TimeRange& range) {
  return " WHERE table_name = " + quote_literal(table.full_name()) +
         " AND range_start = " + quote_literal(range.start);
}

}  // namespace

StoreCopy::StoreCopy(StoreEnd source, StoreEnd target, CopyRequest request, CopyProgress on_progress)
    : source_(source),
      target_(target),
      request_(std::move(request)),
      on_progress_(std::move(on_progress)),
      objects_(target.connection, target.home,
               [this](const std::string& what) { on_progress_(0, 0, what); }) {}

CopyOutcome StoreCopy::run() {
  set_plain_formats(source_.connection);
  set_plain_formats(target_.connection);
  market::run(source_.connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const auto sequences = read_sequences(source_.connection);
  const auto tables = tables_to_copy();
  facts_ = read_home(source_.connection, source_.home);
  if (request_.only_plans) {
    outcome_.schema_version = wanted_version(tables);
    plan_tables(tables);
    tell_plan(tables);
    return std::move(outcome_);
  }
  if (!request_.only_verifies) {
    make_state_table();
    make_schema(tables, sequences);
  }
  std::uint64_t all_ranges = 0;
  std::uint64_t done_ranges = 0;
  const auto missing = request_.only_verifies ? missing_tables(tables) : Names{};
  for (const auto& table : tables) all_ranges += table.ranges.size();
  for (const auto& table : tables) {
    TableOutcome outcome;
    outcome.table = table.short_name();
    if (std::find(missing.begin(), missing.end(), table.short_name()) != missing.end()) continue;
    for (const auto& range : table.ranges) {
      on_progress_(done_ranges++, all_ranges, table.short_name() + range_text(range));
      handle_range(table, range, outcome);
    }
    outcome_.tables.push_back(outcome);
  }
  market::run(source_.connection, "COMMIT");
  if (request_.only_verifies) {
    for (const auto& name : missing) outcome_.missing.push_back("table " + name);
    tell_plan(tables);
    return std::move(outcome_);
  }
  add_foreign_keys(tables);
  copy_objects(tables, sequences);
  return std::move(outcome_);
}

std::vector<TableFacts> StoreCopy::tables_to_copy() {
  std::vector<TableFacts> tables = read_tables(source_.connection, source_.home);
  if (!request_.tables.empty()) {
    for (const auto& name : request_.tables) {
      if (std::none_of(tables.begin(), tables.end(), [&](const TableFacts& table) {
            return table.short_name() == name || table.schema + "." + table.name == name;
          })) {
        throw Error(ErrorCode::UndefinedTable, "relation \"" + name + "\" does not exist at the source");
      }
    }
    std::erase_if(tables, [&](const TableFacts& table) {
      return std::none_of(request_.tables.begin(), request_.tables.end(), [&](const std::string& name) {
        return table.short_name() == name || table.schema + "." + table.name == name;
      });
    });
  }
  for (auto& table : tables) cut_ranges(table);
  return tables;
}

/// Leaves out what lies before `since`.
void StoreCopy::cut_ranges(TableFacts& table) const {
  if (request_.since.empty() || !table.is_hypertable() || table.has_integer_time) return;
  // Asked of the source, which knows its own type of time.
  const std::string since =
      rows_of(source_.connection, "SELECT " + quote_literal(request_.since) + "::" + table.time_type)
          .at(0)
          .at(0)
          .value_or("");
  const auto is_later = [&](const std::string& bound) {
    return rows_of(source_.connection, "SELECT " + quote_literal(bound) + "::" + table.time_type + " > " +
                                           quote_literal(since) + "::" + table.time_type)
               .at(0)
               .at(0) == "t";
  };
  std::vector<TimeRange> kept;
  for (auto& range : table.ranges) {
    if (!range.end.empty() && !is_later(range.end)) continue;
    if (range.start.empty() || !is_later(range.start)) range.start = since;
    kept.push_back(range);
  }
  table.ranges = std::move(kept);
}

int StoreCopy::wanted_version(const std::vector<TableFacts>& tables) {
  const int version = Migrator(source_.connection, source_.home).status().version();
  const bool needs_hypertables =
      std::any_of(tables.begin(), tables.end(), [](const auto& one) { return one.is_hypertable(); });
  // The first version is what stands for TimescaleDB's functions where they are not.
  const int wanted = std::max(version, needs_hypertables && target_.home == Home::PostgreSql ? 1 : 0);
  return Migrator(target_.connection, target_.home).status().version() < wanted ? wanted : 0;
}

StoreCopy::Names StoreCopy::missing_tables(const std::vector<TableFacts>& tables) {
  Names missing;
  const auto there = read_tables(target_.connection, target_.home);
  for (const auto& table : tables) {
    if (std::none_of(there.begin(), there.end(),
                     [&](const TableFacts& one) { return one.full_name() == table.full_name(); }))
      missing.push_back(table.short_name());
  }
  return missing;
}

void StoreCopy::plan_tables(const std::vector<TableFacts>& tables) {
  outcome_.made_tables = missing_tables(tables);
  const bool has_state =
      !rows_of(target_.connection, "SELECT 1 WHERE to_regclass('tickstone_copies') IS NOT NULL").empty();
  for (const auto& table : tables) {
    TableOutcome outcome;
    outcome.table = table.short_name();
    outcome.range_count = table.ranges.size();
    for (const auto& range : table.ranges) {
      if (has_state && recorded(table, range)) ++outcome.recorded_count;
    }
    outcome_.tables.push_back(outcome);
  }
}

PlanOptions StoreCopy::plan_options(const std::vector<TableFacts>& tables) const {
  PlanOptions options;
  options.replaces = request_.replaces;
  options.makes_roles = request_.makes_roles;
  if (request_.tables.empty()) return options;
  for (const auto& table : tables) options.tables.insert(table.full_name());
  return options;
}

void StoreCopy::make_functions_of(const std::vector<TableFacts>& tables) {
  const auto plan = plan_objects(facts_, read_home(target_.connection, target_.home), {});
  if (request_.tables.empty()) objects_.run(plan, ObjectStep::Phase::Schemas);
  objects_.try_all(plan, ObjectStep::Phase::Definitions, [&](const ObjectStep& step) {
    constexpr std::string_view kFunction = "function ";
    if (!step.what.starts_with(kFunction)) return false;
    std::string name = step.what.substr(kFunction.size(), step.what.find('(') - kFunction.size());
    name = name.substr(name.rfind('.') + 1) + "(";
    return std::any_of(tables.begin(), tables.end(), [&](const TableFacts& table) {
      return std::any_of(table.columns.begin(), table.columns.end(),
                         [&](const auto& one) { return one.default_text.find(name) != std::string::npos; }) ||
             std::any_of(table.constraints.begin(), table.constraints.end(),
                         [&](const auto& one) { return one.find(name) != std::string::npos; });
    });
  });
}

void StoreCopy::make_schema(const std::vector<TableFacts>& tables,
                            const std::vector<SequenceFacts>& sequences) {
  if (const int wanted = wanted_version(tables); wanted > 0) {
    outcome_.schema_version = wanted;
    Migrator(target_.connection, target_.home).migrate(wanted, [](const auto&, auto) {});
  }
  if (!missing_tables(tables).empty()) make_functions_of(tables);
  const auto there = read_tables(target_.connection, target_.home);
  for (const auto& table : tables) {
    const auto same = std::find_if(there.begin(), there.end(), [&](const TableFacts& one) {
      return one.full_name() == table.full_name();
    });
    if (same == there.end()) {
      in_transaction(target_.connection, [&] {
        for (const auto& statement : table_statements(table, sequences))
          market::run(target_.connection, statement);
        add_space_dimension(table);
      });
      outcome_.made_tables.push_back(table.short_name());
      continue;
    }
    for (const auto& column : table.columns) {
      if (std::any_of(same->columns.begin(), same->columns.end(),
                      [&](const auto& one) { return one.name == column.name; }))
        continue;
      throw Error(ErrorCode::UndefinedColumn,
                  "column \"" + column.name + "\" of relation \"" + table.short_name() +
                      "\" does not exist at the target",
                  {}, "Add it there, or leave the table out with --tables.");
    }
  }
}

void StoreCopy::add_space_dimension(const TableFacts& table) {
  if (table.space_column.empty() || table.space_partitions.empty()) return;
  if (target_.home == Home::PostgreSql) {
    outcome_.left_out.push_back({"second dimension of table " + table.short_name(),
                                 "hypertables of PostgreSQL without TimescaleDB have one", ""});
    return;
  }
  market::run(target_.connection, "SELECT add_dimension(" + quote_literal(table.full_name()) + ", " +
                                      quote_literal(table.space_column) + ", number_partitions => " +
                                      table.space_partitions + ")");
}

void StoreCopy::make_state_table() {
  if (!rows_of(target_.connection, "SELECT 1 FROM pg_class WHERE oid = to_regclass('tickstone_copies')")
           .empty())
    return;
  market::run(
      target_.connection,
      "CREATE TABLE IF NOT EXISTS tickstone_copies (table_name TEXT NOT NULL, range_start TEXT NOT NULL, "
      "range_end TEXT NOT NULL, row_count BIGINT NOT NULL, checksum TEXT NOT NULL, "
      "copied_at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (table_name, range_start))");
}

std::optional<StoreCopy::Recorded> StoreCopy::recorded(const TableFacts& table, const TimeRange& range) {
  const auto rows =
      rows_of(target_.connection,
              "SELECT range_end, row_count, checksum FROM tickstone_copies" + state_key(table, range));
  if (rows.empty()) return {};
  return Recorded{rows[0][0].value_or(""), {std::stoull(rows[0][1].value_or("0")), rows[0][2].value_or("")}};
}

void StoreCopy::record(const TableFacts& table, const TimeRange& range, const RowSum& sum) {
  market::run(target_.connection, "DELETE FROM tickstone_copies" + state_key(table, range));
  market::run(
      target_.connection,
      "INSERT INTO tickstone_copies (table_name, range_start, range_end, row_count, checksum) VALUES (" +
          quote_literal(table.full_name()) + ", " + quote_literal(range.start) + ", " +
          quote_literal(range.end) + ", " + std::to_string(sum.row_count) + ", " +
          quote_literal(sum.checksum) + ")");
}

void StoreCopy::handle_range(const TableFacts& table, const TimeRange& range, TableOutcome& outcome) {
  const RowSum here = row_sum(source_.connection, table, range);
  outcome.row_count += here.row_count;
  ++outcome.range_count;
  if (request_.only_verifies) {
    const RowSum there = row_sum(target_.connection, table, range);
    if (here != there) outcome_.differences.push_back({table.short_name(), range, here, there});
    return;
  }
  const auto before = recorded(table, range);
  // With --replace the target is not taken at its word: others may have written there since.
  if (!request_.replaces && before && before->end == range.end && before->sum == here) return;
  const RowSum there = row_sum(target_.connection, table, range);
  if (here == there) {
    if (here.row_count > 0) in_transaction(target_.connection, [&] { record(table, range, here); });
    return;
  }
  const bool is_of_a_copy = before && before->end == range.end && before->sum == there;
  if (there.row_count > 0 && !is_of_a_copy && !request_.replaces) {
    throw Error(
        ErrorCode::ObjectNotInPrerequisiteState,
        "table \"" + table.short_name() + "\" of the target has other rows in the range" + range_text(range),
        std::to_string(there.row_count) + " rows there, " + std::to_string(here.row_count) +
            " at the source.",
        "Use --replace to put the source's in their place, or --tables to leave the table out.");
  }
  copy_range(table, range, here, there.row_count > 0);
  outcome.copied_count += here.row_count;
}

void StoreCopy::copy_range(const TableFacts& table, const TimeRange& range, const RowSum& sum,
                           bool has_rows) {
  const std::string names = column_names(table);
  in_transaction(target_.connection, [&] {
    if (has_rows)
      market::run(target_.connection, "DELETE FROM " + table.full_name() + range_condition(table, range));
    if (sum.row_count > 0) {
      copy_across(source_.connection,
                  "COPY (SELECT " + names + " FROM " + table.full_name() + range_condition(table, range) +
                      ") TO STDOUT",
                  target_.connection, "COPY " + table.full_name() + " (" + names + ") FROM STDIN");
    }
    const RowSum came = row_sum(target_.connection, table, range);
    if (came != sum) {
      throw Error(ErrorCode::DataCorrupted,
                  "rows of table \"" + table.short_name() + "\"" + range_text(range) +
                      " are others at the target than at the source",
                  std::to_string(came.row_count) + " rows of checksum " + came.checksum + " came, " +
                      std::to_string(sum.row_count) + " of " + sum.checksum + " were sent.",
                  "Look for triggers and for column types that differ.");
    }
    record(table, range, sum);
  });
}

void StoreCopy::set_sequences(const std::vector<SequenceFacts>& sequences) {
  const auto there = read_sequences(target_.connection);
  for (const auto& sequence : sequences) {
    const bool is_there = std::any_of(there.begin(), there.end(),
                                      [&](const auto& one) { return one.full_name == sequence.full_name; });
    if (!is_there || !sequence.last_value) continue;
    market::run(target_.connection,
                "SELECT setval(" + quote_literal(sequence.full_name) + ", " + *sequence.last_value + ")");
    ++outcome_.sequence_count;
  }
}

/// Those that are there already; new ones are filled when they are made.
void StoreCopy::refresh_aggregates() {
  if (!request_.tables.empty()) return;
  for (const auto& aggregate : read_aggregates(target_.connection, target_.home))
    objects_.refresh(aggregate.full_name, request_.since);
}

void StoreCopy::copy_objects(const std::vector<TableFacts>& tables,
                             const std::vector<SequenceFacts>& sequences) {
  using Phase = ObjectStep::Phase;
  const auto before = read_home(target_.connection, target_.home);
  const auto plan = plan_objects(facts_, before, plan_options(tables));
  refresh_aggregates();
  for (const auto& object : before.objects) {
    const bool is_of_source = std::any_of(facts_.objects.begin(), facts_.objects.end(),
                                          [&](const auto& one) { return one.full_name == object.full_name; });
    if (object.kind != ObjectKind::MaterializedView || !is_of_source || !request_.tables.empty()) continue;
    objects_.refresh_view(object);
  }
  for (const auto phase : {Phase::Roles, Phase::Schemas, Phase::Definitions}) objects_.run(plan, phase);
  set_sequences(sequences);
  for (const auto phase : {Phase::Layouts, Phase::Jobs, Phase::Rights}) objects_.run(plan, phase);
  outcome_.made_objects = objects_.made();
  outcome_.refreshed.insert(outcome_.refreshed.begin(), objects_.refreshed().begin(),
                            objects_.refreshed().end());
  outcome_.left_out.insert(outcome_.left_out.end(), plan.left_out.begin(), plan.left_out.end());
  outcome_.left_out.insert(outcome_.left_out.end(), objects_.left_out().begin(), objects_.left_out().end());
}

void StoreCopy::tell_plan(const std::vector<TableFacts>& tables) {
  const auto plan = plan_objects(facts_, read_home(target_.connection, target_.home), plan_options(tables));
  auto& names = request_.only_verifies ? outcome_.missing : outcome_.made_objects;
  for (const auto& step : plan.steps) names.push_back(step.what);
  outcome_.left_out = plan.left_out;
}

void StoreCopy::add_foreign_keys(const std::vector<TableFacts>& tables) {
  const auto there = read_tables(target_.connection, target_.home);
  for (const auto& table : tables) {
    const auto same = std::find_if(there.begin(), there.end(), [&](const TableFacts& one) {
      return one.full_name() == table.full_name();
    });
    if (same == there.end()) continue;
    for (const auto& key : table.foreign_keys) {
      // CONSTRAINT "name" ...: by its name, for homes word the rest each in their way.
      const auto name = key.substr(0, key.find("FOREIGN KEY"));
      if (std::any_of(same->foreign_keys.begin(), same->foreign_keys.end(),
                      [&](const std::string& one) { return one.starts_with(name); }))
        continue;
      market::run(target_.connection, "ALTER TABLE " + table.full_name() + " ADD " + key);
    }
  }
}

}  // namespace tickstone::market
