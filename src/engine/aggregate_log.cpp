// SPDX-License-Identifier: Apache-2.0
#include "engine/aggregate_log.hpp"

#include <algorithm>
#include <utility>

#include "storage/taken_rows.hpp"

namespace tickstone::engine {
namespace {

constexpr storage::ColumnId kRelation = 1;
constexpr storage::ColumnId kKind = 2;   // of kAggregateStateTable
constexpr storage::ColumnId kStart = 2;  // of logs
constexpr storage::ColumnId kEnd = 3;
constexpr storage::ColumnId kGeneration = 4;

storage::TableSchema state_schema() {
  storage::TableSchema schema;
  schema.id = kAggregateStateTable;
  schema.name = "aggregate state";
  schema.columns = {{kRelation, "relation", SqlType::of(TypeId::BigInt), true},
                    {kKind, "kind", SqlType::of(TypeId::SmallInt), true},
                    {3, "value", SqlType::of(TypeId::BigInt), true}};
  schema.primary_key = {kRelation, kKind};
  schema.primary_key_name = "aggregate_state_pkey";
  return schema;
}

storage::TableSchema log_schema(storage::TableId table) {
  storage::TableSchema schema;
  schema.id = table;
  schema.name = table == kChangeLogTable ? "change log" : "invalidations";
  schema.columns = {{kRelation, "relation", SqlType::of(TypeId::BigInt), true},
                    {kStart, "range_start", SqlType::of(TypeId::BigInt), true},
                    {kEnd, "range_end", SqlType::of(TypeId::BigInt), true}};
  if (table == kInvalidationTable)
    schema.columns.push_back({kGeneration, "generation", SqlType::of(TypeId::BigInt), true});
  return schema;
}

Batch state_key(catalog::Oid relation, AggregateValue kind) {
  Batch keys;
  keys.columns.emplace_back(SqlType::of(TypeId::BigInt));
  keys.columns.emplace_back(SqlType::of(TypeId::SmallInt));
  keys.columns[0].append_fixed<std::int64_t>(relation);
  keys.columns[1].append_fixed<std::int16_t>(static_cast<std::int16_t>(kind));
  return keys;
}

storage::ColumnPredicate is_relation(catalog::Oid relation) {
  storage::ColumnPredicate predicate;
  predicate.column = kRelation;
  const Value value = Value::of_bigint(relation);
  predicate.lower = {value, true};
  predicate.upper = {value, true};
  return predicate;
}

std::int64_t number_at(const ColumnView& column, std::size_t row) {
  return static_cast<std::int64_t>(column.integer(row));
}

template <typename Visit>
void each_row(const storage::ReadView& view, const storage::ScanRequest& request, Visit&& visit) {
  if (view.schema(request.table) == nullptr) return;
  const auto scan = view.scan(request);
  const auto state = scan->make_state();
  storage::ScanBatch batch;
  while (scan->read(*state, batch)) {
    for (std::size_t row = 0; row < batch.row_count; ++row) visit(batch, row);
  }
}

}  // namespace

void create_aggregate_tables(storage::Store& store) {
  const auto view = store.read_view();
  if (view->schema(kAggregateStateTable) != nullptr) return;
  const auto transaction = store.begin();
  transaction->create_table(state_schema());
  transaction->create_table(log_schema(kChangeLogTable));
  transaction->create_table(log_schema(kInvalidationTable));
  transaction->commit();
}

std::optional<std::int64_t> find_aggregate_value(const storage::ReadView& view, catalog::Oid relation,
                                                 AggregateValue kind) {
  if (view.schema(kAggregateStateTable) == nullptr) return std::nullopt;
  const auto found = view.lookup(kAggregateStateTable, state_key(relation, kind));
  if (found.found[0] < 0) return std::nullopt;
  return number_at(found.rows.columns[2].view(), static_cast<std::size_t>(found.found[0]));
}

void put_aggregate_value(storage::Transaction& transaction, catalog::Oid relation, AggregateValue kind,
                         std::int64_t value) {
  Batch row = state_key(relation, kind);
  row.columns.emplace_back(SqlType::of(TypeId::BigInt));
  row.columns[2].append_fixed<std::int64_t>(value);
  transaction.insert(kAggregateStateTable, row, storage::OnDuplicate::Replace);
}

std::vector<std::pair<catalog::Oid, std::int64_t>> aggregate_values(const storage::ReadView& view,
                                                                    AggregateValue kind) {
  std::vector<std::pair<catalog::Oid, std::int64_t>> values;
  storage::ScanRequest request;
  request.table = kAggregateStateTable;
  request.columns = {kRelation, kKind, 3};
  each_row(view, request, [&](const storage::ScanBatch& batch, std::size_t row) {
    if (number_at(batch.columns[1], row) != static_cast<std::int64_t>(kind)) return;
    values.emplace_back(static_cast<catalog::Oid>(number_at(batch.columns[0], row)),
                        number_at(batch.columns[2], row));
  });
  return values;
}

LoggedRanges read_logged_ranges(const storage::ReadView& view, storage::TableId log, catalog::Oid relation) {
  LoggedRanges logged;
  logged.keys.columns.emplace_back(SqlType::of(TypeId::BigInt));
  storage::ScanRequest request;
  request.table = log;
  request.columns = {kRelation, kStart, kEnd, storage::kRowIdColumn};
  if (log == kInvalidationTable) request.columns.push_back(kGeneration);
  request.predicates.push_back(is_relation(relation));
  each_row(view, request, [&](const storage::ScanBatch& batch, std::size_t row) {
    if (number_at(batch.columns[0], row) != static_cast<std::int64_t>(relation)) return;
    logged.ranges.push_back({number_at(batch.columns[1], row), number_at(batch.columns[2], row)});
    logged.keys.columns[0].append_fixed<std::int64_t>(number_at(batch.columns[3], row));
    if (log == kInvalidationTable) logged.generations.push_back(number_at(batch.columns[4], row));
  });
  return logged;
}

void append_logged_ranges(storage::Transaction& transaction, storage::TableId log, catalog::Oid relation,
                          const storage::TimeRanges& ranges, std::int64_t generation) {
  if (ranges.empty()) return;
  Batch rows;
  const std::size_t columns = log == kInvalidationTable ? 4 : 3;
  for (std::size_t i = 0; i < columns; ++i) rows.columns.emplace_back(SqlType::of(TypeId::BigInt));
  for (const auto& range : ranges) {
    rows.columns[0].append_fixed<std::int64_t>(relation);
    rows.columns[1].append_fixed<std::int64_t>(range.start);
    rows.columns[2].append_fixed<std::int64_t>(range.end);
    if (columns == 4) rows.columns[3].append_fixed<std::int64_t>(generation);
  }
  storage::TakenRows::of(transaction).insert_taken(log, std::move(rows), storage::OnDuplicate::Fail);
}

std::int64_t newest_generation(const storage::ReadView& view) {
  std::int64_t newest = 0;
  storage::ScanRequest request;
  request.table = kInvalidationTable;
  request.columns = {kGeneration};
  each_row(view, request, [&](const storage::ScanBatch& batch, std::size_t row) {
    newest = std::max(newest, number_at(batch.columns[0], row));
  });
  return newest;
}

void empty_aggregate(storage::Transaction& transaction, catalog::Oid aggregate) {
  if (find_aggregate_value(*transaction.read_view(), aggregate, AggregateValue::Watermark))
    transaction.erase(kAggregateStateTable, state_key(aggregate, AggregateValue::Watermark));
  append_logged_ranges(transaction, kInvalidationTable, aggregate, {{}});
}

void forget_aggregate(storage::Transaction& transaction, const storage::ReadView& view,
                      catalog::Oid relation) {
  for (const auto kind : {AggregateValue::Threshold, AggregateValue::Watermark}) {
    if (find_aggregate_value(view, relation, kind))
      transaction.erase(kAggregateStateTable, state_key(relation, kind));
  }
  for (const auto log : {kChangeLogTable, kInvalidationTable}) {
    const auto logged = read_logged_ranges(view, log, relation);
    if (!logged.ranges.empty()) transaction.erase(log, logged.keys);
  }
}

}  // namespace tickstone::engine
