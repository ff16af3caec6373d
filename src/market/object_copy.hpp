// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "market/object_plan.hpp"

namespace tickstone::market {

/// Does the steps of a plan at the target, each in a transaction of its own, so that a run that was cut short
/// is taken up by planning again. What depends on what is found out by trying: what fails is tried again as
/// long as anything succeeds in between.
///
/// Errors: those after which the connection is of no use; all others are told by `left_out`.
class ObjectCopy {
 public:
  ObjectCopy(Connection& target, Home home, std::function<void(const std::string&)> on_step)
      : target_(target), home_(home), on_step_(std::move(on_step)) {}

  /// The steps of one phase.
  void run(const ObjectPlan& plan, ObjectStep::Phase phase);
  /// Those of them that `is_wanted` chooses, before their time: what fails is left for `run`.
  void try_all(const ObjectPlan& plan, ObjectStep::Phase phase,
               const std::function<bool(const ObjectStep&)>& is_wanted);

  /// Brings an aggregate up to date; `since` may be empty.
  void refresh(const std::string& aggregate, const std::string& since);

  /// Runs a materialized view's query again; where that fails it keeps what it had, which is told.
  void refresh_view(const ObjectFacts& view);

  const std::vector<std::string>& made() const { return made_; }
  const std::vector<LeftOut>& left_out() const { return left_out_; }
  const std::vector<std::string>& refreshed() const { return refreshed_; }

 private:
  /// Returns what failed.
  std::vector<LeftOut> run_steps(const ObjectPlan& plan, ObjectStep::Phase phase,
                                 const std::function<bool(const ObjectStep&)>& is_wanted);
  void apply(const ObjectStep& step);

  Connection& target_;
  Home home_;
  std::function<void(const std::string&)> on_step_;
  std::vector<std::string> made_;
  std::vector<LeftOut> left_out_;
  std::vector<std::string> refreshed_;
};

/// Commits what `work` does, or nothing of it.
void in_transaction(Connection& connection, const std::function<void()>& work);

}  // namespace tickstone::market
