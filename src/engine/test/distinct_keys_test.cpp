// SPDX-License-Identifier: Apache-2.0
#include "engine/distinct_keys.hpp"

#include <filesystem>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "engine/row_keys.hpp"

namespace tickstone::engine {
namespace {

class DistinctKeysTest : public ::testing::Test {
 protected:
  DistinctKeysTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tickstone_keys_XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
  }
  ~DistinctKeysTest() override { std::filesystem::remove_all(directory); }

  static bool insert(DistinctKeys& keys, std::int64_t number) {
    Column column(SqlType::of(TypeId::BigInt));
    column.append_fixed(number);
    const std::vector<ColumnView> views{column.view()};
    return keys.insert(views, 0);
  }

  std::string directory;
};

constexpr std::int64_t kMany = 50'000;

TEST_F(DistinctKeysTest, FindsEachKeyThatComesTwiceWhereverTheFirstWent) {
  for (const std::int64_t twice : {std::int64_t{0}, std::int64_t{1}, kMany / 2, kMany - 2, kMany - 1}) {
    DistinctKeys keys({16U << 10, SIZE_MAX, directory});
    bool is_told = false;
    for (std::int64_t i = 0; i < kMany; ++i) is_told |= !insert(keys, i);
    EXPECT_FALSE(is_told);
    EXPECT_TRUE(keys.has_runs());
    const bool is_new = insert(keys, twice);
    EXPECT_EQ(is_new && keys.are_distinct(), false) << twice;
  }
  DistinctKeys keys({16U << 10, SIZE_MAX, directory});
  for (std::int64_t i = 0; i < kMany; ++i) EXPECT_TRUE(insert(keys, -i));
  EXPECT_TRUE(keys.are_distinct());
  EXPECT_TRUE(std::filesystem::is_empty(directory));
}

TEST_F(DistinctKeysTest, FewKeysStayInMemoryAndAreComparedAtOnce) {
  DistinctKeys keys({16U << 10, SIZE_MAX, directory});
  for (std::int64_t i = 0; i < 700; ++i) EXPECT_TRUE(insert(keys, i * i));
  EXPECT_FALSE(insert(keys, 49));
  EXPECT_FALSE(keys.has_runs());
}

TEST_F(DistinctKeysTest, FileStaysWithinItsLimit) {
  DistinctKeys keys({16U << 10, 100U << 10, directory});
  try {
    for (std::int64_t i = 0; i < kMany; ++i) insert(keys, i);
    FAIL() << "no limit";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::ConfigurationLimitExceeded);
    EXPECT_STREQ(error.what(), "temporary file size exceeds temp_file_limit (100kB)");
  }
}

}  // namespace
}  // namespace tickstone::engine
