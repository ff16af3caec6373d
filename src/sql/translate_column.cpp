// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

namespace {

constexpr std::string_view kSystemColumns[] = {"tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"};

}  // namespace

bool reads_columns(const Node* node) {
  bool found = false;
  walk(&node->base, [&found](const ProtobufCMessage* message) {
    found = found || message->descriptor == &pg_query__column_ref__descriptor;
    return !found;
  });
  return found;
}

bool has_query(const Node* node) {
  bool found = false;
  walk(&node->base, [&](const ProtobufCMessage* message) {
    found = found || message->descriptor == &pg_query__sub_link__descriptor;
    return !found;
  });
  return found;
}

void Translator::check_readable(const ScopeColumn& column) const {
  if (column.is_denied) lookup_.deny_column(column.source);
}

void Translator::check_readable(const ColumnList& list) const {
  for (const ScopeColumn& column : list.columns) check_readable(column);
}

/// A whole row. Columns that a join needs are no part of it, and one of them is NULL where there is no row.
Typed Translator::whole_row(const std::string& alias, const Scope& scope) {
  const SqlType record = SqlType::of(TypeId::Record);
  for (const Scope* level = &scope; level != nullptr; level = level->outer) {
    for (const Range& range : level->ranges) {
      if (range.alias != alias) continue;
      check_readable(range.list);
      if (range.unlisted.empty()) return plain(duck_identifier(alias), record);
      std::string members;
      for (const ScopeColumn& column : range.list.columns) {
        members += fmt::format("{}{}: {}.{}", members.empty() ? "" : ", ", duck_string(column.name),
                               duck_identifier(alias), duck_identifier(column.name));
      }
      return plain(fmt::format("(CASE WHEN {}.{} IS NOT NULL THEN {{{}}} END)", duck_identifier(alias),
                               range.unlisted.front(), members),
                   record);
    }
  }
  return plain(duck_identifier(alias), record);
}

Typed Translator::system_column(const Range& range, const std::string& name, int location) {
  if (name == "tableoid" && !range.scan_name.empty()) {
    return plain(fmt::format("to_regclass_oid({})", duck_string(range.scan_name)), SqlType::of(TypeId::Oid));
  }
  // What tools compare to see what has changed: rows of the catalog are made anew each time, by
  // FrozenTransactionId.
  if (name == "xmin" && range.scan_name.starts_with("pg_catalog."))
    return plain("CAST(2 AS BIGINT)", SqlType::of(TypeId::Oid));
  refuse(fmt::format("system column \"{}\"", name), location);
}

Typed Translator::unqualified_column(const std::string& name, const PgQuery__ColumnRef& ref,
                                     const Scope& scope) {
  bool is_complete = true;
  for (const Scope* level = &scope; level != nullptr; level = level->outer) {
    if (const auto merged = level->merged.find(name); merged != level->merged.end()) {
      if (level->fill != nullptr) return grouped_column(*level->fill, "", name, ref.location);
      Typed value = plain(duck_identifier(name), merged->second.type);
      value.is_column = true;
      value.is_not_null = merged->second.is_not_null;
      value.source = merged->second.source;
      return value;
    }
    const ScopeColumn* found = nullptr;
    const Range* owner = nullptr;
    for (const Range& range : level->ranges) {
      const ScopeColumn* in_range = nullptr;
      for (const ScopeColumn& candidate : range.list.columns) {
        if (candidate.name != name) continue;
        if (in_range != nullptr || found != nullptr) {
          throw located(
              Error(ErrorCode::AmbiguousColumn, fmt::format("column reference \"{}\" is ambiguous", name)),
              ref.location);
        }
        in_range = &candidate;
      }
      if (in_range != nullptr) {
        found = in_range;
        owner = &range;
      }
    }
    if (found != nullptr) {
      check_readable(*found);
      if (level->fill != nullptr) return grouped_column(*level->fill, owner->alias, name, ref.location);
      // From a query around, the name could mean something nearer to DuckDB: say whose it is.
      const bool is_outer = (level != &scope || level->qualifies) && !owner->alias.empty();
      Typed value =
          plain((is_outer ? duck_identifier(owner->alias) + "." : "") + duck_identifier(name), found->type);
      value.is_column = true;
      value.is_not_null = found->is_not_null;
      value.source = found->source;
      return value;
    }
    for (const Range& range : level->ranges) {
      if (std::find(range.hidden.begin(), range.hidden.end(), name) != range.hidden.end())
        return plain(duck_identifier(name), std::nullopt);
    }
    is_complete = is_complete && level->is_complete();
  }
  // Columns come before parameters of the function whose body this is.
  if (auto parameter = named_parameter("", name, ref.location)) return std::move(*parameter);
  for (const Scope* level = &scope; level != nullptr; level = level->outer) {
    for (const Range& range : level->ranges) {
      if (range.alias != name) continue;
      if (range.is_value) {
        return plain(duck_identifier(name) + "." + duck_identifier(range.list.columns[0].name),
                     range.list.columns[0].type);
      }
      return whole_row(name, scope);
    }
  }
  if (!is_complete) return plain(duck_identifier(name), std::nullopt);
  if (scope.ranges.size() == 1 &&
      std::find(std::begin(kSystemColumns), std::end(kSystemColumns), name) != std::end(kSystemColumns)) {
    return system_column(scope.ranges[0], name, ref.location);
  }
  throw located(Error(ErrorCode::UndefinedColumn, fmt::format("column \"{}\" does not exist", name)),
                ref.location);
}

