// SPDX-License-Identifier: Apache-2.0
#include "catalog/catalog.hpp"

#include <gtest/gtest.h>

#include "catalog/object_json.hpp"
#include "catalog/test/market_fixture.hpp"

namespace tickstone::catalog {
namespace {

template <typename Call>
ErrorCode code_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::SuccessfulCompletion;
}

TEST(Catalog, FindsWhatWasPut) {
  const Market market;
  const Catalog& catalog = market.catalog();
  ASSERT_NE(catalog.find_relation("public", "ohlcv"), nullptr);
  EXPECT_EQ(catalog.find_relation("public", "ohlcv")->oid, Market::kOhlcv);
  EXPECT_EQ(catalog.find_relation("public", "ohlcv_pkey"), nullptr);  // an index
  EXPECT_EQ(catalog.find_relation("nowhere", "ohlcv"), nullptr);
  const auto [relation, index] = catalog.find_index("public", "ohlcv_timestamp_idx");
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(relation->oid, Market::kOhlcv);
  EXPECT_EQ(catalog.find_index(Market::kPositionsKey).second->name, "positions_pkey");
  EXPECT_NE(catalog.find_schema("timescaledb_information"), nullptr);
  EXPECT_NE(catalog.find_role("trader"), nullptr);
  EXPECT_EQ(catalog.next_hypertable_id(), 2);
  EXPECT_EQ(catalog.next_job_id(), 1001);
}

TEST(Catalog, KnowsDependents) {
  const Market market;
  const auto dependents = market.catalog().dependents(Market::kOhlcv);
  ASSERT_EQ(dependents.size(), 2U);
  EXPECT_EQ(dependents[0]->name, "last_bars");
  EXPECT_EQ(dependents[1]->name, "daily");
}

TEST(Catalog, LoadsWhatWasStored) {
  Market market;
  const auto loaded = Catalog::load(*market.transaction.read_view());
  ASSERT_EQ(loaded->relations().size(), market.catalog().relations().size());
  for (const RelationObject* relation : market.catalog().relations()) {
    const RelationObject* again = loaded->find_relation(relation->oid);
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(encode_object(*again), encode_object(*relation));
  }
  EXPECT_EQ(loaded->schemas().size(), 9U);
  EXPECT_EQ(loaded->find_job(1000)->config_json, "{\"end_offset\": \"1 day\"}");
  EXPECT_TRUE(loaded->find_role("trader")->superuser);
}

TEST(Catalog, OfAnEmptyStoreIsEmpty) {
  FakeTables tables;
  FakeTransaction transaction(tables);
  EXPECT_TRUE(Catalog::load(*transaction.read_view())->relations().empty());
}

TEST(CatalogEdit, RenamesAndRemoves) {
  Market market;
  RelationObject renamed = market.ohlcv();
  renamed.name = "bars";
  renamed.indexes[1].name = "bars_by_time";
  market.edit->put_relation(renamed);
  EXPECT_EQ(market.catalog().find_relation("public", "ohlcv"), nullptr);
  EXPECT_EQ(market.catalog().find_relation("public", "bars")->oid, Market::kOhlcv);
  EXPECT_EQ(market.catalog().find_index("public", "ohlcv_timestamp_idx").second, nullptr);
  EXPECT_NE(market.catalog().find_index("public", "bars_by_time").second, nullptr);
  market.edit->remove_relation(Market::kOhlcv);
  EXPECT_EQ(market.catalog().find_relation(Market::kOhlcv), nullptr);
  EXPECT_EQ(market.catalog().find_index(Market::kOhlcvKey).second, nullptr);
  const auto loaded = Catalog::load(*market.transaction.read_view());
  EXPECT_EQ(loaded->find_relation(Market::kOhlcv), nullptr);
  EXPECT_NE(loaded->find_relation(Market::kPositions), nullptr);
}

TEST(CatalogEdit, RefusesTakenNames) {
  Market market;
  RelationObject other = market.ohlcv();
  other.oid = 17000;
  for (auto& index : other.indexes) index.oid += 1000;
  EXPECT_EQ(code_of([&] { market.edit->put_relation(other); }), ErrorCode::DuplicateTable);
  other.name = "bars";
  EXPECT_EQ(code_of([&] { market.edit->put_relation(other); }), ErrorCode::DuplicateTable);  // its indexes
  other.indexes.clear();
  EXPECT_EQ(code_of([&] { market.edit->put_relation(other); }), ErrorCode::SuccessfulCompletion);
  EXPECT_EQ(code_of([&] {
              market.edit->put_schema({17001, "public", "trader"});
            }),
            ErrorCode::DuplicateSchema);
  RoleObject role;
  role.oid = 17002;
  role.name = "trader";
  EXPECT_EQ(code_of([&] { market.edit->put_role(role); }), ErrorCode::DuplicateObject);
}

TEST(CatalogEdit, RenamesARole) {
  Market market;
  RoleObject role = *market.catalog().find_role("trader");
  role.name = "desk";
  market.edit->put_role(role);
  EXPECT_EQ(market.catalog().find_role("trader"), nullptr);
  EXPECT_EQ(Catalog::load(*market.transaction.read_view())->roles().size(), 1U);
}

TEST(CatalogEdit, LeavesWhatWasHandedOutAlone) {
  Market market;
  const auto before = market.edit->finish();
  market.edit->remove_relation(Market::kPositions);
  EXPECT_NE(before->find_relation(Market::kPositions), nullptr);
  EXPECT_EQ(market.edit->finish()->find_relation(Market::kPositions), nullptr);
}

TEST(CatalogEdit, KeepsEveryKindOfObject) {
  Market market;
  market.edit->put_extension({17003, "timescaledb", "2.29.2", 2200});
  auto loaded = Catalog::load(*market.transaction.read_view());
  ASSERT_NE(loaded->find_extension("timescaledb"), nullptr);
  EXPECT_EQ(loaded->find_extension("timescaledb")->version, "2.29.2");
  market.edit->remove_extension("timescaledb");
  market.edit->remove_job(1000);
  market.edit->remove_schema(2200);
  market.edit->remove_role("trader");
  loaded = Catalog::load(*market.transaction.read_view());
  EXPECT_EQ(loaded->find_extension("timescaledb"), nullptr);
  EXPECT_TRUE(loaded->jobs().empty());
  EXPECT_EQ(loaded->find_schema("public"), nullptr);
  EXPECT_TRUE(loaded->roles().empty());
}

TEST(ObjectJson, KeepsEveryField) {
  RelationObject relation;
  relation.oid = 4'000'000'000U;
  relation.kind = RelationKind::ContinuousAggregate;
  relation.schema = 2200;
  relation.name = "d\u00e9j\u00e0 \"vu\"";
  relation.temporary = true;
  relation.rewritten_table = 77;
  ColumnObject column;
  column.id = 9;
  column.name = "price";
  column.type = SqlType::numeric(10, 2);
  column.not_null = true;
  column.default_text = "0";
  column.identity = 'a';
  column.sequence = 5;
  relation.columns = {column};
  relation.next_column_id = 10;
  ConstraintObject constraint;
  constraint.kind = ConstraintObject::Kind::ForeignKey;
  constraint.columns = {9};
  constraint.referenced_columns = {1, 2};
  constraint.on_delete = 'c';
  relation.constraints = {constraint};
  IndexObject index;
  index.method = "gin";
  index.keys = {{0, "lower(x)", true, false}};
  index.include = {9};
  index.key_table = 88;
  relation.indexes = {index};
  relation.hypertable = HypertableInfo{3, {{1, 9, false, 5, 4, "now_int"}}, true, {"s"}, {{"t", true, true}}};
  relation.aggregate = AggregateInfo{};
  relation.aggregate->watermark = INT64_MIN;
  relation.aggregate->materialized_only = false;
  relation.sequence = SequenceInfo{};
  relation.sequence->minimum = -5;
  relation.options = {{"a", "b"}};
  const RelationObject again = decode_relation(encode_object(relation));
  EXPECT_EQ(encode_object(again), encode_object(relation));
  EXPECT_EQ(again.oid, relation.oid);
  EXPECT_EQ(again.name, relation.name);
  EXPECT_EQ(again.rewritten_table, 77U);
  EXPECT_EQ(again.columns[0].type, relation.columns[0].type);
  EXPECT_EQ(again.columns[0].identity, 'a');
  EXPECT_EQ(again.constraints[0].on_delete, 'c');
  EXPECT_TRUE(again.indexes[0].keys[0].descending);
  EXPECT_FALSE(again.hypertable->dimensions[0].is_time);
  EXPECT_TRUE(again.hypertable->compress_orderby[0].nulls_first);
  EXPECT_EQ(again.aggregate->watermark, INT64_MIN);
  EXPECT_FALSE(again.aggregate->materialized_only);
  EXPECT_EQ(again.sequence->minimum, -5);
  EXPECT_EQ(again.options, relation.options);
}

TEST(ObjectJson, ReadsRowsOfOtherVersions) {
  const RoleObject role = decode_role(R"({"oid": 5, "name": "x", "of_the_future": [1]})");
  EXPECT_EQ(role.oid, 5U);
  EXPECT_TRUE(role.login);
  EXPECT_EQ(role.connection_limit, -1);
}

TEST(ObjectJson, NamesDamage) {
  EXPECT_EQ(code_of([] { decode_relation("{"); }), ErrorCode::DataCorrupted);
  EXPECT_EQ(code_of([] { decode_relation(R"({"oid": "text"})"); }), ErrorCode::DataCorrupted);
  EXPECT_EQ(code_of([] { decode_relation("[]"); }), ErrorCode::DataCorrupted);
}

}  // namespace
}  // namespace tickstone::catalog
