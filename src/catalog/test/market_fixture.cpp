// SPDX-License-Identifier: Apache-2.0
#include "catalog/test/market_fixture.hpp"

#include "base/check.hpp"

namespace tickstone::catalog {
namespace {

ColumnObject column(storage::ColumnId id, const char* name, TypeId type, bool not_null = false) {
  ColumnObject made;
  made.id = id;
  made.name = name;
  made.type = SqlType::of(type);
  made.not_null = not_null;
  return made;
}

RelationObject table(Oid oid, const char* name) {
  RelationObject made;
  made.oid = oid;
  made.schema = 2200;
  made.name = name;
  made.owner = "trader";
  return made;
}

IndexObject index(Oid oid, const char* name, std::vector<IndexObject::Key> keys) {
  IndexObject made;
  made.oid = oid;
  made.name = name;
  made.keys = std::move(keys);
  return made;
}

RelationObject make_ohlcv() {
  RelationObject made = table(Market::kOhlcv, "ohlcv");
  made.columns = {column(1, "symbol", TypeId::Text, true), column(2, "timestamp", TypeId::TimestampTz, true),
                  column(3, "close", TypeId::Numeric, true), column(4, "timeframe", TypeId::Text, true)};
  made.next_column_id = 5;
  IndexObject key = index(Market::kOhlcvKey, "ohlcv_pkey", {{1, {}}, {2, {}}, {4, {}}});
  key.is_unique = key.is_primary = true;
  made.indexes = {key, index(Market::kOhlcvIndex, "ohlcv_timestamp_idx", {{2, {}, true, true}})};
  ConstraintObject primary;
  primary.oid = Market::kOhlcvConstraint;
  primary.name = "ohlcv_pkey";
  primary.columns = {1, 2, 4};
  primary.index = Market::kOhlcvKey;
  made.constraints = {primary};
  made.hypertable = HypertableInfo{};
  made.hypertable->id = 1;
  made.hypertable->dimensions = {{1, 2, true, 7 * 86'400'000'000, 0, {}}};
  made.hypertable->chunk_notes = {{3, true, {}, {}}};
  made.comment = "Bars";
  made.columns[2].comment = "Last price";
  return made;
}

RelationObject make_positions() {
  RelationObject made = table(Market::kPositions, "positions");
  made.columns = {column(1, "id", TypeId::Integer, true), column(2, "ticker", TypeId::Text, true),
                  column(4, "is_focus", TypeId::Boolean)};
  made.columns[0].default_text = "nextval('positions_id_seq'::regclass)";
  made.columns[0].sequence = Market::kPositionsSequence;
  made.columns[2].default_text = "FALSE";
  IndexObject key = index(Market::kPositionsKey, "positions_pkey", {{1, {}}});
  key.is_unique = key.is_primary = true;
  made.indexes = {key};
  ConstraintObject primary;
  primary.oid = 16393;
  primary.name = "positions_pkey";
  primary.columns = {1};
  primary.index = Market::kPositionsKey;
  made.constraints = {primary};
  return made;
}

RelationObject make_sequence() {
  RelationObject made = table(Market::kPositionsSequence, "positions_id_seq");
  made.kind = RelationKind::Sequence;
  made.sequence = SequenceInfo{};
  made.sequence->type = SqlType::of(TypeId::Integer);
  made.sequence->maximum = 2147483647;
  made.sequence->owner_table = Market::kPositions;
  made.sequence->owner_column = 1;
  return made;
}

RelationObject make_view() {
  RelationObject made = table(Market::kView, "last_bars");
  made.kind = RelationKind::View;
  made.columns = {column(0, "symbol", TypeId::Text), column(0, "close", TypeId::Numeric)};
  made.view_text = "SELECT symbol, close FROM ohlcv WHERE timeframe = '1d'";
  made.depends_on = {Market::kOhlcv};
  return made;
}

RelationObject make_aggregate() {
  RelationObject made = table(Market::kAggregate, "daily");
  made.kind = RelationKind::ContinuousAggregate;
  made.columns = {column(1, "symbol", TypeId::Text), column(2, "day", TypeId::TimestampTz)};
  made.view_text =
      "SELECT symbol, time_bucket('1 day', \"timestamp\") AS day FROM ohlcv GROUP BY symbol, day";
  made.aggregate = AggregateInfo{};
  made.aggregate->source_table = Market::kOhlcv;
  made.aggregate->definition_text = made.view_text;
  return made;
}

storage::TableSchema storage_schema(const RelationObject& relation) {
  storage::TableSchema schema;
  schema.id = relation.oid;
  schema.name = relation.name;
  for (const auto& c : relation.columns) schema.columns.push_back({c.id, c.name, c.type, c.not_null});
  schema.primary_key = {1, 2};
  return schema;
}

storage::ChunkInfo chunk(std::uint32_t number, std::int64_t day, std::uint64_t sealed, std::uint64_t open) {
  storage::ChunkInfo info;
  info.table = Market::kOhlcv;
  info.number = number;
  info.range = {day * 86'400'000'000, (day + 7) * 86'400'000'000};
  info.rows_sealed = sealed;
  info.rows_open = open;
  info.bytes_on_disk = sealed * 10;
  info.bytes_in_memory = open * 50;
  info.segment_count = sealed > 0 ? 1 : 0;
  return info;
}

}  // namespace

Market::Market() {
  RoleObject owner;
  owner.oid = 10;
  owner.name = "trader";
  owner.superuser = true;
  bootstrap(transaction, owner);
  edit = std::make_unique<CatalogEdit>(Catalog::load(*transaction.read_view()), transaction);
  edit->put_relation(make_ohlcv());
  edit->put_relation(make_sequence());
  edit->put_relation(make_positions());
  edit->put_relation(make_view());
  edit->put_relation(make_aggregate());
  JobObject job;
  job.id = 1000;
  job.application_name = "Refresh Continuous Aggregate Policy [1000]";
  job.proc_schema = "_timescaledb_functions";
  job.proc_name = "policy_refresh_continuous_aggregate";
  job.owner = "trader";
  job.schedule_interval = "01:00:00";
  job.relation = kAggregate;
  job.config_json = "{\"end_offset\": \"1 day\"}";
  edit->put_job(job);
  transaction.create_table(storage_schema(ohlcv()));
  tables[kOhlcv].schema.time_column = 2;
  tables[kOhlcv].chunks = {chunk(7, 7, 0, 40), chunk(3, 0, 1000, 0)};
  Batch row;
  for (const char* text : {"AAPL", "2026-01-05 14:30:00+00", "187.15", "1d"}) {
    const auto& type = tables[kOhlcv].schema.columns[row.columns.size()].type;
    row.columns.emplace_back(type);
    append_parsed(row.columns.back(), text);
  }
  transaction.insert(kOhlcv, row, storage::OnDuplicate::Replace);
}

std::vector<std::vector<std::string>> batch_text(const Batch& batch) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t row = 0; row < batch.row_count(); ++row) {
    auto& cells = rows.emplace_back();
    for (const auto& cell_column : batch.columns) {
      std::string cell;
      if (cell_column.is_null(row)) {
        cell = "-";
      } else {
        append_text(cell, cell_column.view(), row, {});
      }
      cells.push_back(std::move(cell));
    }
  }
  return rows;
}

std::vector<std::vector<std::string>> Market::select(std::string_view schema, std::string_view name,
                                                     const std::vector<std::string>& columns,
                                                     const std::string& key, const std::string& value) const {
  const auto& all = *system_relation_columns(schema, name);
  const auto position = [&](const std::string& wanted) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].name == wanted) return i;
    }
    TICKSTONE_CHECK(!"no such column");
    return std::size_t{0};
  };
  std::vector<std::vector<std::string>> selected;
  for (const auto& row : batch_text(rows(schema, name))) {
    if (!key.empty() && row[position(key)] != value) continue;
    auto& cells = selected.emplace_back();
    for (const auto& wanted : columns) cells.push_back(row[position(wanted)]);
  }
  return selected;
}

std::string Market::call_text(std::string_view name, const std::vector<Value>& arguments) const {
  const Value value = call(name, arguments);
  return value.is_null ? "-" : to_text(value);
}

Value oid_argument(Oid oid) {
  return Value{SqlType::of(TypeId::Oid), false, 0, static_cast<std::int32_t>(oid)};
}

}  // namespace tickstone::catalog
