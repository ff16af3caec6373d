// SPDX-License-Identifier: Apache-2.0
#include "engine/unique_keys.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "catalog/definition_text.hpp"
#include "catalog/sql_tokens.hpp"
#include "engine/assignment.hpp"
#include "engine/row_keys.hpp"

namespace tickstone::engine {
namespace {

void add_once(std::vector<std::size_t>& list, std::size_t value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

std::size_t position_of(const catalog::RelationObject& relation, storage::ColumnId id) {
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    if (relation.columns[i].id == id) return i;
  }
  throw Error(ErrorCode::InternalError, "a column of an index of \"" + relation.name + "\" is gone");
}

/// The values of the key's expressions and its condition, in that order.
Batch evaluate(SessionContext& context, const sql::RelationInfo& info, const UniqueKey& key,
               const std::vector<std::size_t>& columns, const Batch& rows) {
  std::vector<sql::Expr> expressions;
  for (const auto& expression : key.expressions) {
    if (expression) expressions.push_back(expression);
  }
  if (key.where) expressions.push_back(key.where);
  if (expressions.empty()) return {};
  std::vector<duck::SourceColumn> sources;
  Batch read;
  for (const auto column : key.read_columns) {
    const auto& described = info.columns[column];
    sources.push_back({described.name, described.type, initial_layout(described.type), false, 0});
    const auto at = std::find(columns.begin(), columns.end(), column) - columns.begin();
    read.columns.push_back(rows.columns[static_cast<std::size_t>(at)]);
  }
  if (read.columns.empty()) {
    (void)sql::Rewriter(context).expressions(expressions, &info, "#key");  // names that are not there
    return {};
  }
  context.set_rows("#key", std::move(sources), std::make_shared<const Batch>(std::move(read)));
  return run_typed(context, sql::Rewriter(context).expressions(expressions, &info, "#key"), {});
}

/// The listed values, zeros for those that are NULL.
Column without_nulls(const Column& column, const std::vector<std::uint32_t>& rows) {
  Column zero(column.type(), column.layout());
  zero.append_null();
  auto plain = zero.view();
  plain.validity = nullptr;
  Column out(column.type(), column.layout());
  const auto view = column.view();
  for (const auto row : rows) {
    const bool is_null = view.is_null(row);
    out.append_from(is_null ? plain : view, is_null ? 0 : row);
  }
  return out;
}

bool is_one_of(const std::string& word, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* other) { return word == other; });
}

/// A moment without its zone is another one in each session.
bool is_moment_without_zone(std::string_view literal) {
  const bool is_moment = literal.size() > 5 && literal[1] >= '0' && literal[1] <= '9' &&
                         literal.find('-') != std::string_view::npos;
  return is_moment && literal.find('+') == std::string_view::npos &&
         literal.find('Z') == std::string_view::npos && literal.find("UTC") == std::string_view::npos;
}

/// Errors: InvalidObjectDefinition where the value may be another one in another session or at another time.
void require_immutable(SessionContext& context, const catalog::RelationObject& relation,
                       const std::string& text, const char* what) {
  const auto fail = [&] {
    throw Error(ErrorCode::InvalidObjectDefinition,
                std::string("functions in index ") + what + " must be marked IMMUTABLE");
  };
  bool has_instants = false;
  for (const auto id : catalog::columns_in_expression(relation, text))
    has_instants = has_instants || relation.find_column(id)->type.id == TypeId::TimestampTz;
  const auto tokens = catalog::sql_tokens(text);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string name = catalog::token_name(tokens[i]);
    const std::string_view next = i + 1 < tokens.size() ? tokens[i + 1].text : std::string_view();
    const bool is_cast = i > 1 && tokens[i - 1].text == ":" && tokens[i - 2].text == ":";
    if (!tokens[i].text.empty() && tokens[i].text.front() == '\'') {
      const bool is_instant = next == ":" && i + 3 < tokens.size() &&
                              is_one_of(tokens[i + 3].upper, {"TIMESTAMPTZ", "TIMESTAMP"});
      if ((has_instants || is_instant) && is_moment_without_zone(tokens[i].text)) {
        throw Error(
            ErrorCode::FeatureNotSupported,
            "a time without a zone in a unique index is not supported: " + std::string(tokens[i].text), {},
            "Write the zone with it: '2026-01-01 00:00+00'.");
      }
      continue;
    }
    if (name.empty()) continue;
    if (is_one_of(name, {"current_timestamp", "current_date", "current_time", "localtimestamp", "localtime",
                         "current_user", "session_user", "user", "current_role", "current_catalog",
                         "current_schema"}) &&
        relation.find_column(name) == nullptr)
      fail();
    if (is_cast && is_one_of(name, {"date", "timestamp", "timestamptz", "time", "timetz"})) {
      const auto& before = i > 2 ? tokens[i - 3] : tokens[0];
      const auto* column = relation.find_column(catalog::token_name(before));
      const bool is_local = column != nullptr && is_one_of(name, {"date", "timestamp", "time"}) &&
                            (column->type.id == TypeId::Timestamp || column->type.id == TypeId::Date);
      if (before.text.front() != '\'' && !is_local) fail();
    }
    if (is_cast && has_instants && is_one_of(name, {"text", "varchar", "character", "char"})) fail();
    if (next != "(" || is_cast) continue;
    for (const auto& function : context.user_functions({}, name)) {
      const auto* found = context.catalog()->find_function(function.oid);
      if (found != nullptr && found->volatility != 'i') fail();
    }
    if (context.is_volatile(name) ||
        is_one_of(name, {"now", "transaction_timestamp", "statement_timestamp", "to_char", "to_date",
                         "to_timestamp", "age", "currval", "current_setting", "pg_typeof"}))
      fail();
    if (has_instants && is_one_of(name, {"date_trunc", "date_part", "extract", "date", "text", "concat",
                                         "format", "time", "timestamp", "concat_ws"}))
      fail();
  }
}

}  // namespace

