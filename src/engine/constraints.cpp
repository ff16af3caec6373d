// SPDX-License-Identifier: Apache-2.0
#include "engine/constraints.hpp"

#include <tickstone/error.hpp>

#include "engine/assignment.hpp"

namespace tickstone::engine {
namespace {

constexpr std::size_t kShownBytes = 64;  // of each value, as PostgreSQL cuts it

Batch evaluate_over(SessionContext& context, const WriteTarget& target, const Batch& rows,
                    const std::vector<sql::Expr>& expressions) {
  context.set_rows("#new", target.own_source_columns(), std::make_shared<const Batch>(rows));
  return run_typed(context, sql::Rewriter(context).expressions(expressions, &target.own_info(), "#new"), {});
}

Error& placed(Error& error, const RowPlace& place, std::size_t row, const Batch& rows) {
  if (place) error.in_context(place(row, &rows));
  return error;
}

}  // namespace

std::string failing_row_detail(const Batch& rows, std::size_t row, const FormatContext& format) {
  std::string out = "Failing row contains (";
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    if (i > 0) out += ", ";
    const auto view = rows.columns[i].view();
    if (view.is_null(row)) {
      out += "null";
      continue;
    }
    std::string text;
    append_text(text, view, row, format);
    if (text.size() > kShownBytes) {
      std::size_t size = kShownBytes;
      while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
      text.resize(size);
      text += "...";
    }
    out += text;
  }
  return out + ").";
}

void fill_generated(SessionContext& context, const WriteTarget& target, Batch& rows) {
  if (target.generated().empty() || rows.row_count() == 0) return;
  std::vector<sql::Expr> expressions;
  for (const auto& generated : target.generated()) expressions.push_back(generated.expression);
  Batch values = evaluate_over(context, target, rows, expressions);
  for (std::size_t i = 0; i < target.generated().size(); ++i) {
    const auto column = target.generated()[i].column;
    rows.columns[column] =
        assigned(std::move(values.columns[i]), target.column(column), context.settings().format_context());
  }
}

namespace {

/// Before all else, as PostgreSQL makes values of a domain before it has rows.
void check_domains(SessionContext& context, const WriteTarget& target, const Batch& rows,
                   const RowPlace& place) {
  const std::size_t count = rows.row_count();
  if (target.domain_checks().empty() || count == 0) return;
  std::vector<sql::Expr> expressions;
  for (const auto& check : target.domain_checks()) {
    if (check.expression) expressions.push_back(check.expression);
  }
  const Batch results = expressions.empty() ? Batch{} : evaluate_over(context, target, rows, expressions);
  for (std::size_t row = 0; row < count; ++row) {
    std::size_t evaluated = 0;
    for (const auto& check : target.domain_checks()) {
      if (!check.expression) {
        if (!rows.columns[check.column].is_null(row)) continue;
        Error error(ErrorCode::NotNullViolation, "domain " + check.domain + " does not allow null values");
        throw placed(error, place, row, rows);
      }
      const auto view = results.columns[evaluated++].view();
      if (view.is_null(row) || view.integer(row) != 0) continue;  // NULL passes
      Error error(ErrorCode::CheckViolation, "value for domain " + check.domain +
                                                 " violates check constraint \"" + check.constraint + "\"");
      throw placed(error, place, row, rows);
    }
  }
}

}  // namespace

void check_rows(SessionContext& context, const WriteTarget& target, const Batch& rows,
                const RowPlace& place) {
  check_domains(context, target, rows, place);
  const std::size_t count = rows.row_count();
  std::size_t failing = count, failing_column = 0;
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    if (!target.column(i).not_null || !rows.columns[i].has_nulls()) continue;
    const auto view = rows.columns[i].view();
    for (std::size_t row = 0; row < failing; ++row) {
      if (!view.is_null(row)) continue;
      failing = row;
      failing_column = i;
    }
  }
  const auto& format = context.settings().format_context();
  if (failing < count) {
    const auto& column = target.column(failing_column);
    Error error(ErrorCode::NotNullViolation,
                "null value in column \"" + column.name + "\" of relation \"" + target.name() +
                    "\" violates not-null constraint",
                failing_row_detail(rows, failing, format));
    throw placed(target.about(error, column.name), place, failing, rows);
  }
  if (target.checks().empty() || count == 0) return;
  std::vector<sql::Expr> expressions;
  for (const auto& check : target.checks()) expressions.push_back(check.expression);
  const Batch results = evaluate_over(context, target, rows, expressions);
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t i = 0; i < target.checks().size(); ++i) {
      const auto view = results.columns[i].view();
      if (view.is_null(row) || view.integer(row) != 0) continue;  // NULL passes
      const auto& name = target.checks()[i].name;
      Error error(ErrorCode::CheckViolation,
                  "new row for relation \"" + target.name() + "\" violates check constraint \"" + name + "\"",
                  failing_row_detail(rows, row, format));
      throw placed(target.about(error, {}, name), place, row, rows);
    }
  }
}

void check_view_rows(SessionContext& context, const WriteTarget& target, const Batch& rows) {
  if (rows.row_count() == 0) return;
  for (const auto& check : target.view_checks()) {
    auto columns = target.source_columns();
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].name = check.info.columns[i].name;
    context.set_rows("#new", std::move(columns), std::make_shared<const Batch>(rows));
    const SessionContext::AsOwner as_owner(context, check.owner);
    const Batch result =
        run_typed(context, sql::Rewriter(context).expressions({check.condition}, &check.info, "#new"), {});
    const auto view = result.columns[0].view();
    for (std::size_t row = 0; row < rows.row_count(); ++row) {
      if (!view.is_null(row) && view.integer(row) != 0) continue;
      throw Error(ErrorCode::WithCheckOptionViolation,
                  "new row violates check option for view \"" + check.view + "\"",
                  failing_row_detail(rows, row, context.settings().format_context()));
    }
  }
}

}  // namespace tickstone::engine
