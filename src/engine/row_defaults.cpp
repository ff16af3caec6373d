// SPDX-License-Identifier: Apache-2.0
#include "engine/row_defaults.hpp"

#include "base/check.hpp"
#include "engine/assignment.hpp"

namespace tickstone::engine {

const Value& RowDefaults::value(std::size_t column) {
  auto& kept = values_[column];
  if (kept) return *kept;
  const auto& plan = target_.defaults()[column];
  const auto& object = target_.column(column);
  const auto& format = context_.settings().format_context();
  Column one(object.type);
  switch (plan.kind) {
    case DefaultPlan::Kind::Null:
      one.append_null();
      break;
    case DefaultPlan::Kind::Constant:
      append_constant(one, plan.constant, object, format);
      break;
    case DefaultPlan::Kind::Now:
      append_assigned(one, Value::of_timestamptz(context_.transaction_start_us()), object, format);
      break;
    case DefaultPlan::Kind::Sequence:
      append_assigned(one, Value::of_bigint(context_.nextval(plan.sequence)), object, format);
      break;
    case DefaultPlan::Kind::PerStatement:
    case DefaultPlan::Kind::PerRow:
      append_assigned(one, context_.evaluate(plan.expression), object, format);
      break;
  }
  return kept.emplace(value_at(one.view(), 0));
}

void RowDefaults::append(std::size_t column, Column& into, std::size_t count) {
  const auto kind = target_.defaults()[column].kind;
  if (kind == DefaultPlan::Kind::Null) {
    for (std::size_t i = 0; i < count; ++i) into.append_null();
    return;
  }
  const bool is_per_row = kind == DefaultPlan::Kind::Sequence || kind == DefaultPlan::Kind::PerRow;
  if (is_per_row && kind == DefaultPlan::Kind::PerRow && count > 1) {
    // One query for all of them.
    auto numbers = std::make_shared<Batch>();
    numbers->columns.emplace_back(SqlType::of(TypeId::BigInt));
    for (std::size_t i = 0; i < count; ++i) numbers->columns[0].append_fixed(static_cast<std::int64_t>(i));
    const SqlType bigint = SqlType::of(TypeId::BigInt);
    const sql::RelationInfo info{{}, "rows", {{"number", bigint, true}}};
    context_.set_rows("#rows", {{"number", bigint, initial_layout(bigint), false, 0}}, std::move(numbers));
    const auto query =
        sql::Rewriter(context_).expressions({target_.defaults()[column].expression}, &info, "#rows");
    Batch result = run_typed(context_, query, {});
    TICKSTONE_CHECK(result.row_count() == count);
    into.append_all(
        assigned(std::move(result.columns[0]), target_.column(column), context_.settings().format_context())
            .view());
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    append_value(into, value(column));
    if (is_per_row) values_[column].reset();
  }
}

}  // namespace tickstone::engine
