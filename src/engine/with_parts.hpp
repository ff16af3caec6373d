// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "engine/executors.hpp"

namespace tickstone::engine {

/// Queries of WITH that are run before their statement, because one of them writes. All see what there was
/// when the statement began, and the statement after them, too; what one returns is a relation to those after
/// it. While the object lives, names of WITH mean those rows.
class WithParts {
 public:
  explicit WithParts(SessionContext& context) : context_(context) {}
  ~WithParts() { context_.clear_with_rows(); }
  WithParts(const WithParts&) = delete;
  WithParts& operator=(const WithParts&) = delete;

  /// Told of each, when it is done, how many rows it returned or wrote.
  using Done = std::function<void(const sql::WithPart& part, std::uint64_t row_count)>;
  /// Runs them in their order; the view is the statement's again after it.
  void run(Execution& execution, const sql::Statement& statement, const Done& done = {});
  /// Says what they will return; the types of parameters that they tell, Unknown where they do not.
  std::vector<SqlType> describe(const sql::Statement& statement);

 private:
  void add(const sql::WithPart& part, const std::vector<ResultColumn>& columns, Batch rows);

  SessionContext& context_;
};

}  // namespace tickstone::engine
