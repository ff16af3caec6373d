// SPDX-License-Identifier: Apache-2.0
#include "types/copy_options.hpp"

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone {
namespace {

CopyOption option(std::string name, std::optional<std::string> value = std::nullopt) {
  CopyOption out;
  out.name = std::move(name);
  out.value = std::move(value);
  return out;
}

std::string error_of(std::vector<CopyOption> list, CopyDirection direction = CopyDirection::From) {
  try {
    resolve_copy_options(list, direction);
  } catch (const Error& error) {
    return std::string(sqlstate(error.code())) + " " + error.what();
  }
  return "none";
}

TEST(CopyOptions, FillsInTheDefaultsOfTheFormatInAnyOrder) {
  const std::vector<CopyOption> list = {option("delimiter", "|"), option("format", "csv"), option("header")};
  const auto options = resolve_copy_options(list, CopyDirection::From);
  EXPECT_EQ(options.format, CopyFormat::Csv);
  EXPECT_EQ(options.delimiter, '|');
  EXPECT_EQ(options.null_text, "");
  EXPECT_EQ(options.escape, '"');
  EXPECT_EQ(options.header, CopyHeader::Present);
  const auto plain = resolve_copy_options({}, CopyDirection::To);
  EXPECT_EQ(plain.delimiter, '\t');
  EXPECT_EQ(plain.null_text, "\\N");
}

TEST(CopyOptions, EscapeFollowsTheQuote) {
  const std::vector<CopyOption> list = {option("format", "csv"), option("quote", "'")};
  EXPECT_EQ(resolve_copy_options(list, CopyDirection::From).escape, '\'');
}

TEST(CopyOptions, RefusesInPostgresqlsWords) {
  EXPECT_EQ(error_of({option("format", "xml")}), "22023 COPY format \"xml\" not recognized");
  EXPECT_EQ(error_of({option("speed", "11")}), "42601 option \"speed\" not recognized");
  EXPECT_EQ(error_of({option("header"), option("header")}), "42601 conflicting or redundant options");
  EXPECT_EQ(error_of({option("quote", "'")}), "0A000 COPY quote available only in CSV mode");
  EXPECT_EQ(error_of({option("delimiter", "ab")}),
            "0A000 COPY delimiter must be a single one-byte character");
  EXPECT_EQ(error_of({option("delimiter", "a")}), "22023 COPY delimiter cannot be \"a\"");
  EXPECT_EQ(error_of({option("format", "csv"), option("delimiter", "\"")}),
            "22023 COPY delimiter and quote must be different");
  EXPECT_EQ(error_of({option("format", "binary"), option("null", "x")}),
            "42601 cannot specify NULL in BINARY mode");
  EXPECT_EQ(error_of({option("header", "match")}, CopyDirection::To),
            "0A000 cannot use \"match\" with HEADER in COPY TO");
  EXPECT_EQ(error_of({option("format", "csv"), option("force_quote")}),
            "0A000 COPY force quote only available using COPY TO");
  EXPECT_EQ(error_of({option("encoding", "latin99")}),
            "22023 argument to option \"encoding\" must be a valid encoding name");
}

}  // namespace
}  // namespace tickstone
