// SPDX-License-Identifier: Apache-2.0
#include "pgwire/frame_reader.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "base/big_endian.hpp"

namespace tickstone::pgwire {
namespace {

std::string frame(char type, std::string_view body) {
  std::string out(1, type);
  append_big_endian(out, static_cast<std::int32_t>(body.size() + 4));
  return out.append(body);
}

void give(FrameReader& reader, std::string_view bytes) {
  const auto room = reader.room(bytes.size());
  std::memcpy(room.data(), bytes.data(), bytes.size());
  reader.took(bytes.size());
}

std::string error_of(std::string_view bytes, bool is_logged_in = true) {
  FrameReader reader;
  if (is_logged_in) reader.set_logged_in();
  give(reader, bytes);
  try {
    reader.next();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::ProtocolViolation);
    EXPECT_EQ(error.damage(), Damage::Session);
    return error.what();
  }
  return "none";
}

TEST(FrameReader, GivesFramesHoweverTheyArrive) {
  const std::string big(100'000, 'x');
  const std::string input = frame('Q', "select 1") + frame('S', "") + frame('d', big) + frame('X', "");
  for (const std::size_t step : {1U, 2U, 3U, 7U, 4096U, 200'000U}) {
    FrameReader reader;
    reader.set_logged_in();
    std::string seen;
    std::size_t largest = 0;
    for (std::size_t at = 0; at < input.size(); at += step) {
      give(reader, std::string_view(input).substr(at, step));
      while (const auto next = reader.next()) {
        seen += next->type;
        largest = std::max(largest, next->body.size());
        if (next->type == 'Q') {
          EXPECT_EQ(next->body, "select 1");
        }
      }
    }
    EXPECT_EQ(seen, "QSdX") << step;
    EXPECT_EQ(largest, big.size());
    EXPECT_EQ(reader.buffered_bytes(), 0U);
  }
}

TEST(FrameReader, SaysWhetherAWholeFrameWaits) {
  FrameReader reader;
  give(reader, frame('S', "") + "Q");
  EXPECT_EQ(reader.waiting_type(), 'S');
  EXPECT_TRUE(reader.next().has_value());
  EXPECT_EQ(reader.waiting_type(), std::nullopt);
  EXPECT_EQ(reader.buffered_bytes(), 1U);
}

TEST(FrameReader, RefusesUnknownTypesAndFalseLengths) {
  EXPECT_EQ(error_of(frame('?', "")), "invalid frontend message type 63");
  EXPECT_EQ(error_of(std::string_view("Q\0\0\0\3", 5)), "invalid message length");
  EXPECT_EQ(error_of(std::string_view("Q\x7F\xFF\xFF\xFF", 5)), "invalid message length");
  EXPECT_EQ(error_of(std::string_view("S\0\1\0\0", 5)), "invalid message length");
}

TEST(FrameReader, HoldsStrangersToSmallMessages) {
  const std::string_view claims_a_megabyte("Q\0\x10\0\0", 5);
  EXPECT_EQ(error_of(claims_a_megabyte, false), "invalid message length");
  EXPECT_EQ(error_of(claims_a_megabyte, true), "none");
}

TEST(FrameReader, GivesStartupPackets) {
  FrameReader reader;
  give(reader, std::string_view("\0\0\0\x08\x04\xd2\x16\x2f\0\0", 10));
  const auto packet = reader.next_startup();
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(*packet, std::string_view("\x04\xd2\x16\x2f", 4));
  EXPECT_FALSE(reader.next_startup().has_value());
}

TEST(FrameReader, RefusesStartupPacketsOfOtherProtocols) {
  FrameReader reader;
  give(reader, "GET / HTTP/1.1\r\n");
  EXPECT_THROW(reader.next_startup(), Error);
}

}  // namespace
}  // namespace tickstone::pgwire
