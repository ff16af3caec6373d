// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>

#include "base/clock.hpp"
#include "engine/executors.hpp"
#include "engine/explain_format.hpp"
#include "engine/point_read.hpp"
#include "engine/query_plan.hpp"

namespace tickstone::engine {

std::vector<ResultColumn> result_columns(const std::vector<duck::ResultColumn>& actual,
                                         const sql::DuckQuery& query) {
  std::vector<ResultColumn> columns;
  columns.reserve(actual.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ResultColumn column{actual[i].name, actual[i].type};
    if (query.output_names.size() == actual.size()) column.name = query.output_names[i];
    if (query.output_types.size() == actual.size() && query.output_types[i])
      column.type = *query.output_types[i];
    if (column.type.id == TypeId::Unknown) column.type = SqlType::of(TypeId::Text);
    if (query.output_sources.size() == actual.size()) {
      column.table_oid = query.output_sources[i].relation_oid;
      column.column_number = query.output_sources[i].number;
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

void fit_to_columns(Batch& batch, const std::vector<ResultColumn>& columns, const FormatContext& format) {
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    Column& column = batch.columns[i];
    const SqlType& wanted = columns[i].type;
    if (wanted.id == TypeId::Enum) {
      // Labels are sent as they are shown, in both formats.
      const SqlType labels{TypeId::Text, wanted.is_array};
      if (column.type() != labels)
        column = cast_column(column.view(), labels, CastStrength::Explicit, format);
      continue;
    }
    if (column.type() == wanted) continue;
    const bool same_form = column.type().is_array == wanted.is_array &&
                           column.layout().physical == initial_layout(wanted).physical &&
                           (wanted.id == TypeId::Numeric) == (column.type().id == TypeId::Numeric);
    // Elements lie as their own type says.
    const bool same_elements =
        !wanted.is_array ||
        (initial_layout(column.type().element()).physical == initial_layout(wanted.element()).physical &&
         (wanted.id == TypeId::Numeric) == (column.type().id == TypeId::Numeric));
    const bool same_meaning =
        same_form && same_elements && (is_text_like(wanted.id) == is_text_like(column.type().id)) &&
        wanted.id != TypeId::Char && column.type().id != TypeId::Bytea && wanted.id != TypeId::Bytea;
    // Past 38 digits a number is sent as the text that it came as.
    if (wanted.id == TypeId::Numeric && !wanted.is_array && wanted.precision < 0 &&
        column.type() == SqlType::of(TypeId::Text)) {
      column.set_type(wanted);
      continue;
    }
    const bool both_numeric = wanted.id == TypeId::Numeric && column.type().id == TypeId::Numeric &&
                              wanted.is_array == column.type().is_array;
    if (same_meaning || both_numeric)
      column.set_type(wanted);
    else
      column = cast_column(column.view(), wanted, CastStrength::Explicit, format);
  }
}

void send_result(Execution& execution, const std::vector<ResultColumn>& columns, const Batch& batch) {
  if (execution.describe) execution.sink.row_description(columns);
  if (batch.row_count() > 0) execution.sink.rows(batch);
}

std::string execute_query(Execution& execution, const sql::QueryStatement& query) {
  auto& context = execution.context;
  const auto rewritten = sql::Rewriter(context).query(query.query, sql::Rewriter::Rows::Sent);
  std::unique_ptr<duck::ResultStream> stream;
  if (!query.has_locking) {
    if (const auto point = PointReader::make(context, query.query))
      stream = point->open(context, execution.parameters);
  }
  if (stream == nullptr) stream = context.open(rewritten, execution.parameters);
  const auto columns = result_columns(stream->columns(), rewritten);
  if (execution.describe) execution.sink.row_description(columns);
  return "SELECT " + std::to_string(send_rows(execution, *stream, columns));
}

namespace {

std::string explained_text(SessionContext& context, const sql::Statement& statement) {
  const sql::Rewriter rewriter(context, sql::Rewriter::Locks::LeftOut);
  if (const auto* query = std::get_if<sql::QueryStatement>(&statement.body))
    return rewriter.query(query->query).text;
  if (const auto* update = std::get_if<sql::UpdateStatement>(&statement.body)) {
    return rewriter.update_rows(*update, context.relation_info(context.relation(update->table)), {}, {}).text;
  }
  if (const auto* del = std::get_if<sql::DeleteStatement>(&statement.body)) {
    return rewriter.delete_rows(*del, context.relation_info(context.relation(del->table)), {}, true).text;
  }
  if (const auto* insert = std::get_if<sql::InsertStatement>(&statement.body);
      insert != nullptr && insert->query) {
    return rewriter.insert_query(*insert).text;
  }
  if (const auto* create = std::get_if<sql::CreateTableStatement>(&statement.body);
      create != nullptr && create->as_query) {
    return rewriter.query(create->as_query).text;
  }
  return {};
}

}  // namespace

std::string execute_explain(Execution& execution, const sql::ExplainStatement& explain) {
  auto& context = execution.context;
  const sql::Statement& statement = *explain.statement;
  const std::int64_t began_us = system_clock().now_us();
  std::vector<std::string> lines;
  if (!statement.with_parts.empty())
    throw Error(ErrorCode::FeatureNotSupported,
                "EXPLAIN of a data-modifying statement in WITH is not supported");
  const std::string text = explained_text(context, statement);
  if (text.empty()) {
    const auto* insert = std::get_if<sql::InsertStatement>(&statement.body);
    if (insert == nullptr)
      throw Error(ErrorCode::FeatureNotSupported, "EXPLAIN " + statement.tag + " is not supported");
    lines = {"Insert on " + context.relation(insert->table).name,
             "  Values: " + std::to_string(insert->values.size()) + " rows"};
  } else {
    if (explain.analyze && !std::holds_alternative<sql::QueryStatement>(statement.body)) {
      throw Error(ErrorCode::FeatureNotSupported, "EXPLAIN ANALYZE " + statement.tag + " is not supported",
                  {}, "EXPLAIN without ANALYZE shows its plan.");
    }
    if (const auto* update = std::get_if<sql::UpdateStatement>(&statement.body))
      lines.push_back("Update on " + update->table.name);
    if (const auto* del = std::get_if<sql::DeleteStatement>(&statement.body))
      lines.push_back("Delete on " + del->table.name);
    if (const auto* insert = std::get_if<sql::InsertStatement>(&statement.body))
      lines.push_back("Insert on " + insert->table.name);
    std::optional<std::vector<std::string>> point_lines;
    if (const auto* query = std::get_if<sql::QueryStatement>(&statement.body);
        query != nullptr && !query->has_locking) {
      if (const auto point = PointReader::make(context, query->query))
        point_lines = point->explain(context, execution.parameters, explain.analyze);
    }
    auto more = point_lines ? std::move(*point_lines)
                            : context.duck()->explain(text, explain.analyze, execution.parameters);
    lines.insert(lines.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  const ResultColumn column = explain_column(explain);
  if (explain.format != "text") {
    const auto taken_us = static_cast<double>(system_clock().now_us() - began_us);
    lines = {
        explain_tree(lines, explain.format, explain.analyze ? std::optional(taken_us / 1000) : std::nullopt)};
  }
  Batch batch;
  batch.columns.emplace_back(column.type);
  for (const auto& line : lines) batch.columns[0].append_bytes(line);
  send_result(execution, {column}, batch);
  return "EXPLAIN";
}

}  // namespace tickstone::engine
