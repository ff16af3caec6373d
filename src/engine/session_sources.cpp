// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "catalog/object_names.hpp"
#include "catalog/populated.hpp"
#include "engine/aggregate_changes.hpp"
#include "engine/aggregate_query.hpp"
#include "engine/aggregate_tracker.hpp"
#include "engine/dump_session.hpp"
#include "engine/rights.hpp"
#include "engine/sequence_relation.hpp"
#include "engine/session_context.hpp"
#include "engine/unpopulated_view.hpp"

namespace tickstone::engine {

std::shared_ptr<duck::Connection> SessionContext::duck() {
  if (duck_ == nullptr) {
    instance_ = database_.instance();
    duck_ = instance_->connect(*this, *this);
    duck_time_zone_.clear();
    std::lock_guard lock(activity_mutex_);
    std::erase_if(running_, [](const auto& connection) { return connection.expired(); });
    running_.push_back(duck_);
  }
  if (settings_.time_zone() != duck_time_zone_) {
    duck_->set_time_zone(settings_.time_zone());
    duck_time_zone_ = settings_.time_zone();
  }
  duck_->set_styles(settings_.format_context().dates, settings_.format_context().intervals);
  return duck_;
}

void SessionContext::adopt_duck(std::shared_ptr<duck::Connection> connection, std::string time_zone) {
  duck_ = std::move(connection);
  duck_->attach(*this, *this);
  duck_time_zone_ = std::move(time_zone);
  std::lock_guard lock(activity_mutex_);
  running_.push_back(duck_);
}

void SessionContext::recover_instance() {
  duck_.reset();
  database_.replace_instance(instance_);
  instance_.reset();
}

std::unique_ptr<duck::ResultStream> SessionContext::open(const sql::DuckQuery& query,
                                                         std::span<const Value> parameters) {
  check_cancelled();
  if (!query.subqueries.empty())  // those who can have them have run them by now
    throw Error(ErrorCode::FeatureNotSupported, "FOR UPDATE in a subquery is not supported here");
  const auto connection = duck();
  if (parameters.empty()) return connection->query(query.text);
  // The stream keeps what it needs of the prepared query.
  return connection->prepare(query.text)->execute(parameters);
}

Batch SessionContext::run(const sql::DuckQuery& query, std::span<const Value> parameters) {
  auto stream = open(query, parameters);
  Batch all, part;
  for (const auto& column : stream->columns()) all.columns.emplace_back(column.type);
  while (stream->next(part)) {
    check_cancelled();
    for (std::size_t i = 0; i < part.columns.size(); ++i) {
      if (all.columns[i].size() == 0)
        all.columns[i] = part.columns[i];
      else
        all.columns[i].append_all(part.columns[i].view());
    }
    if (part.columns.empty()) all.zero_column_rows += part.zero_column_rows;
  }
  return all;
}

Value SessionContext::evaluate(const sql::Expr& expr, std::span<const Value> parameters) {
  if (const auto constant = sql::constant_of(expr)) {
    const SqlType type = constant->type.value_or(SqlType::of(TypeId::Unknown));
    if (constant->is_null) return Value::null_of(type);
    if (!constant->type) {
      Value value = Value::of_text(constant->text);
      value.type = SqlType::of(TypeId::Unknown);
      return value;
    }
    // Names of relations are for the caller to look up: some are names of chunks.
    const bool is_name = type.id == TypeId::Regclass && !constant->text.empty() &&
                         constant->text.find_first_not_of("0123456789") != std::string::npos;
    if (is_name && !type.is_array) return Value::of_text(constant->text);
    return parse_value(is_name ? SqlType::array_of(TypeId::Text) : type, constant->text,
                       settings_.format_context());
  }
  if (view_ == nullptr) begin_statement();
  const auto query = sql::Rewriter(*this).expressions({expr}, nullptr, "");
  const Batch result = run(query, parameters);
  TICKSTONE_CHECK(result.row_count() == 1);
  return value_at(result.columns[0].view(), 0);
}

void SessionContext::set_rows(const std::string& name, std::vector<duck::SourceColumn> columns,
                              std::shared_ptr<const Batch> rows) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    // Rows that a query gave have labels for their numbers.
    if (columns[i].type.id == TypeId::Enum && rows->columns[i].type().id == TypeId::Text) {
      auto changed = std::make_shared<Batch>(*rows);
      changed->columns[i] = cast_column(rows->columns[i].view(), columns[i].type, CastStrength::Explicit,
                                        settings_.format_context());
      rows = std::move(changed);
    }
    columns[i].layout = rows->columns[i].layout();
  }
  rows_[name] = {std::move(columns), std::move(rows)};
}

void SessionContext::clear_rows() { rows_.clear(); }

std::optional<duck::SourceRelation> SessionContext::find_relation(std::string_view name) {
  auto source = find_source(name);
  if (!source) return source;
  for (auto& column : source->columns) {
    if (column.type.id == TypeId::Enum) column.labels = enum_labels(column.type.user_oid());
  }
  return source;
}