UniqueKey::UniqueKey(const catalog::RelationObject& relation, const catalog::IndexObject& index)
    : name(index.name),
      table(index.key_table),
      where_text(index.where_text),
      nulls_not_distinct(index.nulls_not_distinct) {
  const auto read = [&](const std::string& text) {
    for (const auto id : catalog::columns_in_expression(relation, text))
      add_once(read_columns, position_of(relation, id));
  };
  for (const auto& part : index.keys) {
    if (part.expression_text.empty()) {
      columns.push_back(position_of(relation, part.column));
      expressions.emplace_back();
      texts.emplace_back();
      types.push_back(relation.columns[columns.back()].type);
      add_once(read_columns, columns.back());
      continue;
    }
    has_expressions_ = true;
    columns.push_back(kNoColumn);
    expressions.push_back(sql::parse_expression(part.expression_text));
    texts.push_back(part.expression_text);
    types.push_back(part.type.value_or(SqlType::of(TypeId::Text)));
    read(part.expression_text);
  }
  if (where_text.empty()) return;
  where = sql::parse_expression(where_text);
  read(where_text);
}

KeyEntries key_entries(SessionContext& context, const sql::RelationInfo& info, const UniqueKey& key,
                       const std::vector<std::size_t>& columns, const Batch& rows) {
  KeyEntries entries;
  if (rows.row_count() == 0) {
    for (const auto& type : key.types) entries.keys.columns.emplace_back(type);
    return entries;
  }
  Batch computed = evaluate(context, info, key, columns, rows);
  std::vector<Column> values;
  std::size_t next = 0;
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    if (key.expressions[i]) {
      Column& value = computed.columns[next++];
      if (value.type() == key.types[i]) {
        values.push_back(std::move(value));
      } else {
        values.push_back(cast_column(value.view(), key.types[i], CastStrength::Explicit,
                                     context.settings().format_context()));
      }
      continue;
    }
    const auto at = std::find(columns.begin(), columns.end(), key.columns[i]) - columns.begin();
    values.push_back(rows.columns[static_cast<std::size_t>(at)]);
  }
  std::vector<ColumnView> views;
  for (const auto& value : values) views.push_back(value.view());
  for (std::uint32_t row = 0; row < rows.row_count(); ++row) {
    if (!key.nulls_not_distinct && has_null(views, row)) continue;
    if (key.where) {
      const auto passes = computed.columns[next].view();
      if (passes.is_null(row) || passes.integer(row) == 0) continue;
    }
    entries.rows.push_back(row);
  }
  for (const auto& value : values) entries.keys.columns.push_back(without_nulls(value, entries.rows));
  if (!key.nulls_not_distinct) return entries;
  for (const auto& view : views) {
    auto& nulls = entries.keys.columns.emplace_back(SqlType::of(TypeId::Boolean));
    for (const auto row : entries.rows) nulls.append_fixed<std::uint8_t>(view.is_null(row) ? 1 : 0);
  }
  return entries;
}

std::string key_detail(SessionContext& context, const catalog::RelationObject& relation, const UniqueKey& key,
                       const Batch& keys, std::size_t row) {
  std::string names, values;
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    if (key.types[i].id == TypeId::Enum) return {};  // as storage, which does not know labels
    catalog::IndexObject::Key part;
    part.expression_text = key.texts[i];
    if (key.columns[i] != UniqueKey::kNoColumn) part.column = relation.columns[key.columns[i]].id;
    names += (i > 0 ? ", " : "") + catalog::index_key_text(relation, part, true);
    if (i > 0) values += ", ";
    const bool is_null =
        key.nulls_not_distinct && keys.columns[key.columns.size() + i].fixed<std::uint8_t>(row) != 0;
    if (is_null)
      values += "null";
    else
      append_text(values, keys.columns[i].view(), row, context.settings().format_context());
  }
  return "Key (" + names + ")=(" + values + ") already exists.";
}

void plan_index(SessionContext& context, const catalog::RelationObject& relation,
                catalog::IndexObject& index) {
  const UniqueKey key(relation, index);
  for (const auto& text : key.texts) {
    if (!text.empty()) require_immutable(context, relation, text, "expression");
  }
  if (key.where) require_immutable(context, relation, key.where_text, "predicate");
  Batch none;
  for (const auto column : key.read_columns) none.columns.emplace_back(relation.columns[column].type);
  const Batch values = evaluate(context, context.relation_info(relation), key, key.read_columns, none);
  std::size_t next = 0;
  for (auto& part : index.keys) {
    if (part.expression_text.empty()) continue;
    if (values.columns.empty())
      throw Error(ErrorCode::FeatureNotSupported, "a unique index on a constant is not supported");
    part.type = values.columns[next++].type();
    if (part.type->is_array || part.type->id == TypeId::Json) {
      throw Error(ErrorCode::FeatureNotSupported,
                  "an expression of type " + to_sql(*part.type) + " cannot be part of a key");
    }
  }
}

}  // namespace tickstone::engine
