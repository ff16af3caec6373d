// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "engine/result_sink.hpp"
#include "engine/session.hpp"
#include "pgwire/value_format.hpp"
#include "server/client_channel.hpp"

namespace tickstone::server {

/// Puts a session's results on the wire, and takes COPY's data from it.
class WireSink final : public engine::ResultSink {
 public:
  WireSink(ClientChannel& channel, const engine::Session& session) : channel_(channel), session_(session) {}

  /// Of the portal that is executed next; empty: all text.
  void set_result_formats(std::vector<pgwire::ValueFormat> formats) {
    formats_ = std::move(formats);
    described_ = pgwire::ValueFormat::Text;
  }
  /// True once after a statement that may have changed what prepared statements there are.
  bool take_statements_changed() { return std::exchange(statements_changed_, false); }

  void row_description(const std::vector<engine::ResultColumn>& columns) override;
  void rows(const Batch& batch) override;
  void command_complete(std::string_view tag) override;
  void empty_query() override;
  void notice(const engine::Notice& notice) override;
  void begin_copy_in(bool is_binary, std::size_t column_count) override;
  bool read_copy_data(std::string& chunk) override;
  void begin_copy_out(bool is_binary, std::size_t column_count) override;
  void copy_data(std::string_view bytes) override;
  void end_copy_out() override;

 private:
  ClientChannel& channel_;
  const engine::Session& session_;
  std::vector<pgwire::ValueFormat> formats_;
  pgwire::ValueFormat described_ = pgwire::ValueFormat::Text;  // of the rows of a BINARY cursor: Binary
  bool statements_changed_ = false;
};

/// The fields of RowDescription. Lifetime: as `columns`.
std::vector<pgwire::FieldDescription> describe_fields(const std::vector<engine::ResultColumn>& columns,
                                                      const std::vector<pgwire::ValueFormat>& formats);

}  // namespace tickstone::server