std::optional<duck::SourceRelation> SessionContext::find_source(std::string_view name) {
  duck::SourceRelation source;
  if (const auto own = rows_.find(name); own != rows_.end()) {
    source.kind = duck::SourceRelation::Kind::Rows;
    source.columns = own->second.columns;
    return source;
  }
  const auto dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string schema(name.substr(0, dot)), relation_name(name.substr(dot + 1));
  if (const auto* columns = catalog::system_relation_columns(schema, relation_name)) {
    source.kind = duck::SourceRelation::Kind::Rows;
    for (const auto& column : *columns)
      source.columns.push_back({column.name, column.type, initial_layout(column.type), false, 0});
    return source;
  }
  const auto catalog = this->catalog();
  const auto* relation = catalog->find_relation(schema, relation_name);
  ScanConditions conditions;
  bool is_materialization = false;
  std::string words;
  if (relation == nullptr) {
    if (const auto plain = split_scan_name(name, conditions)) {
      const auto plain_dot = plain->find('.');
      if (plain_dot == std::string_view::npos) return std::nullopt;
      relation = catalog->find_relation(std::string(plain->substr(0, plain_dot)),
                                        std::string(plain->substr(plain_dot + 1)));
      words = scan_words(conditions);
    } else {
      relation = find_materialization(*catalog, schema, relation_name);
      is_materialization = true;
    }
  }
  if (relation == nullptr) return std::nullopt;
  const bool is_below = !conditions.empty() && conditions.back().kind == ScanCondition::Kind::Below;
  if (is_real_time(*relation) && !is_materialization && !is_below) {
    require_sources(*this, *relation);
    source.kind = duck::SourceRelation::Kind::Query;
    source.query = real_time_query(*this, *relation, conditions);
    return source;
  }
  if (relation->kind == catalog::RelationKind::Sequence) {
    source.kind = duck::SourceRelation::Kind::Rows;
    for (const auto& column : sequence_columns())
      source.columns.push_back({column.name, column.type, initial_layout(column.type), false, 0});
    return source;
  }
  if (relation->kind == catalog::RelationKind::View) {
    // Names in a view mean what they meant when it was made: its search_path is kept with it.
    source.kind = duck::SourceRelation::Kind::Query;
    const AsOwner as_owner(*this, relation->owner);
    auto query = sql::Rewriter(*this).query(sql::parse_query(relation->view_text));
    if (!query.subqueries.empty())
      throw Error(ErrorCode::FeatureNotSupported, "a view that locks rows is not supported");
    source.query = std::move(query.text);
    return source;
  }
  if (!relation->is_stored()) return std::nullopt;
  if (!catalog::is_populated(*relation)) {
    source.kind = duck::SourceRelation::Kind::Query;
    source.query = unpopulated_query(*this, *relation);
    return source;
  }
  const storage::TableSchema* schema_of_table = view_->schema(relation->table());
  if (schema_of_table == nullptr) return std::nullopt;
  source.table = relation->table();
  if (!words.empty()) source.table = database_.aggregates().restricted_table(source.table, words);
  source.has_row_id = schema_of_table->primary_key.empty();
  const auto layouts = view_->layouts(relation->table());
  for (const auto& column : relation->columns) {
    const std::size_t index = schema_of_table->index_of(column.id);
    source.columns.push_back({column.name, column.type, layouts[index], column.not_null, column.id});
  }
  return source;
}

std::shared_ptr<const storage::ReadView> SessionContext::read_view() {
  const auto& tracker = database_.aggregates();
  // A scan of some rows may yet be planned while the view is in use.
  const bool may_have_aggregates = tracker.has_sources() || has_catalog_edit();
  if (view_ == nullptr || !may_have_aggregates) return view_;
  return view_of_some_rows(tracker, view_, aggregated_times_);
}

std::shared_ptr<const Batch> SessionContext::rows(std::string_view name) {
  if (const auto own = rows_.find(name); own != rows_.end()) return own->second.rows;
  const auto dot = name.find('.');
  const auto* relation = catalog()->find_relation(name.substr(0, dot), name.substr(dot + 1));
  if (relation != nullptr && relation->kind == catalog::RelationKind::Sequence)
    return std::make_shared<const Batch>(sequence_row(database_.store(), *relation));
  const auto audience = is_dump(settings_) ? catalog::Audience::Dump : catalog::Audience::Everybody;
  return std::make_shared<const Batch>(
      catalog::system_relation_rows(name.substr(0, dot), name.substr(dot + 1), *catalog(), *this, audience));
}

std::string SessionContext::chunk_name(std::string_view relation, std::uint32_t number) {
  const auto dot = relation.find('.');
  const auto catalog = this->catalog();
  const auto* found = dot == std::string_view::npos
                          ? nullptr
                          : catalog->find_relation(std::string(relation.substr(0, dot)),
                                                   std::string(relation.substr(dot + 1)));
  return found == nullptr ? std::to_string(number) : catalog::chunk_name(*found, number);
}

}  // namespace tickstone::engine
