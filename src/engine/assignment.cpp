// SPDX-License-Identifier: Apache-2.0
#include "engine/assignment.hpp"

#include <tickstone/error.hpp>

#include "engine/executors.hpp"

namespace tickstone::engine {
namespace {

void require_assignable(const SqlType& from, const catalog::ColumnObject& column) {
  if (can_cast(from, column.type, CastStrength::Assignment)) return;
  throw Error(ErrorCode::DatatypeMismatch,
              "column \"" + column.name + "\" is of type " + to_sql(column.type) +
                  " but expression is of type " + to_sql(from),
              {}, "You will need to rewrite or cast the expression.");
}

bool is_free_text(const SqlType& type) { return !type.is_array && is_text_like(type.id); }

}  // namespace

Column assigned(Column source, const catalog::ColumnObject& column, const FormatContext& format) {
  if (source.type() == column.type) return source;
  std::size_t nulls = 0;
  if (source.has_nulls()) {
    while (nulls < source.size() && source.is_null(nulls)) ++nulls;
  }
  if (nulls == source.size()) {  // NULL has no type of its own
    Column out(column.type);
    for (std::size_t i = 0; i < nulls; ++i) out.append_null();
    return out;
  }
  if (is_free_text(source.type()) && !is_free_text(column.type)) {
    Column out(column.type);
    for (std::size_t i = 0; i < source.size(); ++i) {
      if (source.is_null(i)) {
        out.append_null();
      } else {
        append_parsed(out, source.bytes(i), format);
      }
    }
    return out;
  }
  // Labels that a query gave.
  if (column.type.id == TypeId::Enum && source.type() == SqlType{TypeId::Text, column.type.is_array})
    return cast_column(source.view(), column.type, CastStrength::Explicit, format);
  require_assignable(source.type(), column);
  return cast_column(source.view(), column.type, CastStrength::Assignment, format);
}

void append_assigned(Column& into, const Value& value, const catalog::ColumnObject& column,
                     const FormatContext& format) {
  if (value.is_null) {
    into.append_null();
  } else if (value.type == column.type) {
    append_value(into, value);
  } else if (is_free_text(value.type) && !is_free_text(column.type)) {
    append_parsed(into, value.text, format);
  } else {
    Column one(value.type);
    append_value(one, value);
    const Column cast = assigned(std::move(one), column, format);
    into.append_from(cast.view(), 0);
  }
}

void append_constant(Column& into, const sql::Constant& constant, const catalog::ColumnObject& column,
                     const FormatContext& format) {
  if (constant.is_null) {
    into.append_null();
  } else if (!constant.type || *constant.type == column.type || constant.type->id == TypeId::Unknown ||
             // A number as written, which may have more digits than a NUMERIC of ours.
             (constant.type->id == TypeId::Numeric && column.type.id == TypeId::Double &&
              !column.type.is_array)) {
    append_parsed(into, constant.text, format);
  } else {
    append_assigned(into, parse_value(*constant.type, constant.text, format), column, format);
  }
}

Batch run_typed(SessionContext& context, const sql::DuckQuery& query, std::span<const Value> parameters) {
  const auto stream = context.open(query, parameters);
  const auto columns = result_columns(stream->columns(), query);
  Batch all, part;
  for (const auto& column : columns) all.columns.emplace_back(column.type);
  while (stream->next(part)) {
    context.check_cancelled();
    fit_to_columns(part, columns, context.settings().format_context());
    for (std::size_t i = 0; i < part.columns.size(); ++i) {
      if (all.columns[i].size() == 0) {
        all.columns[i] = std::move(part.columns[i]);
      } else {
        all.columns[i].append_all(part.columns[i].view());
      }
    }
  }
  return all;
}

}  // namespace tickstone::engine
