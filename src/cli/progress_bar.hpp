// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace tickstone::cli {

/// A bar on standard error while something long goes on; silent where that is no terminal. Units: of the
/// caller (bytes, rows).
class ProgressBar {
 public:
  ProgressBar(std::string title, std::uint64_t total);
  ~ProgressBar();  // wipes the line
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  /// Cost: prints at most ten times a second.
  void show(std::uint64_t done, const std::string& note);
  /// Wipes the line, so that something else can be printed; the next `show` draws it again.
  void clear();

 private:
  std::string title_;
  std::uint64_t total_;
  bool is_terminal_;
  bool has_shown_ = false;
  std::int64_t last_ns_ = 0;
};

}  // namespace tickstone::cli
