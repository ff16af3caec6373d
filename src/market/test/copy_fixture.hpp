// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "market/connection.hpp"
#include "market/table_facts.hpp"

namespace tickstone::market {

/// A store of its own for each test.
class CopyFixture : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "tickstone_copy_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
    ManagerOptions options;
    options.runs_jobs = false;
    source_ = open_embedded_source((path_ / "store").string(), options);
    connection_ = source_->connect();
    set_plain_formats(*connection_);
  }
  void TearDown() override {
    connection_.reset();
    source_.reset();
    std::filesystem::remove_all(path_);
  }

  Connection& connection() { return *connection_; }
  std::unique_ptr<Connection> connect() { return source_->connect(); }
  void run(const std::string& sql) { rows_of(*connection_, sql); }
  std::string value(const std::string& sql) {
    return rows_of(*connection_, sql).at(0).at(0).value_or("NULL");
  }

  std::vector<TableFacts> tables() { return read_tables(*connection_, Home::Embedded); }
  TableFacts table(const std::string& name) {
    for (auto& one : tables()) {
      if (one.short_name() == name) return one;
    }
    ADD_FAILURE() << "there is no table " << name;
    return {};
  }

 private:
  std::filesystem::path path_;
  std::shared_ptr<ConnectionSource> source_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace tickstone::market
