// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tickstone::cli {

/// A line of a terminal, with editing, history and completion by tab (libedit); of other input, plain lines.
/// One a program.
class LineEditor {
 public:
  LineEditor();
  ~LineEditor();  // writes the history
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class End : std::uint8_t { Line, Interrupted, Input };
  struct Read {
    End end = End::Input;
    std::string line;
  };
  /// Without its line feed. Interrupted: Ctrl-C gave it up.
  Read read(const std::string& prompt);
  /// What up-arrow brings back; not what names a password.
  void remember(const std::string& statement);
  /// The words that tab completes, in any case.
  void set_words(std::vector<std::string> words);

 private:
  std::string history_file_;  // empty: none
  bool is_terminal_;
};

}  // namespace tickstone::cli
