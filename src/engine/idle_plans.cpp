// SPDX-License-Identifier: Apache-2.0
#include "engine/idle_plans.hpp"

#include <algorithm>

namespace tickstone::engine {
namespace {

constexpr std::size_t kMostIdle = 8;

}  // namespace

void IdlePlans::put(SessionContext& context, PlanCache plans) {
  // Names mean something else to a session with tables of its own.
  if (context.has_temporary_schema() || context.instance() == nullptr || context.instance()->is_lost())
    return;
  plans.keep_valid(context);
  context.rollback();  // which lets go of what they read meanwhile
  if (plans.is_empty()) return;
  auto idle = std::make_unique<Idle>();
  idle->user = context.user();
  idle->settings = context.settings().values();
  idle->instance = context.instance();
  idle->connection = context.current_duck();
  idle->time_zone = context.duck_time_zone();
  idle->plans = std::move(plans);
  std::unique_ptr<Idle> oldest;  // freed after the lock
  const std::lock_guard lock(mutex_);
  if (idle_.size() == kMostIdle) {
    oldest = std::move(idle_.front());
    idle_.erase(idle_.begin());
  }
  idle_.push_back(std::move(idle));
}

void IdlePlans::take(SessionContext& context, PlanCache& plans) {
  std::unique_ptr<Idle> found;
  {
    const auto settings = context.settings().values();
    const std::lock_guard lock(mutex_);
    // The newest: its plans are the likeliest to hold.
    const auto fits = std::find_if(idle_.rbegin(), idle_.rend(), [&](const auto& idle) {
      return idle->user == context.user() && idle->instance == context.instance() &&
             idle->settings == settings;
    });
    if (fits == idle_.rend()) return;
    found = std::move(*fits);
    idle_.erase(std::next(fits).base());
  }
  if (found->connection != nullptr) context.adopt_duck(std::move(found->connection), found->time_zone);
  plans = std::move(found->plans);
  plans.move_to(context);
}

void IdlePlans::clear() {
  std::vector<std::unique_ptr<Idle>> cleared;
  const std::lock_guard lock(mutex_);
  cleared.swap(idle_);
}

}  // namespace tickstone::engine
