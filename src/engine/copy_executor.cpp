// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "catalog/object_names.hpp"
#include "engine/copy_columns.hpp"
#include "engine/copy_from.hpp"
#include "engine/dump_session.hpp"
#include "engine/executors.hpp"
#include "engine/locking_query.hpp"
#include "engine/rights.hpp"
#include "engine/tracking_sink.hpp"
#include "engine/unpopulated_view.hpp"
#include "engine/with_parts.hpp"
#include "types/copy_format.hpp"
#include "types/text_encoding.hpp"

namespace tickstone::engine {
namespace {

/// COPY reads and writes no files of the server.
void refuse_files(const sql::CopyStatement& copy) {
  if (copy.file.empty() && !copy.is_program) return;
  std::string message = "must be superuser or have privileges of the ";
  if (copy.is_program) {
    message += "pg_execute_server_program role to COPY to or from an external program";
  } else {
    message += copy.is_from ? "pg_read_server_files role to COPY from a file"
                            : "pg_write_server_files role to COPY to a file";
  }
  throw Error(ErrorCode::InsufficientPrivilege, message, {},
              "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone.");
}

class CopyOut {
 public:
  CopyOut(Execution& execution, const CopyOptions& options, const std::vector<CopyColumn>& columns)
      : sink_(execution.sink),
        writer_(options, columns, execution.context.settings().format_context()),
        encoding_(encoding_of(options, execution.context.settings().format_context())) {
    sink_.begin_copy_out(options.format == CopyFormat::Binary, columns.size());
    writer_.append_start(bytes_);
    // Drivers that give COPY's rows one by one take a message for a row, as PostgreSQL sends them.
    if (options.format != CopyFormat::Binary) send();
  }
  void add(std::span<const ColumnView> columns, std::size_t row_count) {
    for (std::size_t row = 0; row < row_count; ++row) {
      writer_.append_rows(bytes_, columns, row, row + 1);
      send();
    }
    row_count_ += row_count;
  }
  std::string finish() {
    writer_.append_end(bytes_);
    send();
    sink_.end_copy_out();
    return "COPY " + std::to_string(row_count_);
  }

 private:
  void send() {
    if (!bytes_.empty() && encoding_ == nullptr) sink_.copy_data(bytes_);
    if (!bytes_.empty() && encoding_ != nullptr) sink_.copy_data(encoding_->from_utf8(bytes_));
    bytes_.clear();
  }
  ResultSink& sink_;
  CopyWriter writer_;
  const TextEncoding* encoding_;  // nullptr: UTF-8
  std::string bytes_;
  std::uint64_t row_count_ = 0;
};

void refuse_copy_from(const catalog::RelationObject& relation) {
  switch (relation.kind) {
    case catalog::RelationKind::Table:
    case catalog::RelationKind::MaterializedView:
      return;
    case catalog::RelationKind::View:
    case catalog::RelationKind::ContinuousAggregate:
      throw Error(ErrorCode::WrongObjectType, "cannot copy from view \"" + relation.name + "\"", {},
                  "Try the COPY (SELECT ...) TO variant.");
    case catalog::RelationKind::Sequence:
      throw Error(ErrorCode::WrongObjectType, "cannot copy from sequence \"" + relation.name + "\"");
  }
}

std::string copy_table_to(Execution& execution, const sql::CopyStatement& copy, const CopyOptions& options) {
  auto& context = execution.context;
  const auto& relation = context.relation(copy.table);
  refuse_copy_from(relation);
  require_populated(relation);
  const auto copied = copied_columns(relation, copy.columns);
  require_columns(context, relation, catalog::Privilege::Select, copied);
  storage::ScanRequest request;
  request.table = relation.table();
  std::vector<CopyColumn> columns;
  for (const auto index : copied) {
    columns.push_back({relation.columns[index].name, relation.columns[index].type});
    request.columns.push_back(relation.columns[index].id);
  }
  check_forced(options.force_quote, "FORCE_QUOTE", columns, &relation);
  const auto scan = context.view().scan(request);
  const auto state = scan->make_state();
  CopyOut out(execution, options, columns);
  storage::ScanBatch part;
  while (scan->read(*state, part)) {
    context.check_cancelled();
    out.add(part.columns, part.row_count);
  }
  return out.finish();
}

std::string copy_query_to(Execution& execution, const sql::CopyStatement& copy, const CopyOptions& options) {
  auto& context = execution.context;
  const auto query = locked_within(execution, [&] { return sql::Rewriter(context).query(copy.query); });
  const auto stream = context.open(query, execution.parameters);
  const auto result = result_columns(stream->columns(), query);
  std::vector<CopyColumn> columns;
  for (const auto& column : result) columns.push_back({column.name, column.type});
  check_forced(options.force_quote, "FORCE_QUOTE", columns, nullptr);
  CopyOut out(execution, options, columns);
  Batch part;
  while (stream->next(part)) {
    context.check_cancelled();
    fit_to_columns(part, result, context.settings().format_context());
    std::vector<ColumnView> views;
    for (const auto& column : part.columns) views.push_back(column.view());
    out.add(views, part.row_count());
  }
  return out.finish();
}

/// Gathers what RETURNING gives.
class ReturnedSink final : public NullSink {
 public:
  explicit ReturnedSink(SessionContext& context) : context_(context) {}
  void row_description(const std::vector<ResultColumn>& described) override { columns = described; }
  void rows(const Batch& batch) override {
    context_.check_cancelled();
    parts.push_back(batch);
  }
  void notice(const Notice& notice) override { context_.notice(notice); }

