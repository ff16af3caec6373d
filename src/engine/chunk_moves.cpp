// SPDX-License-Identifier: Apache-2.0
// detach_chunk and attach_chunk: a chunk's rows become a table of their own, and back.
#include <algorithm>

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

#include "catalog/object_names.hpp"
#include "engine/action.hpp"
#include "engine/chunk_relation.hpp"
#include "engine/ddl_table.hpp"
#include "engine/executors.hpp"
#include "engine/time_units.hpp"

namespace tickstone::engine {
namespace {

/// Rows of a statement that nobody asked for; notices go on to the session's own.
class QuietSink final : public ResultSink {
 public:
  explicit QuietSink(SessionContext& context) : context_(context) {}
  void row_description(const std::vector<ResultColumn>&) override {}
  void rows(const Batch&) override {}
  void command_complete(std::string_view) override {}
  void empty_query() override {}
  void notice(const Notice& notice) override { context_.notice(notice); }
  void begin_copy_in(bool, std::size_t) override {}
  bool read_copy_data(std::string&) override { return false; }
  void begin_copy_out(bool, std::size_t) override {}
  void copy_data(std::string_view) override {}
  void end_copy_out() override {}

 private:
  SessionContext& context_;
};

void run_statement(SessionContext& context, const std::string& text) {
  QuietSink sink(context);
  Execution execution{context, sink, {}, false};
  for (const auto& statement : sql::parse(text)) (void)execute_statement(execution, statement);
}

std::string qualified(const std::string& schema, const std::string& name) {
  return catalog::quote_identifier(schema) + "." + catalog::quote_identifier(name);
}

/// The table that a detached chunk becomes: columns, primary key, checks and indexes of the hypertable. What
/// refers to other objects (foreign keys, sequences) stays behind.
catalog::RelationObject detached_table(SessionContext& context, catalog::CatalogEdit& edit,
                                       const catalog::Chunk& chunk) {
  auto& store = context.database().store();
  catalog::RelationObject table = *chunk.relation;
  table.oid = store.next_table_id();
  table.rewritten_table = 0;
  table.schema = edit.catalog().find_schema(chunk.schema())->oid;
  table.name = chunk.name();
  table.hypertable.reset();
  table.options.clear();
  for (auto& column : table.columns) {
    column.sequence = 0;
    column.identity = 0;
    if (column.default_text.find("nextval(") != std::string::npos) column.default_text.clear();
  }
  std::erase_if(table.constraints, [](const auto& constraint) {
    return constraint.kind == catalog::ConstraintObject::Kind::ForeignKey;
  });
  const std::string prefix = std::to_string(chunk.info.number) + "_";
  for (auto& index : table.indexes) {
    const auto old = index.oid;
    index.oid = store.next_table_id();
    index.name = edit.catalog().free_name(table.schema, prefix + index.name);
    if (index.key_table != 0) index.key_table = store.next_table_id();
    for (auto& constraint : table.constraints) {
      if (constraint.index != old) continue;
      constraint.index = index.oid;
      constraint.name = index.name;
    }
  }
  for (auto& constraint : table.constraints) constraint.oid = store.next_table_id();
  return table;
}

ActionResult detach_chunk(SessionContext& context, std::string_view function,
                          const ActionArguments& arguments) {
  const auto given = arguments.chunk("chunk");
  if (given.relation->kind != catalog::RelationKind::Table)
    throw Error(ErrorCode::FeatureNotSupported, "cannot detach a chunk of a continuous aggregate");
  const std::string schema = given.schema(), name = given.name();
  context.lock_for_change(
      {context.catalog()->find_schema(given.relation->schema)->name, given.relation->name, 0}, function);
  auto& edit = context.edit_catalog(function);
  context.refresh_view();
  const auto catalog = context.catalog();  // keeps what is found in it
  const auto chunk = find_chunk(context, schema, name);
  if (!chunk)
    throw Error(ErrorCode::UndefinedTable, "relation \"" + schema + "." + name + "\" does not exist");
  const auto info = chunk_info(context, *chunk);
  const auto storage_table = chunk->relation->table();
  const auto range = chunk->info.range;
  const auto table = detached_table(context, edit, *chunk);
  sql::DuckQuery query;
  query.text = "SELECT ";
  for (const auto& column : info.columns)
    query.text += (query.text.size() > 7 ? ", " : "") + duck_name(column.name);
  query.text += " FROM " + duck_name(info.part->scan_name) + " WHERE " + info.part->condition;
  const auto oid = chunk->relation->oid;
  {
    create_storage(context, table);
    const auto stream = context.open(query, {});
    insert_all(context, table, *stream);
  }
  edit.put_relation(table);
  context.refresh_view();
  for (const auto& index : table.indexes) {
    if (index.key_table != 0) fill_key_table(context, table, index);
  }
  forget_unique_keys(context, *chunk->relation, range, function);
  context.writes(function).drop_chunks(storage_table, range);
  catalog::RelationObject hypertable = *edit.catalog().find_relation(oid);
  std::erase_if(hypertable.hypertable->chunk_notes,
                [&](const auto& note) { return note.number == given.info.number; });
  edit.put_relation(hypertable);
  return {};
}

/// A bound of a slice, given as a text, a number (microseconds for times) or left out.
std::int64_t slice_bound(SessionContext& context, const SqlType& type, const nlohmann::json& bound) {
  Value value = bound.is_string() ? Value::of_text(bound.get<std::string>())
                                  : Value::of_bigint(bound.get<std::int64_t>());
  if (bound.is_string() && is_integer(type.id)) value = parse_value(SqlType::of(TypeId::BigInt), value.text);
  if (bound.is_number() && !is_integer(type.id)) {
    if (type.id == TypeId::Date) return bound.get<std::int64_t>() / kMicrosPerDay;
    return type.id == TypeId::TimestampNs ? bound.get<std::int64_t>() * 1000 : bound.get<std::int64_t>();
  }
  return time_bound(context, type, value);
}

ActionResult attach_chunk(SessionContext& context, std::string_view function,
                          const ActionArguments& arguments) {
  const catalog::RelationObject hypertable = arguments.hypertable("hypertable");
  const catalog::RelationObject table = arguments.relation("chunk");
  if (table.kind != catalog::RelationKind::Table || table.hypertable)
    throw Error(ErrorCode::WrongObjectType, "\"" + table.name + "\" is not a plain table");
  const auto catalog = context.catalog();
  std::string columns;
  for (const auto& column : hypertable.columns) {
    const auto* other = table.find_column(column.name);
    if (other == nullptr || other->type != column.type)
      throw Error(ErrorCode::DatatypeMismatch, "table \"" + table.name + "\" has no column \"" + column.name +
                                                   "\" of type " + to_sql(column.type));
    if (column.generated_text.empty())
      columns += (columns.empty() ? "" : ", ") + catalog::quote_identifier(column.name);
  }
  for (const auto& column : table.columns) {
    if (hypertable.find_column(column.name) == nullptr)
      throw Error(ErrorCode::DatatypeMismatch,
                  "table \"" + table.name + "\" contains column \"" + column.name +
                      "\" not found in parent \"" + hypertable.name + "\"",
                  "The new chunk can contain only the columns present in parent.");
  }
  const std::string from = qualified(catalog->find_schema(table.schema)->name, table.name);
  const auto& time = *hypertable.find_column(time_dimension(hypertable).column);
  const auto slices = nlohmann::json::parse(arguments.text("slices").value_or("null"), nullptr, false);
  if (!slices.is_object() || !slices.contains(time.name) || !slices[time.name].is_array() ||
      slices[time.name].size() != 2)
    throw Error(ErrorCode::InvalidParameterValue, "invalid slices for hypertable \"" + hypertable.name + "\"",
                {}, "Give the range of the time column: {\"" + time.name + "\": [\"from\", \"to\"]}.");
  const catalog::Chunk part{&hypertable,
                            {0,
                             0,
                             {slice_bound(context, time.type, slices[time.name][0]),
                              slice_bound(context, time.type, slices[time.name][1])}}};
  const std::string outside =
      "SELECT count(*) FROM " + from + " WHERE NOT (" + chunk_condition(context, part) + ")";
  const Batch count = context.run(sql::Rewriter(context).query(sql::parse_query(outside)));
  if (value_at(count.columns[0].view(), 0).integer != 0)
    throw Error(ErrorCode::CheckViolation,
                "table \"" + table.name + "\" has rows outside of the given slice");
  const std::string into = qualified(catalog->find_schema(hypertable.schema)->name, hypertable.name);
  run_statement(context, "INSERT INTO " + into + " (" + columns + ") SELECT " + columns + " FROM " + from);
  auto& edit = context.edit_catalog(function);
  drop_relation(context, edit, table.oid, false);
  return {};
}

}  // namespace

void add_chunk_move_actions(Actions& actions) {
  actions["detach_chunk"] = {{"chunk"}, {}, detach_chunk};
  actions["attach_chunk"] = {{"hypertable", "chunk", "slices"}, {}, attach_chunk};
}

}  // namespace tickstone::engine
