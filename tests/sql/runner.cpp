// SPDX-License-Identifier: Apache-2.0
// Runs .test files under one configuration: sql_test_runner <configuration> <file or folder>...
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <stdexcept>

#include <tickstone/error.hpp>

#include "test_script.hpp"
#include "test_target.hpp"

namespace tickstone::sql_test {
namespace {

using Lines = std::vector<std::string>;

Lines rows_as_lines(const Outcome& outcome) {
  Lines lines;
  for (const auto& row : outcome.rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += '\t';
      line += !row[i] ? "NULL" : row[i]->empty() ? "(empty)" : *row[i];
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

Lines error_as_lines(const Outcome::Failure& failure) {
  Lines lines = {failure.message};
  if (!failure.detail.empty()) lines.push_back("DETAIL: " + failure.detail);
  if (!failure.hint.empty()) lines.push_back("HINT: " + failure.hint);
  if (!failure.context.empty()) lines.push_back("CONTEXT: " + failure.context);
  return lines;
}

/// Of an error as many lines count as are expected, by their kind; the message always stands first.
bool matches_error(const Lines& expected, const Lines& actual) {
  return std::all_of(expected.begin(), expected.end(), [&](const auto& line) {
    return std::find(actual.begin(), actual.end(), line) != actual.end();
  });
}

Lines split_lines(const std::string& text) {
  Lines lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string indented(const Lines& lines) {
  std::string out;
  for (const auto& line : lines) out += "    " + line + "\n";
  return out.empty() ? "    (nothing)\n" : out;
}

/// What is wrong, or nothing.
std::string difference(const Record& record, const Outcome& outcome) {
  if (record.expects_error) {
    if (!outcome.failure) return "  expected an error, it succeeded: " + outcome.tag + "\n";
    std::string wrong;
    if (!record.sqlstate.empty() && outcome.failure->sqlstate != record.sqlstate) {
      wrong = "  expected SQLSTATE " + record.sqlstate + ", got " + outcome.failure->sqlstate + "\n" +
              indented(error_as_lines(*outcome.failure));
    } else if (!matches_error(record.expected, error_as_lines(*outcome.failure))) {
      wrong = "  expected error\n" + indented(record.expected) + "  got\n" +
              indented(error_as_lines(*outcome.failure));
    }
    return wrong;
  }
  if (outcome.failure) {
    return "  error " + outcome.failure->sqlstate + "\n" + indented(error_as_lines(*outcome.failure));
  }
  if (record.kind == Record::Kind::Statement) {
    if (!record.tag.empty() && record.tag != outcome.tag) {
      return "  expected tag " + record.tag + ", got " + outcome.tag + "\n";
    }
    if (!record.has_expected) return {};
    const Lines copied = split_lines(outcome.copied);
    return copied == record.expected
               ? ""
               : "  expected output\n" + indented(record.expected) + "  got\n" + indented(copied);
  }
  if (outcome.column_count != record.column_count) {
    return "  expected " + std::to_string(record.column_count) + " columns, got " +
           std::to_string(outcome.column_count) + "\n";
  }
  Lines expected = record.expected, actual = rows_as_lines(outcome);
  if (record.is_sorted) {
    std::sort(expected.begin(), expected.end());
    std::sort(actual.begin(), actual.end());
  }
  return expected == actual ? "" : "  expected\n" + indented(expected) + "  got\n" + indented(actual);
}

struct Configuration {
  std::string name;
  std::function<std::unique_ptr<TestDatabase>()> make;
};

class Runner {
 public:
  explicit Runner(Configuration configuration) : configuration_(std::move(configuration)) {}

  void run(const std::filesystem::path& file) {
    const auto database = configuration_.make();
    std::map<std::string, std::unique_ptr<TestConnection>> connections;
    for (const auto& record : read_script(file)) {
      const auto& only = record.only_in;
      const auto& skipped = record.skipped_in;
      if (std::find(skipped.begin(), skipped.end(), configuration_.name) != skipped.end()) continue;
      if (!only.empty() && std::find(only.begin(), only.end(), configuration_.name) == only.end()) continue;
      auto& connection = connections[record.connection];
      if (connection == nullptr) connection = database->connect();
      const std::string wrong = difference(record, connection->run(record.sql, record.copy_data));
      ++records_;
      if (!wrong.empty()) {
        ++failures_;
        std::printf("%s:%zu (%s)\n  %s\n%s", file.c_str(), record.line, configuration_.name.c_str(),
                    record.sql.c_str(), wrong.c_str());
      }
      database->after_statement();
    }
    ++files_;
  }

  int finish() const {
    std::printf("%s: %zu files, %zu records, %zu failed\n", configuration_.name.c_str(), files_, records_,
                failures_);
    return failures_ == 0 && records_ > 0 ? 0 : 1;
  }
  void count_failure() { ++failures_; }

 private:
  Configuration configuration_;
  std::size_t files_ = 0, records_ = 0, failures_ = 0;
};

std::vector<std::filesystem::path> find_scripts(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Configuration configuration_of(const std::string& name) {
  if (name == "embedded") return {name, [] { return make_embedded_database(false); }};
  if (name == "sealed") return {name, [] { return make_embedded_database(true); }};
  if (name == "wire-simple") return {name, [] { return make_wire_database(false); }};
  if (name == "wire-extended") return {name, [] { return make_wire_database(true); }};
  if (name.starts_with("postgres:")) {
    return {"postgres", [conninfo = name.substr(9)] { return make_postgres_database(conninfo); }};
  }
  throw std::runtime_error("no such configuration: " + name);
}

int run_main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr,
                 "usage: sql_test_runner embedded|sealed|wire-simple|wire-extended|postgres:CONNINFO "
                 "FILE|FOLDER...\n");
    return 2;
  }
  Runner runner(configuration_of(arguments[1]));
  for (int i = 2; i < count; ++i) {
    for (const auto& file : find_scripts(arguments[i])) {
      try {
        runner.run(file);
      } catch (const std::exception& error) {
        std::printf("%s: %s\n", file.c_str(), error.what());
        runner.count_failure();
      }
    }
  }
  return runner.finish();
}

}  // namespace
}  // namespace tickstone::sql_test

int main(int count, char** arguments) {
  try {
    return tickstone::sql_test::run_main(count, arguments);
  } catch (const std::exception& error) {  // Boundary: the program's end.
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
