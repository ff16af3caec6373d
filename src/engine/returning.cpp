// SPDX-License-Identifier: Apache-2.0
#include "engine/returning.hpp"

#include <algorithm>
#include <functional>

#include <tickstone/error.hpp>

#include "engine/query_plan.hpp"
#include "engine/rights.hpp"
#include "sql/lexer.hpp"
#include "sql/statement_facts.hpp"

namespace tickstone::engine {
namespace {

constexpr const char* kRows = "#returning";

sql::DuckQuery rewrite(SessionContext& context, const WriteTarget& target, const std::string& alias,
                       const std::vector<sql::Expr>& returning, const Batch& rows, const JoinedRows& joined) {
  std::vector<std::string> joined_names;
  std::size_t at = 0;
  for (const auto& range : joined.ranges) {
    Batch part;
    std::vector<duck::SourceColumn> columns;
    for (const auto& column : range.columns) {
      part.columns.push_back(joined.rows.columns[at++]);
      columns.push_back({column.name, part.columns.back().type(), {}, false, 0});
    }
    joined_names.push_back(kRows + ("_" + std::to_string(joined_names.size() + 1)));
    context.set_rows(joined_names.back(), std::move(columns), std::make_shared<const Batch>(std::move(part)));
  }
  context.set_rows(kRows, target.source_columns(),
                   std::make_shared<const Batch>(rows.columns.empty() ? target.make_batch() : rows));
  std::optional<sql::RelationInfo> marked;
  auto query = sql::Rewriter(context).returning(returning, info_to_read(context, target, marked), alias,
                                                kRows, joined.ranges, joined_names);
  if (!query.subqueries.empty())
    throw Error(ErrorCode::FeatureNotSupported, "FOR UPDATE in a subquery is not supported here");
  return query;
}

/// The words of an expression's text: names unquoted and marked, all else as it is.
struct Word {
  std::string text;
  bool is_name = false;
};

std::vector<Word> words_of(const std::string& text) {
  std::vector<Word> words;
  sql::Lexer lexer(text);
  for (auto token = lexer.next(); token.kind != sql::TokenKind::End; token = lexer.next()) {
    const std::string part = text.substr(token.begin, token.end - token.begin);
    if (token.kind == sql::TokenKind::QuotedIdentifier) {
      std::string name;
      for (std::size_t i = 1; i + 1 < part.size(); ++i) {
        name += part[i];
        if (part[i] == '"') ++i;
      }
      words.push_back({std::move(name), true});
    } else {
      // The parser's text has names in lower case, else quoted; these are the constants written so.
      const bool is_name =
          token.kind == sql::TokenKind::Identifier && part != "true" && part != "false" && part != "null" &&
          std::none_of(part.begin(), part.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
      words.push_back({part, is_name});
    }
  }
  return words;
}

/// Adds the columns of `*`, `t.*`, `a`, `t.a` or `a AS b`; false for anything else.
bool add_plain(const WriteTarget& target, const std::string& table, const std::string& text,
               std::vector<ReturnedColumn>& columns) {
  auto words = words_of(text);
  std::size_t at = 0;
  if (words.size() >= 3 && words[0].is_name && words[1].text == "." && words[0].text == table) at = 2;
  const std::size_t rest = words.size() - at;
  if (rest == 1 && words[at].text == "*" && !words[at].is_name) {
    for (const auto i : target.listed_columns()) columns.push_back({i, target.column_name(i)});
    return true;
  }
  const bool has_alias = rest == 3 && words[at + 1].text == "AS" && words[at + 2].text != "*";
  if ((rest != 1 && !has_alias) || !words[at].is_name) return false;
  const auto column = target.find_column(words[at].text);
  if (!column) return false;
  columns.push_back({*column, words.back().text});
  return true;
}

std::vector<ResultColumn> described(const WriteTarget& target, const std::vector<ReturnedColumn>& plain) {
  std::vector<ResultColumn> columns;
  for (const auto& column : plain) {
    columns.push_back({column.name, target.column(column.column).type});
    if (target.is_view()) continue;
    columns.back().table_oid = target.relation().oid;
    columns.back().column_number = static_cast<std::int16_t>(column.column + 1);
  }
  return columns;
}

}  // namespace

std::optional<std::vector<ReturnedColumn>> plain_returning(const WriteTarget& target,
                                                           const std::string& alias,
                                                           const std::vector<sql::Expr>& returning) {
  std::vector<ReturnedColumn> columns;
  for (const auto& expression : returning) {
    if (!add_plain(target, alias.empty() ? target.info().name : alias, sql::to_postgres_text(expression),
                   columns))
      return std::nullopt;
  }
  return columns;
}

void ReturnedRows::send(const Batch& affected) {
  if (!is_described_ && execution_.describe) execution_.sink.row_description(described(target_, columns_));
  is_described_ = true;
  if (affected.columns.empty()) return;
  Batch rows;
  for (const auto& column : columns_) rows.columns.push_back(affected.columns[column.column]);
  if (rows.row_count() > 0) execution_.sink.rows(rows);
}

void ReturnedRows::finish() {
  if (!is_described_) send(target_.make_batch());
}

void send_returning(Execution& execution, const WriteTarget& target, const std::string& alias,
                    const std::vector<sql::Expr>& returning,
                    const std::optional<std::vector<ReturnedColumn>>& plain, const Batch& affected,
                    const JoinedRows& joined) {
  auto& context = execution.context;
  if (plain) {
    Batch rows;
    for (const auto& column : *plain) {
      rows.columns.push_back(affected.columns.empty() ? Column(target.column(column.column).type)
                                                      : affected.columns[column.column]);
    }
    return send_result(execution, described(target, *plain), rows);
  }
  const auto query = rewrite(context, target, alias, returning, affected, joined);
  context.refresh_view();  // subqueries see what the statement wrote
  const auto stream = context.open(query, execution.parameters);
  const auto columns = result_columns(stream->columns(), query);
  if (execution.describe) execution.sink.row_description(columns);
  send_rows(execution, *stream, columns);
}

std::size_t joined_column_count(const sql::DuckQuery& query) {
  std::size_t count = 0;
  for (const auto& range : query.joined) count += range.columns.size();
  return count;
}

JoinedRows take_joined(const sql::DuckQuery& query, std::size_t from, Batch& result,
                       const FormatContext& format) {
  JoinedRows joined{query.joined, {}};
  std::vector<ResultColumn> columns;
  for (auto& range : joined.ranges) {
    for (auto& column : range.columns) {
      joined.rows.columns.push_back(std::move(result.columns[from + columns.size()]));
      if (column.type.id == TypeId::Unknown) column.type = joined.rows.columns.back().type();
      columns.push_back({column.name, column.type});
    }
  }
  fit_to_columns(joined.rows, columns, format);
  return joined;
}

namespace {

/// The same without rows.
JoinedRows describe_joined(SessionContext& context, const sql::DuckQuery& query, std::size_t from) {
  if (query.joined.empty()) return {};
  Batch none;
  for (const auto& column : context.duck()->prepare(query.text)->columns())
    none.columns.emplace_back(column.type);
  return take_joined(query, from, none, context.settings().format_context());
}

}  // namespace

std::optional<std::vector<ResultColumn>> describe_returning(SessionContext& context,
                                                            const sql::Statement& statement) {
  const auto describe = [&](const sql::QualifiedName& table, const std::string& alias,
                            const std::vector<sql::Expr>& returning, const char* verb,
                            const std::function<sql::DuckQuery(const WriteTarget&)>& rows = {})
      -> std::optional<std::vector<ResultColumn>> {
    if (returning.empty()) return std::nullopt;
    const auto target = find_write_target(context, table, verb);
    JoinedRows joined;
    if (rows) {
      joined = describe_joined(context, rows(*target), target->column_count());
    } else if (const auto plain = reads_all_columns(context, *target)
                                      ? plain_returning(*target, alias, returning)
                                      : std::nullopt) {
      return described(*target, *plain);
    }
    const auto query = rewrite(context, *target, alias, returning, {}, joined);
    return result_columns(context.duck()->prepare(query.text)->columns(), query);
  };
  if (const auto* insert = std::get_if<sql::InsertStatement>(&statement.body))
    return describe(insert->table, insert->alias, insert->returning, "insert into");
  if (const auto* update = std::get_if<sql::UpdateStatement>(&statement.body))
    return describe(update->table, update->alias, update->returning, "update",
                    sql::joins_other_tables(update->whole)
                        ? [&](const WriteTarget& target) {
                            return sql::Rewriter(context, sql::Rewriter::Locks::LeftOut)
                                .update_rows(*update, target.info(), target.old_column_names(), target.default_texts());
                          }
                        : std::function<sql::DuckQuery(const WriteTarget&)>());
  if (const auto* del = std::get_if<sql::DeleteStatement>(&statement.body))
    return describe(del->table, del->alias, del->returning, "delete from",
                    sql::joins_other_tables(del->whole)
                        ? [&](const WriteTarget& target) {
                            return sql::Rewriter(context, sql::Rewriter::Locks::LeftOut)
                                .delete_rows(*del, target.info(), target.old_column_names(), true);
                          }
                        : std::function<sql::DuckQuery(const WriteTarget&)>());
  return std::nullopt;
}

}  // namespace tickstone::engine
