// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/big_endian.hpp"
#include "pgwire/frame_reader.hpp"
#include "pgwire/message_reader.hpp"
#include "pgwire/row_encoder.hpp"
#include "types/binary_format.hpp"

namespace tickstone::pgwire {
namespace {

constexpr std::string_view kTypes = "QPBDECSHdcfXp";

/// Frames are the same whatever the pieces they come in.
RC_GTEST_PROP(WireProperty, FramesDoNotDependOnChunks, (const std::vector<std::string>& bodies)) {
  std::string input;
  std::vector<std::pair<char, std::string>> sent;
  for (const auto& body : bodies) {
    const char type = *rc::gen::elementOf(std::string(kTypes));
    input.push_back(type);
    append_big_endian(input, static_cast<std::int32_t>(body.size() + 4));
    input += body;
    sent.emplace_back(type, body);
  }
  FrameReader reader;
  reader.set_logged_in();
  std::vector<std::pair<char, std::string>> received;
  for (std::size_t at = 0; at < input.size();) {
    const auto size = std::min<std::size_t>(*rc::gen::inRange(1, 50), input.size() - at);
    const auto room = reader.room(size);
    std::memcpy(room.data(), input.data() + at, size);
    reader.took(size);
    at += size;
    while (const auto frame = reader.next()) received.emplace_back(frame->type, std::string(frame->body));
  }
  RC_ASSERT(received == sent);
}

/// What RowEncoder writes in either format reads back as what it was.
RC_GTEST_PROP(WireProperty, RowsReadBack,
              (const std::vector<std::int64_t>& numbers, bool is_first_binary, bool is_second_binary)) {
  Batch batch;
  batch.columns.emplace_back(SqlType::of(TypeId::BigInt));
  batch.columns.emplace_back(SqlType::of(TypeId::Numeric));
  for (const auto number : numbers) {
    if (number % 7 == 3) {
      batch.columns[0].append_null();
    } else {
      batch.columns[0].append_fixed(number);
    }
    batch.columns[1].append_decimal({number, static_cast<std::uint8_t>(*rc::gen::inRange(0, 15))});
  }
  const std::vector formats = {is_first_binary ? ValueFormat::Binary : ValueFormat::Text,
                               is_second_binary ? ValueFormat::Binary : ValueFormat::Text};
  std::string out;
  RowEncoder(formats, FormatContext{}).append_rows(out, batch, 0, batch.row_count());
  MessageReader in(out);
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    RC_ASSERT(in.take<char>() == 'D');
    const auto size = in.take<std::int32_t>();
    MessageReader body(in.take_bytes(static_cast<std::size_t>(size - 4)));
    RC_ASSERT(body.take<std::int16_t>() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& column = batch.columns[i];
      const auto length = body.take<std::int32_t>();
      RC_ASSERT((length == -1) == column.is_null(row));
      if (length == -1) continue;
      const auto value = decode_parameter(column.type(), formats[i],
                                          body.take_bytes(static_cast<std::size_t>(length)), FormatContext{});
      RC_ASSERT(compare_values(value, value_at(column.view(), row)) == std::strong_ordering::equal);
    }
    RC_ASSERT(body.at_end());
  }
  RC_ASSERT(in.at_end());
}

/// Any bytes are a value or an Error, and a value that was received is sent as it came.
RC_GTEST_PROP(WireProperty, ReceivedTimesAreSentAsTheyCame, (std::int64_t us)) {
  std::string bytes;
  append_big_endian(bytes, us);
  try {
    const auto value = receive_value(SqlType::of(TypeId::TimestampTz), bytes);
    std::string sent;
    append_binary_field(sent, value);
    RC_ASSERT(sent.substr(4) == bytes);
  } catch (const Error& error) {
    RC_ASSERT(error.code() == ErrorCode::DatetimeFieldOverflow);
  }
}

}  // namespace
}  // namespace tickstone::pgwire
