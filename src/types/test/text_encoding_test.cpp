// SPDX-License-Identifier: Apache-2.0
#include "types/text_encoding.hpp"

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone {
namespace {

const TextEncoding& encoding(std::string_view name) {
  const auto* found = find_text_encoding(name);
  if (found == nullptr) throw std::runtime_error("no such encoding");
  return *found;
}

TEST(TextEncoding, KnowsThoseOfOneByte) {
  EXPECT_EQ(find_text_encoding("UTF8"), nullptr);
  EXPECT_EQ(find_text_encoding("SQL_ASCII"), nullptr);
  EXPECT_EQ(find_text_encoding("EUC_JP"), nullptr);
  EXPECT_EQ(encoding("LATIN1").name(), "LATIN1");
}

TEST(TextEncoding, ComesBackFromEachByte) {
  for (const auto* name : {"LATIN1", "LATIN9", "WIN1252"}) {
    int count = 0;
    for (int byte = 0; byte < 256; ++byte) {
      const std::string one(1, static_cast<char>(byte));
      try {
        EXPECT_EQ(encoding(name).from_utf8(encoding(name).to_utf8(one)), one) << name << " " << byte;
        ++count;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::UntranslatableCharacter);
      }
    }
    EXPECT_EQ(count, std::string_view(name) == "WIN1252" ? 251 : 256) << name;
  }
}

TEST(TextEncoding, HasTheCharactersOfEach) {
  EXPECT_EQ(encoding("LATIN1").to_utf8("caf\xE9"), "caf\xC3\xA9");
  EXPECT_EQ(encoding("LATIN9").to_utf8("\xA4"), "\xE2\x82\xAC");
  EXPECT_EQ(encoding("WIN1252").to_utf8("\x80"), "\xE2\x82\xAC");
  EXPECT_EQ(encoding("WIN1252").from_utf8("\xE2\x80\x9C\xC3\xBC"), "\x93\xFC");
}

TEST(TextEncoding, NamesWhatItCannotSay) {
  const auto message = [](auto act) {
    try {
      act();
    } catch (const Error& error) {
      return error.message();
    }
    return std::string();
  };
  EXPECT_EQ(message([] { encoding("LATIN1").from_utf8("x\xE2\x82\xAC"); }),
            "character with byte sequence 0xe2 0x82 0xac in encoding \"UTF8\" has no equivalent in encoding "
            "\"LATIN1\"");
  EXPECT_EQ(message([] { encoding("LATIN9").from_utf8("\xF0\x9F\x98\x80"); }),
            "character with byte sequence 0xf0 0x9f 0x98 0x80 in encoding \"UTF8\" has no equivalent in "
            "encoding \"LATIN9\"");
  EXPECT_EQ(
      message([] { encoding("WIN1252").to_utf8("\x81"); }),
      "character with byte sequence 0x81 in encoding \"WIN1252\" has no equivalent in encoding \"UTF8\"");
}

}  // namespace
}  // namespace tickstone
