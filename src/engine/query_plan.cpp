// SPDX-License-Identifier: Apache-2.0
#include "engine/query_plan.hpp"

#include <tickstone/error.hpp>

namespace tickstone::engine {
namespace {

constexpr std::size_t kMostLiftedPlans = 256;

/// PostgreSQL takes a parameter that nothing tells the type of for text.
std::vector<SqlType> parameter_types_of(const sql::DuckQuery& query, const std::vector<SqlType>& found,
                                        std::span<const SqlType> declared) {
  std::vector<SqlType> types(std::max({found.size(), query.parameter_types.size(), declared.size()}));
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (i < declared.size() && declared[i].id != TypeId::Unknown)
      types[i] = declared[i];
    else if (i < query.parameter_types.size() && query.parameter_types[i])
      types[i] = *query.parameter_types[i];
    else if (i < found.size())
      types[i] = found[i];
    if (types[i].id == TypeId::Unknown) types[i] = SqlType::of(TypeId::Text);
  }
  return types;
}

}  // namespace

bool needs_wide_numeric(const Error& error) {
  return error.code() == ErrorCode::NumericValueOutOfRange &&
         error.message() == "value overflows numeric format";
}

std::shared_ptr<QueryPlan> QueryPlan::make(SessionContext& context, const sql::Expr& query,
                                           std::span<const SqlType> declared) {
  if (!context.wants_wide_numeric()) {
    try {
      return make_as_asked(context, query, declared);
    } catch (const Error& error) {
      if (!needs_wide_numeric(error)) throw;
    }
  }
  const SessionContext::WideNumeric wide(context);
  return make_as_asked(context, query, declared);
}

std::shared_ptr<QueryPlan> QueryPlan::make_as_asked(SessionContext& context, const sql::Expr& query,
                                                    std::span<const SqlType> declared) {
  auto plan = std::make_shared<QueryPlan>();
  plan->catalog_ = context.catalog();
  plan->settings_version_ = context.settings().version();
  plan->connection_ = context.duck();
  plan->is_wide_ = context.wants_wide_numeric();
  const auto rewritten = sql::Rewriter(context).query(query);
  plan->prepared_ = plan->connection_->prepare(rewritten.text);
  plan->columns_ = result_columns(plan->prepared_->columns(), rewritten);
  plan->parameter_types_ = parameter_types_of(rewritten, plan->prepared_->parameter_types(), declared);
  return plan;
}

bool QueryPlan::is_valid(SessionContext& context) const {
  return catalog_ == context.catalog() && settings_version_ == context.settings().version() &&
         connection_ == context.duck();
}

std::uint64_t send_rows(Execution& execution, duck::ResultStream& stream,
                        const std::vector<ResultColumn>& columns) {
  std::uint64_t count = 0;
  Batch batch;
  while (stream.next(batch, duck::LongNumbers::AsText)) {
    execution.context.check_cancelled();
    fit_to_columns(batch, columns, execution.context.settings().format_context());
    count += batch.row_count();
    execution.sink.rows(batch);
  }
  return count;
}

std::optional<std::vector<Value>> LiftedPlans::values_of(const QueryPlan& plan,
                                                         const sql::LiftedStatement& lifted,
                                                         const FormatContext& format) const {
  const auto& types = plan.parameter_types();
  if (types.size() != lifted.literals.size()) return std::nullopt;
  std::vector<Value> values;
  values.reserve(types.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    const auto& literal = lifted.literals[i];
    if (literal.kind == sql::TokenKind::Number) {
      // A number keeps its own type in PostgreSQL; only where the parameter's holds it exactly are they the
      // same.
      if (!is_integer(types[i].id)) return std::nullopt;
      if (literal.text.find_first_not_of("0123456789-") != std::string::npos || literal.text.size() > 9)
        return std::nullopt;
    }
    values.push_back(parse_value(types[i], literal.text, format));
  }
  return values;
}

std::optional<std::string> LiftedPlans::try_run(Execution& execution, std::string_view statement) {
  const auto lifted = sql::lift_literals(statement);
  if (!lifted || lifted->literals.empty()) return std::nullopt;
  auto& context = execution.context;
  auto found = entries_.find(lifted->shape);
  if (found == entries_.end()) {
    if (entries_.size() >= kMostLiftedPlans) entries_.clear();
    Entry entry;
    // The first of a shape goes the general way; the second shows that a plan pays.
    entry.is_usable = true;
    entries_.emplace(lifted->shape, std::move(entry));
    return std::nullopt;
  }
  Entry& entry = found->second;
  if (!entry.is_usable) return std::nullopt;
  if (entry.plan == nullptr || !entry.plan->is_valid(context)) {
    try {
      const auto parsed = sql::parse(lifted->shape);
      const auto* query =
          parsed.size() == 1 ? std::get_if<sql::QueryStatement>(&parsed.front().body) : nullptr;
      if (query == nullptr || query->has_locking) {
        entry.is_usable = false;
        return std::nullopt;
      }
      entry.plan = QueryPlan::make(context, query->query, {});
      entry.tag = parsed.front().tag;
    } catch (const Error& error) {
      // The statement itself tells what is wrong, in its own words and positions.
      if (error.damage() == Damage::Database) throw;
      entry.is_usable = false;
      return std::nullopt;
    }
  }
  std::optional<std::vector<Value>> values;
  try {
    values = values_of(*entry.plan, *lifted, context.settings().format_context());
  } catch (const Error&) {
    return std::nullopt;  // as above
  }
  if (!values) {
    entry.is_usable = false;
    return std::nullopt;
  }
  const auto plan = entry.plan;
  const std::string tag = entry.tag;
  const auto stream = plan->open(*values);
  if (execution.describe) execution.sink.row_description(plan->columns());
  return tag + " " + std::to_string(send_rows(execution, *stream, plan->columns()));
}

}  // namespace tickstone::engine
