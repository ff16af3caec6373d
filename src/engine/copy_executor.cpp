// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/assignment.hpp"
#include "engine/insert_rows.hpp"
#include "types/copy_format.hpp"

namespace tickstone::engine {
namespace {

constexpr std::size_t kBatchRows = 65'536;
constexpr std::size_t kBatchBytes = 32U << 20;
constexpr std::size_t kSendBytes = 64U << 10;

CopyOptions options_of(const sql::CopyStatement& copy) {
  std::vector<CopyOption> list;
  for (const auto& option : copy.options) {
    CopyOption out;
    out.name = option.name;
    const bool takes_text = option.name == "null" || option.name == "delimiter" || option.name == "quote" ||
                            option.name == "escape" || option.name == "encoding" || option.name == "format";
    const bool is_list = option.name.starts_with("force_");
    out.is_star = is_list && option.value == "*";
    out.columns = option.list;
    if (!is_list && (takes_text || !option.value.empty())) out.value = option.value;
    list.push_back(std::move(out));
  }
  return resolve_copy_options(list, copy.is_from ? CopyDirection::From : CopyDirection::To);
}

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

/// The listed columns, or all that are not generated, as indexes into the relation's columns.
std::vector<std::size_t> copied_columns(const catalog::RelationObject& relation,
                                        const std::vector<std::string>& names) {
  std::vector<std::size_t> columns;
  if (names.empty()) {
    for (std::size_t i = 0; i < relation.columns.size(); ++i) {
      if (relation.columns[i].generated_text.empty()) columns.push_back(i);
    }
    return columns;
  }
  for (const auto& name : names) {
    const auto* column = relation.find_column(name);
    if (column == nullptr) {
      throw Error(ErrorCode::UndefinedColumn,
                  "column \"" + name + "\" of relation \"" + relation.name + "\" does not exist");
    }
    const auto index = static_cast<std::size_t>(column - relation.columns.data());
    if (std::find(columns.begin(), columns.end(), index) != columns.end()) {
      throw Error(ErrorCode::DuplicateColumn, "column \"" + name + "\" specified more than once");
    }
    if (!column->generated_text.empty()) {
      throw Error(ErrorCode::InvalidColumnReference, "column \"" + name + "\" is a generated column",
                  "Generated columns cannot be used in COPY.");
    }
    columns.push_back(index);
  }
  return columns;
}

void check_forced(const std::vector<std::string>& forced, const char* option,
                  const std::vector<CopyColumn>& columns, const catalog::RelationObject* relation) {
  for (const auto& name : forced) {
    if (std::any_of(columns.begin(), columns.end(), [&](const auto& c) { return c.name == name; })) continue;
    if (relation != nullptr && relation->find_column(name) == nullptr) {
      throw Error(ErrorCode::UndefinedColumn,
                  "column \"" + name + "\" of relation \"" + relation->name + "\" does not exist");
    }
    throw Error(ErrorCode::InvalidColumnReference,
                std::string(option) + " column \"" + name + "\" not referenced by COPY");
  }
}

// FROM

void refuse_copy_to(const catalog::RelationObject& relation) {
  switch (relation.kind) {
    case catalog::RelationKind::Table:
      return;
    case catalog::RelationKind::View:
      throw Error(ErrorCode::WrongObjectType, "cannot copy to view \"" + relation.name + "\"", {},
                  "COPY into the table that the view reads.");
    case catalog::RelationKind::MaterializedView:
      throw Error(ErrorCode::WrongObjectType, "cannot copy to materialized view \"" + relation.name + "\"");
    case catalog::RelationKind::ContinuousAggregate:
      throw Error(ErrorCode::WrongObjectType, "cannot copy to continuous aggregate \"" + relation.name + "\"",
                  {}, "COPY into the hypertable it is made from.");
    case catalog::RelationKind::Sequence:
      throw Error(ErrorCode::WrongObjectType, "cannot copy to sequence \"" + relation.name + "\"");
  }
}

/// Rows of which COPY ... WHERE is true.
std::vector<std::uint32_t> rows_where(SessionContext& context, const WriteTarget& target,
                                      const sql::Expr& where, const Batch& rows) {
  context.set_rows("#new", target.source_columns(), std::make_shared<const Batch>(rows));
  const Batch result =
      run_typed(context, sql::Rewriter(context).expressions({where}, &target.info(), "#new"), {});
  const auto view = result.columns[0].view();
  std::vector<std::uint32_t> kept;
  for (std::uint32_t row = 0; row < view.size; ++row) {
    if (!view.is_null(row) && view.integer(row) != 0) kept.push_back(row);
  }
  return kept;
}

class CopyFrom {
 public:
  CopyFrom(Execution& execution, const sql::CopyStatement& copy, std::shared_ptr<const InsertPlan> plan)
      : execution_(execution),
        context_(execution.context),
        copy_(copy),
        plan_(std::move(plan)),
        target_(*plan_->target),
        defaults_(context_, target_),
        inserter_(execution, plan_, "COPY FROM") {}

