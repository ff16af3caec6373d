// SPDX-License-Identifier: Apache-2.0
// The catalog over the real store: what is committed is there after reopening, what is not is not.
#include <filesystem>

#include <gtest/gtest.h>

#include "catalog/catalog.hpp"
#include "catalog/object_json.hpp"
#include "catalog/test/market_fixture.hpp"

namespace tickstone::catalog {
namespace {

class CatalogStore : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tickstone_catalog_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    store_ = storage::Store::open(directory_);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  void reopen() {
    store_.reset();
    store_ = storage::Store::open(directory_);
  }
  std::shared_ptr<const Catalog> load() { return Catalog::load(*store_->read_view()); }
  void bootstrap_store() {
    RoleObject owner;
    owner.oid = 10;
    owner.name = "trader";
    owner.superuser = true;
    const auto transaction = store_->begin();
    bootstrap(*transaction, owner);
    transaction->commit();
  }

  std::filesystem::path directory_;
  std::unique_ptr<storage::Store> store_;
};

TEST_F(CatalogStore, OfANewStoreIsEmpty) { EXPECT_TRUE(load()->schemas().empty()); }

TEST_F(CatalogStore, SurvivesReopening) {
  bootstrap_store();
  const Market market;
  {
    const auto transaction = store_->begin();
    CatalogEdit edit(load(), *transaction);
    for (const RelationObject* relation : market.catalog().relations()) edit.put_relation(*relation);
    transaction->commit();
  }
  reopen();
  const auto loaded = load();
  ASSERT_EQ(loaded->relations().size(), market.catalog().relations().size());
  for (const RelationObject* relation : market.catalog().relations()) {
    EXPECT_EQ(encode_object(*loaded->find_relation(relation->oid)), encode_object(*relation));
  }
  EXPECT_EQ(loaded->schemas().size(), 9U);
}

TEST_F(CatalogStore, ReplacesAndRemovesRows) {
  bootstrap_store();
  RelationObject table = Market().ohlcv();
  {
    const auto transaction = store_->begin();
    CatalogEdit edit(load(), *transaction);
    edit.put_relation(table);
    transaction->commit();
  }
  {
    const auto transaction = store_->begin();
    CatalogEdit edit(load(), *transaction);
    table.comment = "Changed";
    edit.put_relation(table);
    edit.remove_schema(edit.catalog().find_schema("timescaledb_experimental")->oid);
    EXPECT_EQ(load()->find_relation(table.oid)->comment, "Bars");  // not committed
    transaction->commit();
  }
  reopen();
  EXPECT_EQ(load()->find_relation(table.oid)->comment, "Changed");
  EXPECT_EQ(load()->find_schema("timescaledb_experimental"), nullptr);
}

TEST_F(CatalogStore, ForgetsWhatIsRolledBack) {
  bootstrap_store();
  {
    const auto transaction = store_->begin();
    CatalogEdit edit(load(), *transaction);
    const auto before = transaction->savepoint();
    edit.put_relation(Market().ohlcv());
    // The transaction sees its own rows.
    EXPECT_NE(Catalog::load(*transaction->read_view())->find_relation("public", "ohlcv"), nullptr);
    transaction->rollback_to(before);
    EXPECT_EQ(Catalog::load(*transaction->read_view())->find_relation("public", "ohlcv"), nullptr);
    edit.put_relation(Market().ohlcv());
    transaction->rollback();
  }
  EXPECT_EQ(load()->find_relation("public", "ohlcv"), nullptr);
  EXPECT_NE(load()->find_role("trader"), nullptr);
}

}  // namespace
}  // namespace tickstone::catalog