  std::vector<ResultColumn> columns;
  std::vector<Batch> parts;

 private:
  SessionContext& context_;
};

std::string copy_changes_to(Execution& execution, const sql::CopyStatement& copy,
                            const CopyOptions& options) {
  auto& context = execution.context;
  ReturnedSink returned(context);
  Execution inner{context, returned, execution.parameters, true};
  WithParts parts(context);
  parts.run(inner, *copy.changes);
  const auto tag = execute_statement(inner, *copy.changes);
  TICKSTONE_CHECK(tag.has_value());
  std::vector<CopyColumn> columns;
  for (const auto& column : returned.columns) columns.push_back({column.name, column.type});
  check_forced(options.force_quote, "FORCE_QUOTE", columns, nullptr);
  CopyOut out(execution, options, columns);
  for (const auto& part : returned.parts) {
    std::vector<ColumnView> views;
    for (const auto& column : part.columns) views.push_back(column.view());
    out.add(views, part.row_count());
  }
  return out.finish();
}

/// To pg_dump an aggregate is a table with the rows that a reader sees.
sql::CopyStatement query_of_aggregate(SessionContext& context, const sql::CopyStatement& copy) {
  const auto& relation = context.relation(copy.table);
  std::string columns;
  for (const auto& column : copy.columns)
    columns += (columns.empty() ? "" : ", ") + catalog::quote_identifier(column);
  sql::CopyStatement of_query = copy;
  of_query.query = sql::parse_query(
      "SELECT " + (columns.empty() ? "*" : columns) + " FROM " +
      catalog::qualified_name(context.catalog()->find_schema(relation.schema)->name, relation.name));
  return of_query;
}

}  // namespace

std::string execute_copy(Execution& execution, const sql::CopyStatement& copy) {
  refuse_files(copy);
  if (copy.is_from) return copy_from(execution, copy);
  const auto options = copy_options(copy);
  if (copy.changes) return copy_changes_to(execution, copy, options);
  if (!copy.query && is_dump(execution.context.settings()) &&
      execution.context.relation(copy.table).kind == catalog::RelationKind::ContinuousAggregate)
    return copy_query_to(execution, query_of_aggregate(execution.context, copy), options);
  return copy.query ? copy_query_to(execution, copy, options) : copy_table_to(execution, copy, options);
}

}  // namespace tickstone::engine
