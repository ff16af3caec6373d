// SPDX-License-Identifier: Apache-2.0
#include "engine/aggregate_plans.hpp"

#include "engine/aggregate_query.hpp"
#include "engine/table_schema.hpp"

namespace tickstone::engine {
namespace {

constexpr std::size_t kMostPlans = 64;

/// The aggregate's query over what has changed. A refresh writes its rows as segments have them, by series
/// and time, so that who asks for them so before they are sealed has nothing to sort; a commit's few are left
/// as they come.
std::string changed_rows_query(const SessionContext& context, const catalog::RelationObject& aggregate) {
  auto text = aggregate_query(context, aggregate, {{ScanCondition::Kind::Changed, 0}});
  if (is_eager_aggregate(aggregate)) return text;
  const auto schema = storage_schema(aggregate);
  std::string order;
  const auto add = [&](storage::ColumnId id) {
    for (std::size_t i = 0; i < aggregate.columns.size(); ++i) {
      if (aggregate.columns[i].id == id)
        order.append(order.empty() ? " ORDER BY " : ", ").append(std::to_string(i + 1));
    }
  };
  for (const auto id : schema.series_key) add(id);
  if (order.empty()) return text;
  if (schema.time_column) add(*schema.time_column);
  return "SELECT * FROM (" + text + ") AS changed" + order;
}

}  // namespace

AggregatePlans& SessionContext::aggregate_plans() {
  if (aggregate_plans_ == nullptr) aggregate_plans_ = std::make_shared<AggregatePlans>();
  return *aggregate_plans_;
}

std::unique_ptr<duck::ResultStream> AggregatePlans::open(SessionContext& context,
                                                         const catalog::RelationObject& aggregate) {
  context.check_cancelled();
  const auto text = [&] { return changed_rows_query(context, aggregate); };
  auto connection = context.duck();
  // A transaction that changes the catalog does so in place: nothing made from it is kept.
  if (context.has_catalog_edit()) return connection->query(text());
  if (plans_.size() >= kMostPlans && !plans_.contains(aggregate.oid)) plans_.clear();
  Plan& plan = plans_[aggregate.oid];
  const bool holds = plan.prepared != nullptr && plan.catalog == context.catalog() &&
                     plan.settings_version == context.settings().version() &&
                     plan.is_wide == context.wants_wide_numeric() && plan.connection == connection;
  if (!holds) {
    plan = {};
    plan.catalog = context.catalog();
    plan.settings_version = context.settings().version();
    plan.is_wide = context.wants_wide_numeric();
    plan.prepared = connection->prepare(text());
    plan.connection = std::move(connection);
  }
  return plan.prepared->execute({});
}

}  // namespace tickstone::engine