  std::uint64_t run() {
    const auto options = options_of(copy_);
    std::vector<CopyColumn> columns;
    for (const auto index : plan_->columns)
      columns.push_back({target_.column(index).name, target_.column(index).type});
    check_forced(options.force_null, "FORCE_NULL", columns, &target_.relation());
    check_forced(options.force_not_null, "FORCE_NOT_NULL", columns, &target_.relation());
    CopyReader reader(options, columns, target_.name(), context_.settings().format_context());
    // Counted back from the last line, one a row: near it where CSV fields hold line ends.
    inserter_.set_place([&](std::size_t row) {
      const auto read_row = kept_.empty() ? row : kept_[row];
      return "COPY " + target_.name() + ", line " +
             std::to_string(reader.line_number() - (batch_rows_ - 1 - read_row));
    });
    execution_.sink.begin_copy_in(options.format == CopyFormat::Binary, columns.size());
    Batch batch = reader.make_batch();
    std::string chunk;
    while (execution_.sink.read_copy_data(chunk)) {
      context_.check_cancelled();
      reader.feed(chunk, batch);
      if (batch.row_count() >= kBatchRows || batch.memory_bytes() >= kBatchBytes) {
        flush(batch);
        batch = reader.make_batch();
      }
    }
    reader.finish(batch);
    flush(batch);
    return inserter_.affected_count();
  }

 private:
  void flush(Batch& batch) {
    batch_rows_ = batch.row_count();
    if (batch_rows_ == 0) return;
    Batch rows = target_.make_batch();
    for (std::size_t i = 0; i < plan_->columns.size(); ++i) {
      rows.columns[plan_->columns[i]] = std::move(batch.columns[i]);
    }
    complete_rows(*plan_, defaults_, rows, plan_->columns.size(), batch_rows_);
    kept_.clear();
    if (copy_.where) {
      kept_ = rows_where(context_, target_, copy_.where, rows);
      if (kept_.empty()) return;
      rows = pick_rows(rows, kept_);
    }
    inserter_.add(std::move(rows));
  }

  Execution& execution_;
  SessionContext& context_;
  const sql::CopyStatement& copy_;
  std::shared_ptr<const InsertPlan> plan_;
  const WriteTarget& target_;
  RowDefaults defaults_;
  RowInserter inserter_;
  std::size_t batch_rows_ = 0;
  std::vector<std::uint32_t> kept_;  // of the batch, by COPY ... WHERE
};

std::string copy_from(Execution& execution, const sql::CopyStatement& copy) {
  auto& context = execution.context;
  const auto& relation = relation_to_write(context, copy.table);
  refuse_copy_to(relation);
  auto plan = std::make_shared<InsertPlan>();
  plan->target = find_write_target(context, copy.table, "copy to");
  plan->columns = copied_columns(plan->target->relation(), copy.columns);
  plan->has_column_list = true;
  return "COPY " + std::to_string(CopyFrom(execution, copy, std::move(plan)).run());
}

// TO

class CopyOut {
 public:
  CopyOut(Execution& execution, const CopyOptions& options, const std::vector<CopyColumn>& columns)
      : sink_(execution.sink), writer_(options, columns, execution.context.settings().format_context()) {
    sink_.begin_copy_out(options.format == CopyFormat::Binary, columns.size());
    writer_.append_start(bytes_);
  }
  void add(std::span<const ColumnView> columns, std::size_t row_count) {
    writer_.append_rows(bytes_, columns, 0, row_count);
    row_count_ += row_count;
    if (bytes_.size() >= kSendBytes) send();
  }
  std::string finish() {
    writer_.append_end(bytes_);
    send();
    sink_.end_copy_out();
    return "COPY " + std::to_string(row_count_);
  }

 private:
  void send() {
    if (!bytes_.empty()) sink_.copy_data(bytes_);
    bytes_.clear();
  }
  ResultSink& sink_;
  CopyWriter writer_;
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
  storage::ScanRequest request;
  request.table = relation.table();
  std::vector<CopyColumn> columns;
  for (const auto index : copied_columns(relation, copy.columns)) {
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
  const auto query = sql::Rewriter(context).query(copy.query);
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

}  // namespace

std::string execute_copy(Execution& execution, const sql::CopyStatement& copy) {
  refuse_files(copy);
  if (copy.is_from) return copy_from(execution, copy);
  const auto options = options_of(copy);
  return copy.query ? copy_query_to(execution, copy, options) : copy_table_to(execution, copy, options);
}

}  // namespace tickstone::engine
