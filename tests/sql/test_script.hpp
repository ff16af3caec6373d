// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tickstone::sql_test {

/// One record of a .test file. tests/sql/README.md has the form.
struct Record {
  enum class Kind { Statement, Query };
  Kind kind = Kind::Statement;
  std::size_t line = 0;  // of its first line, from 1
  std::string connection = "main";
  std::string sql;
  bool expects_error = false;
  std::string sqlstate;  // empty: any
  std::string tag;       // of `statement ok INSERT 0 1`; empty: any
  std::size_t column_count = 0;
  bool is_sorted = false;  // rowsort
  bool has_expected = false;
  std::vector<std::string> expected;  // rows, error lines, or what COPY sent
  bool has_copy_data = false;
  std::string copy_data;                // what COPY FROM STDIN is given
  std::vector<std::string> skipped_in;  // configurations
  std::vector<std::string> only_in;
};

/// Errors: std::runtime_error with file and line.
std::vector<Record> read_script(const std::filesystem::path& file);

}  // namespace tickstone::sql_test
