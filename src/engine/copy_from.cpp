// SPDX-License-Identifier: Apache-2.0
#include "engine/copy_from.hpp"

#include <tickstone/error.hpp>

#include "base/ordered_worker.hpp"
#include "engine/assignment.hpp"
#include "engine/chunk_relation.hpp"
#include "engine/copy_columns.hpp"
#include "engine/insert_rows.hpp"
#include "engine/rights.hpp"
#include "types/copy_format.hpp"
#include "types/text_encoding.hpp"

namespace tickstone::engine {
namespace {

constexpr std::size_t kShownBytes = 100;
constexpr std::size_t kBatchRows = 65'536;
constexpr std::size_t kBatchBytes = 32U << 20;

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

/// Rows read, on their way into storage.
struct CopiedRows {
  Batch fields;  // the copied columns in the statement's order
  std::size_t row_count = 0;
  std::uint64_t last_line = 0;
};

class CopyFrom {
 public:
  CopyFrom(Execution& execution, const sql::CopyStatement& copy, std::shared_ptr<const InsertPlan> plan)
      : sink_(execution.sink),
        context_(execution.context),
        copy_(copy),
        options_(copy_options(copy)),
        plan_(std::move(plan)),
        target_(*plan_->target),
        defaults_(context_, target_),
        inserter_(execution, plan_, "COPY FROM") {}

  std::uint64_t run() {
    const auto& options = options_;
    std::vector<CopyColumn> columns;
    for (const auto index : plan_->columns)
      columns.push_back({target_.column(index).name, target_.column(index).type});
    check_forced(options.force_null, "FORCE_NULL", columns, &target_.relation());
    check_forced(options.force_not_null, "FORCE_NOT_NULL", columns, &target_.relation());
    const TextEncoding* const encoding = encoding_of(options, context_.settings().format_context());
    CopyReader reader(options, columns, target_.name(), context_.settings().format_context());
    sink_.begin_copy_in(options.format == CopyFormat::Binary, columns.size());
    Batch batch = reader.make_batch();
    OrderedWorker<CopiedRows> worker([this](CopiedRows rows) { store(std::move(rows)); });
    const auto pass_on = [&](bool is_last) {
      CopiedRows rows{std::move(batch), 0, reader.line_number()};
      rows.row_count = rows.fields.row_count();
      batch = reader.make_batch();
      if (is_last)
        worker.finish_with(std::move(rows));
      else
        worker.push(std::move(rows));
    };
    try {
      std::string chunk;
      while (sink_.read_copy_data(chunk)) {
        context_.check_cancelled();
        if (encoding != nullptr) chunk = encoding->to_utf8(chunk);
        reader.feed(chunk, batch);
        if (batch.row_count() >= kBatchRows || batch.memory_bytes() >= kBatchBytes) pass_on(false);
      }
      reader.finish(batch);
    } catch (const Error& error) {
      // What is wrong with an earlier row comes first.
      if (error.code() != ErrorCode::QueryCanceled && error.code() != ErrorCode::ConnectionFailure)
        pass_on(true);
      throw;
    }
    pass_on(true);
    inserter_.finish();
    return inserter_.affected_count();
  }

 private:
  /// The row as it stood in the input, near enough, for an error's context.
  std::string shown_row(const Batch& rows, std::size_t row) const {
    if (options_.format == CopyFormat::Binary) return {};
    std::vector<CopyColumn> columns;
    std::vector<ColumnView> views;
    for (const auto index : plan_->columns) {
      columns.push_back({target_.column(index).name, target_.column(index).type});
      views.push_back(rows.columns[index].view());
    }
    std::string text;
    CopyWriter(options_, columns, context_.settings().format_context())
        .append_rows(text, views, row, row + 1);
    if (!text.empty() && text.back() == '\n') text.pop_back();
    if (text.size() > kShownBytes) {
      std::size_t size = kShownBytes;
      while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
      text.resize(size);
      text += "...";
    }
    return ": \"" + text + "\"";
  }

  void store(CopiedRows copied) {
    if (copied.row_count == 0) return;
    Batch rows = target_.make_batch();
    for (std::size_t i = 0; i < plan_->columns.size(); ++i) {
      rows.columns[plan_->columns[i]] = std::move(copied.fields.columns[i]);
    }
    complete_rows(*plan_, defaults_, rows, plan_->columns.size(), copied.row_count);
    std::vector<std::uint32_t> kept;
    if (copy_.where) {
      kept = rows_where(context_, target_, copy_.where, rows);
      if (kept.empty()) return;
      rows = pick_rows(rows, kept);
    }
    // Counted back from the last line, one a row: near it where CSV fields hold line ends.
    inserter_.set_place([&](std::size_t row, const Batch* rows_shown) {
      const auto read_row = kept.empty() ? row : kept[row];
      const auto line = copied.last_line - (copied.row_count - 1 - read_row);
      return "COPY " + target_.name() + ", line " + std::to_string(line) +
             (rows_shown == nullptr ? "" : shown_row(*rows_shown, row));
    });
    inserter_.add(std::move(rows));
  }

  ResultSink& sink_;
  SessionContext& context_;
  const sql::CopyStatement& copy_;
  CopyOptions options_;
  std::shared_ptr<const InsertPlan> plan_;
  const WriteTarget& target_;
  RowDefaults defaults_;
  RowInserter inserter_;
};

}  // namespace

std::string copy_from(Execution& execution, const sql::CopyStatement& copy) {
  auto& context = execution.context;
  if (!find_chunk(context, copy.table.schema, copy.table.name))
    refuse_copy_to(relation_to_write(context, copy.table));
  auto plan = std::make_shared<InsertPlan>();
  plan->target = lock_write_target(context, copy.table, "copy to", "COPY FROM");
  plan->columns = copied_columns(plan->target->relation(), copy.columns);
  plan->has_column_list = true;
  require_columns(context, plan->target->relation(), catalog::Privilege::Insert, plan->columns);
  return "COPY " + std::to_string(CopyFrom(execution, copy, std::move(plan)).run());
}

}  // namespace tickstone::engine
