// SPDX-License-Identifier: Apache-2.0
#include "engine/aggregate_plans.hpp"

#include "engine/aggregate_query.hpp"

namespace tickstone::engine {
namespace {

constexpr std::size_t kMostPlans = 64;

}  // namespace

AggregatePlans& SessionContext::aggregate_plans() {
  if (aggregate_plans_ == nullptr) aggregate_plans_ = std::make_shared<AggregatePlans>();
  return *aggregate_plans_;
}

std::unique_ptr<duck::ResultStream> AggregatePlans::open(SessionContext& context,
                                                         const catalog::RelationObject& aggregate) {
  context.check_cancelled();
  const auto text = [&] { return aggregate_query(context, aggregate, {{ScanCondition::Kind::Changed, 0}}); };
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
