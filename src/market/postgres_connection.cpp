// SPDX-License-Identifier: Apache-2.0
#include "client/connection.hpp"
#include "market/connection.hpp"
#include "types/value.hpp"

namespace tickstone::market {
namespace {

std::vector<ResultColumn> columns_from(const std::vector<client::ResultColumn>& columns) {
  std::vector<ResultColumn> same;
  same.reserve(columns.size());
  for (const auto& column : columns) same.push_back({column.name, column.type});
  return same;
}

class PostgresConnection final : public Connection {
 public:
  explicit PostgresConnection(const client::ConnectionOptions& options) : connection_(options) {}

  void set_notice_handler(std::function<void(const std::string&)> on_notice) {
    connection_.set_notice_handler(std::move(on_notice));
  }

  std::string query(std::string_view sql, const Parameters& parameters, const RowHandler& handler) override {
    std::vector<std::optional<std::string>> texts;
    texts.reserve(parameters.size());
    for (const auto& parameter : parameters) texts.push_back(parameter.to_text());
    client::RowHandler rows;
    if (handler.on_columns) {
      rows.on_columns = [&](const std::vector<client::ResultColumn>& columns) {
        handler.on_columns(columns_from(columns));
      };
    }
    rows.on_rows = handler.on_rows;
    return connection_.query(sql, texts, rows);
  }

  void run_script(const std::string& sql, const std::function<void(const TextResult&)>& on_result,
                  const std::function<void(std::string_view)>& on_copy_data) override {
    connection_.execute(
        sql,
        [&](const client::Result& result) {
          on_result({columns_from(result.columns), result.rows, result.tag});
        },
        on_copy_data);
  }

  std::string copy_in(const std::string& statement, const std::function<bool(std::string&)>& next) override {
    return connection_.copy_in(statement, next);
  }
  std::string copy_out(const std::string& statement,
                       const std::function<void(std::string_view)>& on_data) override {
    return connection_.copy_out(statement, on_data);
  }

  bool is_open() override { return connection_.is_open(); }
  bool in_transaction() const override { return connection_.in_transaction(); }
  void cancel() override { connection_.cancel(); }

 private:
  client::Connection connection_;
};

class PostgresSource final : public ConnectionSource {
 public:
  PostgresSource(const std::string& conninfo, const ManagerOptions& options)
      : options_{conninfo, options.application_name, options.connect_timeout, options.statement_timeout},
        on_notice_(options.on_notice) {
    find_out();
  }

  std::unique_ptr<Connection> connect() override {
    auto connection = std::make_unique<PostgresConnection>(options_);
    connection->set_notice_handler(on_notice_);
    return connection;
  }
  Home home() const override { return home_; }
  std::string server_version() const override { return version_; }

 private:
  void find_out() {
    PostgresConnection opened(options_);
    Connection& connection = opened;
    const auto text_of = [&](const std::string& sql) {
      std::string text;
      connection.run_script(sql, [&](const TextResult& result) {
        if (!result.rows.empty()) text = result.rows[0].at(0).value_or("");
      });
      return text;
    };
    version_ = text_of("SHOW server_version");
    const std::string all = text_of("SELECT version()");
    if (const auto at = all.find("(Tickstone "); at != std::string::npos) {
      home_ = Home::Tickstone;
      version_ += " " + all.substr(at, all.find(')', at) + 1 - at);
      return;
    }
    const std::string extension =
        text_of("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'");
    home_ = extension.empty() ? Home::PostgreSql : Home::TimescaleDb;
    if (!extension.empty()) version_ += " (TimescaleDB " + extension + ")";
  }

  client::ConnectionOptions options_;
  std::function<void(const std::string&)> on_notice_;
  Home home_ = Home::PostgreSql;
  std::string version_;
};

}  // namespace

std::shared_ptr<ConnectionSource> open_postgres_source(const std::string& conninfo,
                                                       const ManagerOptions& options) {
  return std::make_shared<PostgresSource>(conninfo, options);
}

}  // namespace tickstone::market
