// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/result_sink.hpp"
#include "types/value.hpp"

namespace tickstone::engine {

/// What one statement gave, values as text.
struct CollectedResult {
  std::vector<ResultColumn> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::string tag;
  std::string copied;  // COPY TO STDOUT
};

/// Keeps everything, and feeds COPY FROM STDIN from `copy_input`.
class CollectingSink final : public ResultSink {
 public:
  explicit CollectingSink(FormatContext format = {}) : format_(format) {}

  std::string copy_input;
  std::size_t copy_chunk_bytes = 1U << 16;  // small ones cut rows
  std::vector<CollectedResult> results;
  std::vector<Notice> notices;

  void row_description(const std::vector<ResultColumn>& columns) override { current_.columns = columns; }
  void rows(const Batch& batch) override {
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      auto& values = current_.rows.emplace_back();
      for (const auto& column : batch.columns) {
        if (column.is_null(row)) {
          values.emplace_back();
          continue;
        }
        append_text(values.emplace_back(std::in_place).value(), column.view(), row, format_);
      }
    }
  }
  void command_complete(std::string_view tag) override {
    current_.tag = tag;
    results.push_back(std::move(current_));
    current_ = {};
  }
  void empty_query() override { results.emplace_back(); }
  void notice(const Notice& notice) override { notices.push_back(notice); }
  void begin_copy_in(bool /*is_binary*/, std::size_t /*column_count*/) override { copy_at_ = 0; }
  bool read_copy_data(std::string& chunk) override {
    if (copy_at_ >= copy_input.size()) return false;
    chunk = copy_input.substr(copy_at_, copy_chunk_bytes);
    copy_at_ += chunk.size();
    return true;
  }
  void begin_copy_out(bool /*is_binary*/, std::size_t /*column_count*/) override {}
  void copy_data(std::string_view bytes) override { current_.copied += bytes; }
  void end_copy_out() override {}

 private:
  FormatContext format_;
  CollectedResult current_;
  std::size_t copy_at_ = 0;
};

}  // namespace tickstone::engine
