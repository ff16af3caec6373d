// SPDX-License-Identifier: Apache-2.0
#include "cli/query_target.hpp"

#include <cstdio>
#include <cstdlib>

#include <tickstone/error.hpp>

#include "cli/password.hpp"
#include "client/connection.hpp"
#include "types/value.hpp"

namespace tickstone::cli {
namespace {

/// Collects a session's results as text.
class TextSink final : public engine::ResultSink {
 public:
  TextSink(const engine::Session& session, const QueryTarget::OnResult& on_result)
      : session_(session), on_result_(on_result) {}
  std::function<bool(std::string&)> copy_source;

  void row_description(const std::vector<engine::ResultColumn>& columns) override {
    result_ = {};
    for (const auto& column : columns) result_.columns.push_back({column.name, column.type});
  }
  void rows(const Batch& batch) override {
    const auto& format = session_.format_context();
    for (std::size_t row = 0; row < batch.row_count(); ++row) {
      auto& cells = result_.rows.emplace_back();
      for (const auto& column : batch.columns) {
        if (column.is_null(row)) {
          cells.emplace_back();
        } else {
          std::string text;
          append_text(text, column.view(), row, format);
          cells.emplace_back(std::move(text));
        }
      }
    }
  }
  void command_complete(std::string_view tag) override {
    result_.tag = tag;
    on_result_(result_);
    result_ = {};
  }
  void empty_query() override {}
  void notice(const engine::Notice& notice) override {
    std::fprintf(stderr, "%s:  %s\n", notice.severity.c_str(), notice.message.c_str());
    if (!notice.hint.empty()) std::fprintf(stderr, "HINT:  %s\n", notice.hint.c_str());
  }
  void begin_copy_in(bool /*is_binary*/, std::size_t /*column_count*/) override {
    if (!copy_source)
      throw Error(ErrorCode::FeatureNotSupported, "COPY FROM STDIN needs a file", {},
                  "Use tickstone import.");
  }
  bool read_copy_data(std::string& chunk) override { return copy_source(chunk); }
  void begin_copy_out(bool /*is_binary*/, std::size_t /*column_count*/) override {}
  void copy_data(std::string_view bytes) override { std::fwrite(bytes.data(), 1, bytes.size(), stdout); }
  void end_copy_out() override {}

 private:
  const engine::Session& session_;
  const QueryTarget::OnResult& on_result_;
  TextResult result_;
};

class EmbeddedTarget final : public QueryTarget {
 public:
  EmbeddedTarget(const StoreArguments& store, bool may_create)
      : database_(open_database(store, may_create, given_password({}).value_or(kLoopbackPassword))),
        session_(database_->connect(
            {.user = database_->owner(), .database = database_->name(), .application_name = "tickstone"})) {}

  void execute(const std::string& sql, const OnResult& on_result) override {
    TextSink sink(*session_, on_result);
    session_->execute_simple(sql, sink);
  }

  std::uint64_t copy_in(const std::string& statement,
                        const std::function<bool(std::string&)>& next) override {
    std::string tag;
    const OnResult on_result = [&](const TextResult& result) { tag = result.tag; };
    TextSink sink(*session_, on_result);
    sink.copy_source = next;
    session_->execute_simple(statement, sink);
    return rows_of_tag(tag);
  }

 private:
  std::unique_ptr<engine::Database> database_;
  std::unique_ptr<engine::Session> session_;
};

class ServerTarget final : public QueryTarget {
 public:
  explicit ServerTarget(const std::string& conninfo) : connection_(conninfo) {
    connection_.set_notice_handler([](const std::string& text) { std::fputs(text.c_str(), stderr); });
  }

  void execute(const std::string& sql, const OnResult& on_result) override {
    connection_.execute(sql, [&](const client::Result& result) {
      TextResult text;
      for (const auto& column : result.columns) {
        text.columns.push_back(
            {column.name, type_from_oid(column.type_oid).value_or(SqlType::of(TypeId::Text))});
      }
      text.rows = result.rows;
      text.tag = result.tag;
      on_result(text);
    });
  }

  std::uint64_t copy_in(const std::string& statement,
                        const std::function<bool(std::string&)>& next) override {
    return rows_of_tag(connection_.copy_in(statement, next));
  }

 private:
  client::Connection connection_;
};

}  // namespace

std::uint64_t rows_of_tag(const std::string& tag) {
  const auto space = tag.rfind(' ');
  return space == std::string::npos ? 0 : std::strtoull(tag.c_str() + space, nullptr, 10);
}

std::unique_ptr<QueryTarget> open_embedded(const StoreArguments& store, bool may_create) {
  return std::make_unique<EmbeddedTarget>(store, may_create);
}

std::unique_ptr<QueryTarget> open_server(const std::string& conninfo) {
  return std::make_unique<ServerTarget>(conninfo);
}

}  // namespace tickstone::cli
