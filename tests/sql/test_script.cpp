// SPDX-License-Identifier: Apache-2.0
#include "test_script.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace tickstone::sql_test {
namespace {

class ScriptReader {
 public:
  explicit ScriptReader(const std::filesystem::path& file) : file_(file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + file.string());
    for (std::string line; std::getline(in, line);) lines_.push_back(std::move(line));
  }

  std::vector<Record> read() {
    std::vector<Record> records;
    Record next;
    std::string connection = "main";
    while (at_ < lines_.size()) {
      const std::string& line = lines_[at_];
      if (line.empty() || line[0] == '#') {
        ++at_;
        continue;
      }
      std::istringstream words(line);
      std::string word;
      words >> word;
      if (word == "connection") {
        if (!(words >> connection)) fail("connection without a name");
        ++at_;
      } else if (word == "skipif" || word == "onlyif") {
        for (std::string name; words >> name;)
          (word == "skipif" ? next.skipped_in : next.only_in).push_back(name);
        ++at_;
      } else if (word == "statement" || word == "query") {
        next.connection = connection;
        next.line = at_ + 1;
        read_record(next, word, words);
        records.push_back(std::move(next));
        next = {};
      } else {
        fail("not a record: " + line);
      }
    }
    return records;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(file_.string() + ":" + std::to_string(at_ + 1) + ": " + what);
  }

  void read_record(Record& record, const std::string& kind, std::istringstream& words) {
    std::string word;
    if (kind == "query") {
      record.kind = Record::Kind::Query;
      if (!(words >> word)) fail("query without column types");
      record.column_count = word.size();
      while (words >> word) {
        if (word == "rowsort") {
          record.is_sorted = true;
        } else if (word != "nosort") {
          fail("unknown sort mode " + word);
        }
      }
    } else {
      words >> word;
      if (word == "error") {
        record.expects_error = true;
        words >> record.sqlstate;
      } else if (word == "ok") {
        std::getline(words >> std::ws, record.tag);
      } else {
        fail("statement ok, or statement error");
      }
    }
    ++at_;
    record.sql = take_until_marker();
    if (record.sql.empty()) fail("no SQL");
    while (at_ < lines_.size() && !lines_[at_].empty()) {
      const std::string marker = lines_[at_++];
      if (marker == "----") {
        record.has_expected = true;
        while (at_ < lines_.size() && !lines_[at_].empty() && !is_marker(lines_[at_]))
          record.expected.push_back(lines_[at_++]);
      } else if (marker == "<<<<") {
        record.has_copy_data = true;
        take_copy_data(record);
      }
    }
    if (record.kind == Record::Kind::Query && !record.has_expected) fail("query without ----");
  }

  /// Up to an empty line or ----; where >>>> comes before the next record, up to that.
  void take_copy_data(Record& record) {
    std::size_t end = at_;
    while (end < lines_.size() && lines_[end] != ">>>>" && lines_[end] != "<<<<") ++end;
    const bool is_closed = end < lines_.size() && lines_[end] == ">>>>";
    while (at_ < lines_.size() && (is_closed ? at_ < end : !lines_[at_].empty() && !is_marker(lines_[at_]))) {
      record.copy_data += lines_[at_++] + "\n";
    }
    if (is_closed) ++at_;
  }

  static bool is_marker(const std::string& line) {
    return line == "----" || line == "<<<<" || line == ">>>>";
  }

  std::string take_until_marker() {
    std::string text;
    while (at_ < lines_.size() && !lines_[at_].empty() && !is_marker(lines_[at_])) {
      text += (text.empty() ? "" : "\n") + lines_[at_++];
    }
    return text;
  }

  std::filesystem::path file_;
  std::vector<std::string> lines_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Record> read_script(const std::filesystem::path& file) { return ScriptReader(file).read(); }

}  // namespace tickstone::sql_test
