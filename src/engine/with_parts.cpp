// SPDX-License-Identifier: Apache-2.0
#include "engine/with_parts.hpp"

#include <charconv>
#include <set>
#include <utility>

#include "base/check.hpp"
#include "engine/query_plan.hpp"
#include "engine/row_keys.hpp"
#include "engine/tracking_sink.hpp"

namespace tickstone::engine {
namespace {

class GatheringSink final : public NullSink {
 public:
  explicit GatheringSink(SessionContext& context) : context_(context) {}
  void row_description(const std::vector<ResultColumn>& described) override { columns = described; }
  void rows(const Batch& batch) override {
    if (gathered.columns.empty()) {
      gathered = batch;
    } else {
      append_batch(gathered, batch);
    }
  }
  void notice(const Notice& notice) override { context_.notice(notice); }

  std::vector<ResultColumn> columns;
  Batch gathered;

 private:
  SessionContext& context_;
};

/// The number at the end of a command tag.
std::uint64_t count_in(const std::string& tag) {
  std::uint64_t count = 0;
  const auto space = tag.rfind(' ');
  if (space != std::string::npos) std::from_chars(tag.data() + space + 1, tag.data() + tag.size(), count);
  return count;
}

}  // namespace

void WithParts::add(const sql::WithPart& part, const std::vector<ResultColumn>& columns, Batch rows) {
  sql::NameLookup::WithRows known;
  known.has_rows = part.has_rows;
  // One of its own, also where a statement runs within another.
  known.scan_name = "#with_" + std::to_string(reinterpret_cast<std::uintptr_t>(part.node));
  if (rows.columns.empty()) {
    for (const auto& column : columns) rows.columns.emplace_back(column.type);
  }
  std::vector<duck::SourceColumn> sources;
  std::set<std::string> names;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    duck::SourceColumn& source = sources.emplace_back();
    source.name = columns[i].name;
    while (!names.insert(source.name).second) source.name += '#';  // the text knows it by its place
    source.type = columns[i].type;
    known.columns.push_back({columns[i].name, columns[i].type, false});
  }
  if (part.has_rows)
    context_.set_rows(known.scan_name, std::move(sources), std::make_shared<const Batch>(std::move(rows)));
  context_.set_with_rows(part.node, std::move(known));
}

void WithParts::run(Execution& execution, const sql::Statement& statement, const Done& done) {
  (void)context_.writes(statement.tag);  // in a read-only transaction nothing is begun
  const auto view = context_.shared_view();
  for (const auto& part : statement.with_parts) {
    GatheringSink sink(context_);
    Execution inner{context_, sink, execution.parameters, true};
    const auto tag = execute_statement(inner, *part.statement);
    TICKSTONE_CHECK(tag.has_value());
    add(part, sink.columns, std::move(sink.gathered));
    context_.use_view(view);
    if (done) done(part, count_in(*tag));
  }
}

std::vector<SqlType> WithParts::describe(const sql::Statement& statement) {
  std::vector<SqlType> types;
  for (const auto& part : statement.with_parts) {
    std::vector<SqlType> of_part;
    if (const auto* query = std::get_if<sql::QueryStatement>(&part.statement->body)) {
      const auto plan = QueryPlan::make(context_, query->query, {});
      of_part = plan->parameter_types();
      add(part, plan->columns(), {});
    } else {
      of_part = dml_parameter_types(context_, *part.statement);
      add(part, describe_returning(context_, *part.statement).value_or(std::vector<ResultColumn>()), {});
    }
    if (types.size() < of_part.size()) types.resize(of_part.size());
    for (std::size_t i = 0; i < of_part.size(); ++i) {
      if (types[i].id == TypeId::Unknown) types[i] = of_part[i];
    }
  }
  return types;
}

}  // namespace tickstone::engine
