// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tickstone::cli {

/// Cuts SQL that is typed line by line into statements, as psql does: at semicolons outside of quotes,
/// comments, dollar quotes and parentheses.
class StatementSplitter {
 public:
  /// The next line, without its line feed.
  void add_line(std::string_view line);
  /// The next whole statement, its semicolon included; nothing where more must be typed.
  std::optional<std::string> take();
  /// Nothing but space and comments is waiting.
  bool is_empty() const;
  /// What is waiting, given up.
  std::string drop();

 private:
  std::string text_;
};

}  // namespace tickstone::cli
