// SPDX-License-Identifier: Apache-2.0
// What holds few rows or texts is searched without an index; past that with one, and both find the same.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "storage/key_codec.hpp"
#include "storage/open_chunk.hpp"
#include "storage/test/store_fixture.hpp"
#include "storage/text_dictionary.hpp"

namespace tickstone::storage {
namespace {

TEST(FewTexts, HaveTheCodesOfTheirFirstComing) {
  TextDictionary dictionary(SqlType::of(TypeId::Text));
  for (std::uint32_t count = 0; count < 40; ++count) {
    EXPECT_EQ(dictionary.find("text " + std::to_string(count)), std::nullopt);
    EXPECT_EQ(dictionary.add("text " + std::to_string(count)), count);
    for (std::uint32_t known = 0; known <= count; ++known) {
      const std::string text = "text " + std::to_string(known);
      EXPECT_EQ(dictionary.find(text), known);
      EXPECT_EQ(dictionary.add(text), known);
      EXPECT_EQ(dictionary[known], text);
    }
    EXPECT_EQ(dictionary.size(), count + 1);
  }
}

class NoLayers final : public OlderLayers {
 public:
  std::int64_t last_time(const OpenChunk&, RowNumber) const override { return INT64_MIN; }
  std::uint64_t version() const override { return 1; }
};

/// The newest row of the key below `limit` that `seq` knows of, found by looking at all.
OpenChunk::FoundRow naive(const OpenChunk& rows, const std::string& key, CommitSeq seq, RowNumber limit) {
  for (RowNumber row = std::min(limit, rows.row_count()); row-- > 0;) {
    std::string candidate;
    rows.append_key(candidate, row);
    if (candidate != key || rows.created(row) > seq || rows.ended(row) == 0) continue;
    return {rows.ended(row) > seq ? OpenChunk::Found::Visible : OpenChunk::Found::Gone, row};
  }
  return {};
}

TEST(FewRows, AreFoundAsByTheIndex) {
  std::mt19937 random(20261128);
  const auto below = [&](std::uint32_t limit) { return static_cast<std::uint32_t>(random() % limit); };
  for (int round = 0; round < 200; ++round) {
    const auto schema = std::make_shared<const TableSchema>(testing_store::trades(testing_store::kTrades));
    OpenChunk rows(schema, initial_table_layout(*schema));
    std::vector<std::string> keys;
    for (CommitSeq seq = 1; seq <= 12; ++seq) {
      const Batch row = testing_store::batch({{"S" + std::to_string(below(2)), below(2), below(2), "1"}});
      const auto views = views_of(row);
      OpenChunk::Rows source;
      source.columns = &views;
      source.count = 1;
      const RowNumber at = rows.append(source, seq, NoLayers(), nullptr);
      keys.emplace_back();
      rows.append_key(keys.back(), at);
      // An earlier row ends, as by an upsert, or never was, as after a rollback.
      if (below(2) == 0) rows.set_ended(below(at + 1), below(3) == 0 ? 0 : seq);
      for (const auto& key : keys) {
        const RowNumber limit = below(2) == 0 ? kNoRow : below(at + 2);
        const CommitSeq asked = 1 + below(static_cast<std::uint32_t>(seq) + 1);
        const auto found = rows.find(key, hash_key(key), asked, limit);
        const auto expected = naive(rows, key, asked, limit);
        EXPECT_EQ(found.found, expected.found);
        EXPECT_EQ(found.row, expected.row);
      }
    }
  }
}

}  // namespace
}  // namespace tickstone::storage