Typed Translator::qualified_column(const std::string& schema, const std::string& relation,
                                   const std::string& name, const PgQuery__ColumnRef& ref,
                                   const Scope& scope) {
  for (const Scope* level = &scope; level != nullptr; level = level->outer) {
    for (const Range& range : level->ranges) {
      if (range.alias != relation || (!schema.empty() && range.schema != schema)) continue;
      const std::string text = duck_identifier(relation) + "." + duck_identifier(name);
      for (const ScopeColumn& candidate : range.list.columns) {
        if (candidate.name != name) continue;
        check_readable(candidate);
        if (level->fill != nullptr) return grouped_column(*level->fill, relation, name, ref.location);
        Typed value = plain(text, candidate.type);
        value.is_column = true;
        value.is_not_null = candidate.is_not_null;
        value.source = candidate.source;
        return value;
      }
      const bool is_hidden = std::find(range.hidden.begin(), range.hidden.end(), name) != range.hidden.end();
      if (is_hidden || !range.list.is_complete) return plain(text, std::nullopt);
      if (std::find(std::begin(kSystemColumns), std::end(kSystemColumns), name) != std::end(kSystemColumns)) {
        return system_column(range, name, ref.location);
      }
      throw located(
          Error(ErrorCode::UndefinedColumn, fmt::format("column {}.{} does not exist", relation, name)),
          ref.location);
    }
  }
  if (schema.empty()) {
    if (auto parameter = named_parameter(relation, name, ref.location)) return std::move(*parameter);
  }
  for (const Scope* level = &scope; level != nullptr; level = level->outer) {
    for (const Range& range : level->ranges) {
      if (!range.scan_name.ends_with("." + relation)) continue;
      throw located(
          Error(ErrorCode::UndefinedTable,
                fmt::format("invalid reference to FROM-clause entry for table \"{}\"", relation), {},
                fmt::format("Perhaps you meant to reference the table alias \"{}\".", range.alias)),
          ref.location);
    }
  }
  throw located(
      Error(ErrorCode::UndefinedTable, fmt::format("missing FROM-clause entry for table \"{}\"", relation)),
      ref.location);
}

Typed Translator::column(const PgQuery__ColumnRef& ref, const Scope& scope) {
  Typed value = found_column(ref, scope);
  if (is_jsonb_plain_ && value.has_type(TypeId::Jsonb)) return jsonb_plain(std::move(value));
  return value.has_type(TypeId::Numeric) ? widened(std::move(value)) : value;
}

Typed Translator::widened(Typed value) const {
  if (!is_wide_ || !value.type || value.type->is_array) return value;
  if (value.type->id != TypeId::Numeric && !is_integer(value.type->id)) return value;
  value.text = fmt::format("pg_wide({})", value.text);
  value.type = SqlType::of(TypeId::Numeric);
  value.is_column = false;
  value.is_atomic = true;
  return value;
}

Typed Translator::as_double(Typed value) const {
  if (!is_wide_ || !value.has_type(TypeId::Numeric)) return value;
  value.text = fmt::format("CAST({} AS DOUBLE)", value.text);
  value.type = SqlType::of(TypeId::Double);
  value.is_atomic = true;
  return value;
}

Typed Translator::found_column(const PgQuery__ColumnRef& ref, const Scope& scope) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < ref.n_fields; ++i) {
    if (ref.fields[i]->node_case == PG_QUERY__NODE__NODE_A_STAR) {
      // count(t.*): the row itself.
      if (names.size() == 1) return whole_row(names[0], scope);
      refuse("* here", ref.location);
    }
    names.emplace_back(string_of(ref.fields[i]));
  }
  switch (names.size()) {
    case 1:
      return unqualified_column(names[0], ref, scope);
    case 2:
      return qualified_column("", names[0], names[1], ref, scope);
    case 3:
      return qualified_column(names[0], names[1], names[2], ref, scope);
    case 4:
      return qualified_column(names[1], names[2], names[3], ref, scope);
    default:
      throw located(Error(ErrorCode::SyntaxError, "improper qualified name (too many dotted names)"),
                    ref.location);
  }
}

}  // namespace tickstone::sql
