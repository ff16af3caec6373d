// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "duck/known_totals.hpp"
#include "duck/short_steps.hpp"

namespace tickstone::duck {

/// A plan of DuckDB's that is one row of operators over one scan of ours, or over no table. Where few rows
/// are to be read, the thread that asks runs it at once: DuckDB's pipelines, tasks and buffers cost more to
/// set up than such an answer. What computes are DuckDB's expressions and aggregate functions, so what comes
/// out is the same.
class ShortPlan {
 public:
  /// nullptr where the plan has something else in it. Lifetime: of both arguments.
  static std::unique_ptr<ShortPlan> make(duckdb::ClientContext& context,
                                         const duckdb::PhysicalOperator& root);

  /// The whole answer, with the parameters of now; nothing where it is DuckDB's to run, which then has had no
  /// effect. Numbers that 38 digits do not hold come as texts. Errors: DuckDB's, and those of callbacks
  /// through it.
  std::optional<std::vector<Batch>> run();

  /// For EXPLAIN: what a run would read; nothing where there would be none.
  std::optional<std::string> reading();

 private:
  explicit ShortPlan(duckdb::ClientContext& context) : context_(context) {}

  struct Part {
    const duckdb::PhysicalOperator* op = nullptr;
    std::unique_ptr<ShortExpressions> expressions;  // of a filter or a projection
  };
  std::optional<std::vector<Batch>> run_in_transaction();
  void find_known_totals();
  std::uint64_t most_rows() const;

  duckdb::ClientContext& context_;
  const duckdb::PhysicalOperator* leaf_ = nullptr;
  std::vector<Part> parts_;           // from the leaf on
  std::optional<KnownTotals> known_;  // what the first parts give,
  std::size_t known_parts_ = 0;       // so many
  bool is_volatile_ = false;
  int skipped_runs_ = 0;  // after one that was too large
};

}  // namespace tickstone::duck
