// SPDX-License-Identifier: Apache-2.0
#include "engine/query_plan.hpp"

#include <tickstone/error.hpp>

namespace tickstone::engine {
namespace {

constexpr std::size_t kMostPlans = 256;

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

/// Whether the text alone tells all types that DuckDB would be asked for.
bool is_typed(const sql::DuckQuery& query, std::size_t output_count, std::span<const SqlType> declared) {
  if (query.output_names.size() != output_count || query.output_types.size() != output_count) return false;
  for (std::size_t i = 0; i < query.parameter_types.size(); ++i) {
    const bool is_declared = i < declared.size() && declared[i].id != TypeId::Unknown;
    if (!is_declared && !query.parameter_types[i]) return false;
  }
  return true;
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
  plan->context_ = &context;
  plan->catalog_ = context.catalog();
  plan->settings_version_ = context.settings().version();
  plan->is_wide_ = context.wants_wide_numeric();
  // SELECT $1 is of the type that the client says $1 has.
  std::optional<SessionContext::InFrame> parameters;
  if (!declared.empty() && context.frame_count() == 0) {
    SessionContext::Frame frame;
    for (const auto& type : declared) frame.parameters.emplace_back("", type);
    parameters.emplace(context, std::move(frame));
  }
  // A query that locks rows is described by its plan and not run by it.
  const sql::Rewriter rewriter(context, sql::Rewriter::Locks::LeftOut);
  const auto rewritten = rewriter.query(query, sql::Rewriter::Rows::Sent);
  parameters.reset();
  plan->text_ = rewritten.text;
  plan->point_ = PointReader::make(context, query);
  if (plan->point_ != nullptr && is_typed(rewritten, plan->point_->output_count(), declared)) {
    std::vector<duck::ResultColumn> columns;
    for (std::size_t i = 0; i < plan->point_->output_count(); ++i)
      columns.push_back({rewritten.output_names[i], plan->point_->output_type(i)});
    plan->columns_ = result_columns(columns, rewritten);
    plan->parameter_types_ = parameter_types_of(rewritten, {}, declared);
    return plan;
  }
  plan->prepare();
  plan->columns_ = result_columns(plan->prepared_->columns(), rewritten);
  plan->parameter_types_ = parameter_types_of(rewritten, plan->prepared_->parameter_types(), declared);
  return plan;
}

void QueryPlan::prepare() {
  connection_ = context_->duck();
  prepared_ = connection_->prepare(text_);
}

QueryPlan::Opened QueryPlan::open(std::span<const Value> parameters) {
  if (point_ != nullptr) {
    if (auto stream = point_->open(*context_, parameters)) return {std::move(stream), false};
  }
  if (prepared_ == nullptr) prepare();
  return {prepared_->execute(parameters), true};
}

bool QueryPlan::is_valid(const SessionContext& context) const {
  return catalog_ == context.catalog() && settings_version_ == context.settings().version() &&
         (connection_ == nullptr || connection_ == context.current_duck());
}

void QueryPlan::move_to(SessionContext& context) {
  context_ = &context;
  settings_version_ = context.settings().version();
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

std::optional<std::vector<Value>> PlanCache::values_of(const QueryPlan& plan,
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

std::optional<sql::LiftedStatement> PlanCache::lift(std::string_view statement) {
  // A text that says nothing by literals is kept as it is, of the length that programs repeat.
  constexpr std::size_t kLongestText = 8192;
  auto lifted = sql::lift_literals(statement);
  if (lifted && lifted->literals.empty() && statement.size() > kLongestText) return std::nullopt;
  return lifted;
}

PlanCache::Entry* PlanCache::find_shape(const std::string& shape) {
  const auto found = lifted_.find(shape);
  if (found != lifted_.end()) return found->second.is_usable ? &found->second : nullptr;
  // The first of a shape goes the general way; the second shows that a plan pays.
  if (lifted_.size() >= kMostPlans) lifted_.clear();
  lifted_.emplace(shape, Entry());
  return nullptr;
}

bool PlanCache::is_known(std::string_view statement) {
  const auto lifted = lift(statement);
  return lifted && find_shape(lifted->shape) != nullptr;
}

std::optional<std::string> PlanCache::try_run(Execution& execution, std::string_view statement) {
  const auto lifted = lift(statement);
  Entry* const known = lifted ? find_shape(lifted->shape) : nullptr;
  if (known == nullptr) return std::nullopt;
  Entry& entry = *known;
  auto& context = execution.context;
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
  execution.slot = &entry.slot;
  const auto stream = plan->open(*values).stream;
  if (execution.describe) execution.sink.row_description(plan->columns());
  return tag + " " + std::to_string(send_rows(execution, *stream, plan->columns()));
}

std::shared_ptr<QueryPlan> PlanCache::plan_of(SessionContext& context, const std::string& text,
                                              const sql::Expr& query, std::span<const SqlType> declared) {
  std::string key = text;
  for (const auto& type : declared) {
    key += '\0';
    key += to_sql(type);
  }
  auto found = by_text_.find(key);
  if (found != by_text_.end() && found->second->is_valid(context)) return found->second;
  auto plan = QueryPlan::make(context, query, declared);
  if (by_text_.size() >= kMostPlans) by_text_.clear();
  by_text_[std::move(key)] = plan;
  return plan;
}

void PlanCache::keep_valid(SessionContext& context) {
  std::erase_if(lifted_, [&](const auto& entry) {
    return entry.second.plan != nullptr && !entry.second.plan->is_valid(context);
  });
  std::erase_if(by_text_, [&](const auto& entry) { return !entry.second->is_valid(context); });
}

void PlanCache::move_to(SessionContext& context) {
  for (auto& [shape, entry] : lifted_) {
    if (entry.plan != nullptr) entry.plan->move_to(context);
  }
  for (auto& [text, plan] : by_text_) plan->move_to(context);
}

}  // namespace tickstone::engine
