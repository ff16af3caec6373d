// SPDX-License-Identifier: Apache-2.0
#include "duck/short_plan.hpp"

#include <algorithm>

#include "duck/scan_run.hpp"

namespace tickstone::duck {

namespace {

using duckdb::PhysicalOperator;
using duckdb::PhysicalOperatorType;

/// Rows to read, at most, of a plan that sends them, that sorts them, groups them, has one row of totals, and
/// has window functions of them. For more DuckDB's set-up is little beside the work, and its threads can
/// help; of windows its work is several times ours.
constexpr std::uint64_t kMostSent = 8'192;
constexpr std::uint64_t kMostSorted = STANDARD_VECTOR_SIZE;
constexpr std::uint64_t kMostGrouped = 16'384;
constexpr std::uint64_t kMostTotalled = 30'000;
constexpr std::uint64_t kMostWindowed = 50'000;

/// What an answer may take of memory; DuckDB streams longer ones.
constexpr std::size_t kMostAnswerBytes = 8 << 20;

/// Looks in vain cost little, but no table becomes small so soon.
constexpr int kRunsToSkip = 15;

}  // namespace

std::unique_ptr<ShortPlan> ShortPlan::make(duckdb::ClientContext& context, const PhysicalOperator& root) {
  std::unique_ptr<ShortPlan> plan(new ShortPlan(context));
  const PhysicalOperator* at = &root;
  while (has_short_step(*at)) {
    Part& part = plan->parts_.emplace_back();
    part.op = at;
    if (at->type == PhysicalOperatorType::FILTER || at->type == PhysicalOperatorType::PROJECTION) {
      part.expressions = std::make_unique<ShortExpressions>(*at);
      plan->is_volatile_ |= part.expressions->are_volatile();
    }
    if (at->children.size() != 1) return nullptr;
    at = &at->children[0].get();
  }
  const bool is_leaf = at->type == PhysicalOperatorType::DUMMY_SCAN ||
                       at->type == PhysicalOperatorType::EMPTY_RESULT || ScanRun::is_possible(*at);
  if (!is_leaf) return nullptr;
  plan->leaf_ = at;
  std::reverse(plan->parts_.begin(), plan->parts_.end());
  // A window may turn out to be DuckDB's only when all its rows have come.
  if (plan->is_volatile_ && std::any_of(plan->parts_.begin(), plan->parts_.end(), [](const Part& part) {
        return gathering_of(*part.op) == Gathering::Windows;
      })) {
    return nullptr;
  }
  plan->find_known_totals();
  return plan;
}

/// How many rows may be read.
std::uint64_t ShortPlan::most_rows() const {
  bool is_filtered = false;
  for (const auto& part : parts_) {
    switch (gathering_of(*part.op)) {
      case Gathering::Rows:
        return kMostSorted;
      case Gathering::Groups:
        // What has been computed would be again, were there too many groups.
        return is_volatile_ ? kMostSorted : kMostGrouped;
      case Gathering::Totals:
        return kMostTotalled;
      case Gathering::Windows:
        return kMostWindowed;
      case Gathering::Nothing:
        break;
    }
    is_filtered |= part.op->type == PhysicalOperatorType::FILTER;
    const auto limit = limit_of(*part.op);
    if (limit && *limit <= kMostSorted && !is_filtered) return UINT64_MAX;
  }
  return is_volatile_ ? kMostSorted : kMostSent;
}

void ShortPlan::find_known_totals() {
  std::vector<const PhysicalOperator*> between;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (gathering_of(*parts_[i].op) == Gathering::Totals) {
      known_ = KnownTotals::find(*parts_[i].op, *leaf_, between);
      known_parts_ = known_ ? i + 1 : 0;
      return;
    }
    between.push_back(parts_[i].op);
  }
}

std::optional<std::vector<Batch>> ShortPlan::run() {
  if (skipped_runs_ > 0) {
    --skipped_runs_;
    return std::nullopt;
  }
  std::optional<std::vector<Batch>> answer;
  context_.interrupted = false;
  context_.RunFunctionInTransaction([&] { answer = run_in_transaction(); }, false);
  for (auto& part : parts_) {
    if (part.expressions) part.expressions->release();
  }
  if (!answer) skipped_runs_ = kRunsToSkip;
  return answer;
}

std::optional<std::vector<Batch>> ShortPlan::run_in_transaction() {
  std::optional<ScanRun> scan;
  if (leaf_->type == PhysicalOperatorType::TABLE_SCAN && !known_) {
    scan.emplace(context_, leaf_->Cast<duckdb::PhysicalTableScan>());
    if (scan->estimated_rows() > most_rows()) return std::nullopt;
  }
  // What has been computed may not be again.
  ShortAnswer answer(is_volatile_ ? SIZE_MAX : kMostAnswerBytes);
  std::vector<std::unique_ptr<ShortStep>> steps;  // from the top on
  ShortStep* first = &answer;
  for (std::size_t i = parts_.size(); i-- > known_parts_;) {
    const Gathering below = i > 0 ? gathering_of(*parts_[i - 1].op) : Gathering::Nothing;
    const bool is_input_kept = below != Gathering::Nothing && below != Gathering::Windows;
    steps.push_back(
        make_short_step(context_, *parts_[i].op, parts_[i].expressions.get(), is_input_kept, *first));
    if (steps.back() == nullptr) return std::nullopt;
    first = steps.back().get();
  }
  Flow flow = Flow::More;
  duckdb::DataChunk row;
  if (known_) {
    known_->give(context_, row);
    flow = first->take(row);
  } else if (scan) {
    while (flow == Flow::More) {
      if (context_.interrupted) throw duckdb::InterruptException();
      auto* rows = scan->read();
      if (rows == nullptr) break;
      flow = first->take(*rows);
    }
  } else if (leaf_->type == PhysicalOperatorType::DUMMY_SCAN) {
    row.Initialize(duckdb::Allocator::DefaultAllocator(), leaf_->types, 1);
    row.SetCardinality(1);
    flow = first->take(row);
  }
  if (flow == Flow::TooMuch || first->end() == Flow::TooMuch) return std::nullopt;
  return std::move(answer.batches);
}

std::optional<std::string> ShortPlan::reading() {
  if (known_) return "reads directories";
  std::optional<std::uint64_t> rows = leaf_->type == PhysicalOperatorType::DUMMY_SCAN ? 1 : 0;
  if (leaf_->type == PhysicalOperatorType::TABLE_SCAN) {
    context_.RunFunctionInTransaction(
        [&] {
          const ScanRun scan(context_, leaf_->Cast<duckdb::PhysicalTableScan>());
          rows = scan.estimated_rows();
          if (*rows > most_rows()) rows.reset();
        },
        false);
  }
  if (!rows) return std::nullopt;
  return "reads " + std::to_string(*rows) + " rows at most";
}

}  // namespace tickstone::duck
