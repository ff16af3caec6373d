// SPDX-License-Identifier: Apache-2.0
#include "server/wire_sink.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "pgwire/frontend_message.hpp"
#include "pgwire/row_encoder.hpp"

namespace tickstone::server {
namespace {

constexpr std::size_t kRowsAtOnce = 128;  // between looks at how full the buffer is
constexpr std::size_t kCopyChunkBytes = 256 * 1024;

pgwire::ValueFormat copy_format(bool is_binary) {
  return is_binary ? pgwire::ValueFormat::Binary : pgwire::ValueFormat::Text;
}

}  // namespace

std::vector<pgwire::FieldDescription> describe_fields(const std::vector<engine::ResultColumn>& columns,
                                                      const std::vector<pgwire::ValueFormat>& formats) {
  std::vector<pgwire::FieldDescription> fields;
  fields.reserve(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    fields.push_back({.name = columns[i].name,
                      .type = columns[i].type,
                      .table_oid = columns[i].table_oid,
                      .column_number = columns[i].column_number,
                      .format = formats[i]});
  }
  return fields;
}

void WireSink::row_description(const std::vector<engine::ResultColumn>& columns) {
  // Of a statement of several in one message, an earlier one may have changed the encoding.
  channel_.writer().set_encoding(session_.format_context().client);
  const bool is_binary = formats_.empty() && !columns.empty() && columns.front().is_binary;
  described_ = is_binary ? pgwire::ValueFormat::Binary : pgwire::ValueFormat::Text;
  const auto formats = is_binary ? std::vector(columns.size(), described_)
                                 : pgwire::resolve_result_formats(formats_, columns.size());
  channel_.writer().row_description(describe_fields(columns, formats));
}

void WireSink::rows(const Batch& batch) {
  auto formats = described_ == pgwire::ValueFormat::Binary
                     ? std::vector(batch.columns.size(), described_)
                     : pgwire::resolve_result_formats(formats_, batch.columns.size());
  const pgwire::RowEncoder encoder(std::move(formats), session_.format_context());
  const auto row_count = batch.row_count();
  for (std::size_t from = 0; from < row_count; from += kRowsAtOnce) {
    encoder.append_rows(channel_.out(), batch, from, std::min(from + kRowsAtOnce, row_count));
    channel_.flush_if_full();
  }
}

void WireSink::command_complete(std::string_view tag) {
  constexpr std::array<std::string_view, 3> kChanging = {"PREPARE", "DEALLOCATE", "DISCARD"};
  for (const auto word : kChanging) statements_changed_ = statements_changed_ || tag.starts_with(word);
  channel_.writer().command_complete(tag);
}

void WireSink::empty_query() { channel_.writer().empty_query_response(); }

void WireSink::notice(const engine::Notice& notice) {
  channel_.writer().notice_response({.severity = notice.severity,
                                     .sqlstate = sqlstate(notice.code),
                                     .message = notice.message,
                                     .detail = notice.detail,
                                     .hint = notice.hint});
}

void WireSink::begin_copy_in(bool is_binary, std::size_t column_count) {
  channel_.writer().copy_in_response(copy_format(is_binary), column_count);
  channel_.flush();
}

bool WireSink::read_copy_data(std::string& chunk) {
  chunk.clear();
  for (;;) {
    const auto frame = channel_.read_frame();
    if (!frame) {
      throw Error(ErrorCode::ConnectionFailure,
                  "unexpected EOF on client connection with an open transaction")
          .damaging(Damage::Session);
    }
    switch (frame->type) {
      case 'd':
        chunk.append(frame->body);
        // Clients send small messages: whatever has come already goes in one piece.
        if (chunk.size() < kCopyChunkBytes && channel_.frames().waiting_type() == 'd') continue;
        if (chunk.empty()) continue;
        return true;
      case 'c':
        pgwire::expect_empty(frame->body);
        return false;
      case 'f':
        throw Error(ErrorCode::QueryCanceled,
                    "COPY from stdin failed: " + std::string(pgwire::read_copy_fail(frame->body).reason));
      case 'H':
      case 'S':
        continue;  // some clients cannot know that they are in COPY
      default:
        throw Error(ErrorCode::ProtocolViolation,
                    fmt::format("unexpected message type 0x{:02X} during COPY from stdin",
                                static_cast<unsigned char>(frame->type)))
            .damaging(Damage::Session);
    }
  }
}

void WireSink::begin_copy_out(bool is_binary, std::size_t column_count) {
  channel_.writer().copy_out_response(copy_format(is_binary), column_count);
}

void WireSink::copy_data(std::string_view bytes) {
  channel_.writer().copy_data(bytes);
  channel_.flush_if_full();
}

void WireSink::end_copy_out() { channel_.writer().copy_done(); }

}  // namespace tickstone::server
