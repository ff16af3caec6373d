// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <iosfwd>
#include <vector>

#include "market/store_check.hpp"

namespace tickstone::cli {

/// Of a command that could not find out, as monitoring plugins have it.
constexpr int kUnknownStatus = 3;

struct CheckPrintOptions {
  bool is_json = false;
  bool is_quiet = false;  // only what is not OK
  std::size_t items = 5;  // of a check; JSON has all
};

/// Tells results as they come, or as JSON at the end.
class CheckPrinter {
 public:
  CheckPrinter(std::ostream& out, const CheckPrintOptions& options);

  void print(const market::CheckResult& result);
  /// The summary. Returns the exit status.
  int finish(market::CheckStatus worst);

 private:
  void print_text(const market::CheckResult& result);

  std::ostream& out_;
  const CheckPrintOptions options_;
  const bool has_colors_;
  std::vector<market::CheckResult> results_;
};

}  // namespace tickstone::cli
