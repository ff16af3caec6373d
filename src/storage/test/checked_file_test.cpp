// SPDX-License-Identifier: Apache-2.0
#include "storage/checked_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "storage/test/memory_file_system.hpp"

namespace tickstone::storage {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPath = "store/THING";

CheckedFormat format(std::uint32_t oldest, std::uint32_t newest) {
  return {{'T', 'I', 'C', 'K', 'T', 'S', 'T', '1'}, {oldest, newest}, "thing"};
}

class CheckedFileTest : public ::testing::Test {
 protected:
  void write(std::uint32_t version, std::string_view body) {
    if (files_.exists(kPath)) files_.remove(kPath);
    write_checked_file(files_, kPath, format(1, version), std::as_bytes(std::span(body)));
  }
  Error error_of(const CheckedFormat& wanted) {
    try {
      read_checked_file(files_, kPath, wanted);
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::SuccessfulCompletion, "none"};
  }

  MemoryFileSystem files_;
};

TEST_F(CheckedFileTest, ReadsWhatWasWritten) {
  write(1, "the body");
  const auto read = read_checked_file(files_, kPath, format(1, 1));
  EXPECT_EQ(read.version, 1U);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(read.body().data()), read.body().size()), "the body");
}

TEST_F(CheckedFileTest, AFileOfAnOlderVersionIsRead) {
  write(1, "old");
  EXPECT_EQ(read_checked_file(files_, kPath, format(1, 3)).version, 1U);
  write(2, "newer");
  EXPECT_EQ(read_checked_file(files_, kPath, format(1, 3)).version, 2U);
}

TEST_F(CheckedFileTest, AFileOfANewerVersionIsRefusedNamingBoth) {
  write(3, "new");
  const Error error = error_of(format(1, 2));
  EXPECT_EQ(error.code(), ErrorCode::FeatureNotSupported);
  EXPECT_EQ(error.message(), "thing \"store/THING\" has format version 3, this program reads up to 2");
  EXPECT_EQ(error.hint(), "Open the data directory with a newer program.");
}

TEST_F(CheckedFileTest, AVersionThatIsReadNoMoreIsRefusedNamingBoth) {
  write(1, "very old");
  const Error error = error_of(format(2, 3));
  EXPECT_EQ(error.code(), ErrorCode::FeatureNotSupported);
  EXPECT_EQ(error.message(), "thing \"store/THING\" has format version 1, this program reads from 2 on");
}

TEST_F(CheckedFileTest, EveryFlippedBitIsDamage) {
  write(1, "a body to damage");
  const auto original = files_.bytes_of(kPath);
  for (std::size_t at = 0; at < original.size() * 8; ++at) {
    files_.bytes_of(kPath) = original;
    files_.bytes_of(kPath)[at / 8] ^= static_cast<std::byte>(1U << (at % 8));
    const Error error = error_of(format(1, 1));
    ASSERT_EQ(error.code(), ErrorCode::DataCorrupted) << "bit " << at;
    ASSERT_THAT(error.message(), HasSubstr("thing \"store/THING\" is damaged at offset"));
  }
}

TEST_F(CheckedFileTest, EveryOtherLengthIsDamage) {
  write(1, "a body to cut");
  const auto original = files_.bytes_of(kPath);
  for (std::size_t size = 0; size < original.size() + 3; ++size) {
    if (size == original.size()) continue;
    files_.bytes_of(kPath) = original;
    files_.bytes_of(kPath).resize(size);
    ASSERT_EQ(error_of(format(1, 1)).code(), ErrorCode::DataCorrupted) << size;
  }
}

}  // namespace
}  // namespace tickstone::storage
