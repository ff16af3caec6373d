// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tickstone::engine {

/// One `name = value` of a file in postgresql.conf's syntax.
struct ConfigurationLine {
  std::string name;  // lower case
  std::string value;
  std::filesystem::path file;
  int line = 0;
};

/// What is wrong with a file as such, in PostgreSQL's words: `syntax error in file "x" line 3, near token
/// "y"`.
struct ConfigurationProblem {
  std::string message;
  std::filesystem::path file;
  int line = 0;  // 0: the file itself
};

struct ConfigurationText {
  std::vector<ConfigurationLine> lines;  // in order, those of included files in their place
  std::vector<ConfigurationProblem> problems;
};

/// Reads a file with what it includes (include, include_if_exists, include_dir; relative to the file). Goes
/// on after a problem, so that all are found at once.
ConfigurationText read_configuration_file(const std::filesystem::path& path);

/// The text of a file that has just these lines, one a line.
std::string configuration_text(const std::vector<ConfigurationLine>& lines);

}  // namespace tickstone::engine
