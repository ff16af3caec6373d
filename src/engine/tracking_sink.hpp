// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/result_sink.hpp"

namespace tickstone::engine {

/// Passes everything on and remembers whether anything went out: what has sent nothing can be run again.
class TrackingSink final : public ResultSink {
 public:
  explicit TrackingSink(ResultSink& sink) : sink_(sink) {}
  bool has_sent() const { return has_sent_; }
  /// Beyond the description of rows.
  bool has_sent_rows() const { return has_sent_rows_; }

  void row_description(const std::vector<ResultColumn>& columns) override {
    has_sent_ = true, sink_.row_description(columns);
  }
  void rows(const Batch& batch) override { has_sent_ = has_sent_rows_ = true, sink_.rows(batch); }
  void command_complete(std::string_view tag) override {
    has_sent_ = has_sent_rows_ = true, sink_.command_complete(tag);
  }
  void empty_query() override { has_sent_ = has_sent_rows_ = true, sink_.empty_query(); }
  void notice(const Notice& notice) override { sink_.notice(notice); }
  void begin_copy_in(bool is_binary, std::size_t column_count) override {
    has_sent_ = has_sent_rows_ = true, sink_.begin_copy_in(is_binary, column_count);
  }
  bool read_copy_data(std::string& chunk) override { return sink_.read_copy_data(chunk); }
  void begin_copy_out(bool is_binary, std::size_t column_count) override {
    has_sent_ = has_sent_rows_ = true, sink_.begin_copy_out(is_binary, column_count);
  }
  void copy_data(std::string_view bytes) override { sink_.copy_data(bytes); }
  void end_copy_out() override { sink_.end_copy_out(); }

 private:
  ResultSink& sink_;
  bool has_sent_ = false;
  bool has_sent_rows_ = false;
};

/// Takes everything and keeps nothing.
class NullSink : public ResultSink {
 public:
  void row_description(const std::vector<ResultColumn>& /*columns*/) override {}
  void rows(const Batch& /*batch*/) override {}
  void command_complete(std::string_view /*tag*/) override {}
  void empty_query() override {}
  void notice(const Notice& /*notice*/) override {}
  void begin_copy_in(bool /*is_binary*/, std::size_t /*column_count*/) override {}
  bool read_copy_data(std::string& /*chunk*/) override { return false; }
  void begin_copy_out(bool /*is_binary*/, std::size_t /*column_count*/) override {}
  void copy_data(std::string_view /*bytes*/) override {}
  void end_copy_out() override {}
};

}  // namespace tickstone::engine
