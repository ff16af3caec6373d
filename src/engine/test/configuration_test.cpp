// SPDX-License-Identifier: Apache-2.0
// Configuration files, ALTER SYSTEM and reloads.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "engine/configured_options.hpp"
#include "engine/server_configuration.hpp"
#include "engine/setting_value.hpp"
#include "engine/settings.hpp"
#include "engine/test/session_fixture.hpp"

namespace tickstone::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Configuration : public ::testing::Test {
 protected:
  Configuration() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "tickstone_configuration_XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Configuration() override { std::filesystem::remove_all(path); }

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name) << text;
    return path / name;
  }
  /// name=value of each line.
  std::vector<std::string> lines_of(const std::string& text) const {
    std::vector<std::string> all;
    const auto read = read_configuration_file(write("read.conf", text));
    EXPECT_TRUE(read.problems.empty()) << read.problems.front().message;
    for (const auto& line : read.lines) all.push_back(line.name + "=" + line.value);
    return all;
  }
  std::string problem_of(const std::string& text) const {
    const auto read = read_configuration_file(write("wrong.conf", text));
    return read.problems.empty() ? "" : read.problems.front().message;
  }
  std::shared_ptr<ServerConfiguration> load(const std::string& text,
                                            ConfigurationSources::Pairs command_line = {}) const {
    ConfigurationSources sources;
    sources.file = write("server.conf", text);
    sources.data_directory = path;
    sources.command_line = std::move(command_line);
    return ServerConfiguration::load(sources);
  }
  Error error_of(const std::string& text, ConfigurationSources::Pairs command_line = {}) const {
    try {
      load(text, std::move(command_line));
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorCode::InternalError, "nothing was thrown");
  }

  std::filesystem::path path;
};

TEST_F(Configuration, LinesAreReadAsPostgresqlReadsThem) {
  EXPECT_THAT(lines_of("# all\n\n  Work_Mem = 64MB # some\nport 5433\nport=5434\n"),
              ElementsAre("work_mem=64MB", "port=5433", "port=5434"));
  EXPECT_THAT(lines_of("search_path = '\"$user\", public'\nx.y = 'it''s'\nx.z = 'a\\tb\\'c\\101'\n"),
              ElementsAre("search_path=\"$user\", public", "x.y=it's", "x.z=a\tb'cA"));
  EXPECT_THAT(lines_of("a = 0.9\nb = 1.5e-3\nc = -1\nd = 0x1F\ne = on\nf = var/run:x-1\ng = ''\r\n"),
              ElementsAre("a=0.9", "b=1.5e-3", "c=-1", "d=0x1F", "e=on", "f=var/run:x-1", "g="));
}

TEST_F(Configuration, WhatIsNoLineIsNamedWithFileAndLine) {
  const std::string file = (path / "wrong.conf").string();
  EXPECT_EQ(problem_of("a = 1\nb =\n"), "syntax error in file \"" + file + "\" line 2, near end of line");
  EXPECT_EQ(problem_of("a = *\n"), "syntax error in file \"" + file + "\" line 1, near token \"*\"");
  EXPECT_EQ(problem_of("\n\na = 1 2\n"), "syntax error in file \"" + file + "\" line 3, near token \"2\"");
  EXPECT_EQ(problem_of("= 1\n"), "syntax error in file \"" + file + "\" line 1, near token \"=\"");
  EXPECT_EQ(problem_of("a = 1.5GB\n"), "syntax error in file \"" + file + "\" line 1, near token \"GB\"");
  EXPECT_EQ(problem_of("a = 'open\nb = 1\n"),
            "syntax error in file \"" + file + "\" line 1, near token \"'\"");
  EXPECT_EQ(read_configuration_file(path / "none.conf").problems.front().message,
            "could not open configuration file \"" + (path / "none.conf").string() +
                "\": No such file or directory");
  EXPECT_THAT(read_configuration_file(path).problems.front().message, HasSubstr("Is a directory"));
}

TEST_F(Configuration, FilesIncludeOthersFromWhereTheyAre) {
  write("more/one.conf", "a = 1\ninclude 'deeper/two.conf'\n");
  write("more/deeper/two.conf", "b = 2\n");
  write("parts/20.conf", "d = 4\n");
  write("parts/10.conf", "c = 3\n");
  write("parts/30.txt", "nonsense !\n");
  write("parts/.hidden.conf", "nonsense !\n");
  EXPECT_THAT(
      lines_of("include = 'more/one.conf'\ninclude_dir 'parts'\ninclude_if_exists 'none.conf'\ne = 5\n"),
      ElementsAre("a=1", "b=2", "c=3", "d=4", "e=5"));
  EXPECT_THAT(problem_of("include 'none.conf'\n"), HasSubstr("none.conf\": No such file or directory"));
  EXPECT_THAT(problem_of("include_dir 'none'\n"), HasSubstr("could not open configuration directory"));
  EXPECT_THAT(problem_of("include 'wrong.conf'\n"), HasSubstr("configuration file recursion in"));
}

TEST_F(Configuration, ValuesOfAFileAreCheckedAndShownAsPostgresqlDoes) {
  const auto configuration = load(
      "shared_buffers = 2GB\nwork_mem = 65536\ncheckpoint_timeout = 90s\nmax_wal_size = "
      "2048\nlog_connections = tru\n"
      "bgwriter_delay = '0.2s'\nautovacuum_vacuum_cost_delay = '2 ms'\ntimezone = 'Europe/Berlin'\nmy.own = "
      "text\n");
  EXPECT_EQ(configuration->value("shared_buffers"), "2GB");
  EXPECT_EQ(configuration->bytes("shared_buffers"), 2LL << 30);
  EXPECT_EQ(configuration->value("work_mem"), "64MB");
  EXPECT_EQ(configuration->value("checkpoint_timeout"), "90s");
  EXPECT_EQ(configuration->bytes("max_wal_size"), 2LL << 30);
  EXPECT_EQ(configuration->value("log_connections"), "on");
  EXPECT_EQ(configuration->value("bgwriter_delay"), "200ms");
  EXPECT_EQ(configuration->value("port"), "5433");
  EXPECT_FALSE(configuration->find("port").has_value());
  EXPECT_THAT(configuration->names_without_effect(),
              ElementsAre("autovacuum_vacuum_cost_delay", "bgwriter_delay", "my.own"));
  EXPECT_EQ(configuration->find("work_mem")->line, 2);
  EXPECT_EQ(configuration->find("work_mem")->source, "configuration file");
}

TEST_F(Configuration, WhatIsWrongIsNamedAllAtOnce) {
  const std::string place = " in file \"" + (path / "server.conf").string() + "\" line ";
  EXPECT_EQ(error_of("\nwork_memm = 1\n").message(),
            "unrecognized configuration parameter \"work_memm\"" + place + "2");
  EXPECT_EQ(error_of("tickstone.memroy = 1GB\n").message(),
            "unrecognized configuration parameter \"tickstone.memroy\"" + place + "1");
  EXPECT_EQ(error_of("work_mem = 64XB\n").message(),
            "invalid value for parameter \"work_mem\": \"64XB\"" + place + "1");
  EXPECT_EQ(error_of("max_connections = 0\n").message(),
            "0 is outside the valid range for parameter \"max_connections\" (1 .. 10000)" + place + "1");
  EXPECT_EQ(
      error_of("checkpoint_timeout = 1\n").message(),
      "1 s is outside the valid range for parameter \"checkpoint_timeout\" (30 .. 86400)" + place + "1");
  EXPECT_EQ(error_of("password_encryption = md5\n").message(),
            "invalid value for parameter \"password_encryption\": \"md5\"" + place + "1");
  EXPECT_EQ(error_of("server_version = 16\n").message(),
            "parameter \"server_version\" cannot be changed" + place + "1");
  EXPECT_EQ(error_of("", {{"no_such", "1"}}).message(), "unrecognized configuration parameter \"no_such\"");
  const auto both = error_of("a = 1\nport = no\nb !\n");
  EXPECT_EQ(both.message(), "the configuration contains errors");
  EXPECT_THAT(both.detail(), HasSubstr("\"a\"" + place + "1\n"));
  EXPECT_THAT(both.detail(), HasSubstr("\"no\"" + place + "2"));
  EXPECT_THAT(both.detail(), HasSubstr("line 3, near token \"!\""));
}

TEST_F(Configuration, LaterSourcesWin) {
  write("postgresql.auto.conf", "work_mem = '8MB'\nport = '2000'\n");
  ConfigurationSources sources;
  sources.file = write("server.conf", "work_mem = 4MB\nport = 1000\nmax_connections = 7\nwork_mem = 5MB\n");
  sources.data_directory = path;
  sources.defaults = {{"max_connections", "5"}, {"listen_addresses", "*"}};
  sources.command_line = {{"PORT", "3000"}};
  const auto configuration = ServerConfiguration::load(sources);
  EXPECT_EQ(configuration->value("work_mem"), "8MB");
  EXPECT_EQ(configuration->find("work_mem")->file, path / "postgresql.auto.conf");
  EXPECT_EQ(configuration->value("port"), "3000");
  EXPECT_EQ(configuration->find("port")->source, "command line");
  EXPECT_EQ(configuration->value("max_connections"), "7");
  EXPECT_THAT(configuration->list("listen_addresses"), ElementsAre("*"));
}

TEST_F(Configuration, TheDataDirectoryIsFoundThroughTheFileAndTheFileInIt) {
  write("data/postgresql.conf", "port = 1234\n");
  ConfigurationSources sources;
  sources.data_directory = path / "data";
  EXPECT_EQ(ServerConfiguration::load(sources)->value("port"), "1234");
  ConfigurationSources other;
  other.command_line = {
      {"config_file", write("x.conf", "data_directory = '" + (path / "data").string() + "'\n")}};
  EXPECT_EQ(ServerConfiguration::load(other)->data_directory(), path / "data");
}

TEST_F(Configuration, AReloadTakesOverWhatMayChange) {
  const auto configuration = load("timezone = 'Asia/Tokyo'\nport = 1000\nlock_timeout = 5s\n");
  const auto version = configuration->version();
  int reloads = 0;
  configuration->set_on_reload([&] { ++reloads; });
  write("server.conf", "timezone = 'Europe/Berlin'\nport = 2000\nmax_connections = 9\n");
  EXPECT_TRUE(configuration->reload());
  EXPECT_EQ(reloads, 1);
  EXPECT_GT(configuration->version(), version);
  EXPECT_EQ(configuration->value("timezone"), "Europe/Berlin");
  EXPECT_EQ(configuration->value("lock_timeout"), "0");
  EXPECT_EQ(configuration->value("port"), "1000");
  EXPECT_TRUE(configuration->find("port")->pending_restart);
  EXPECT_EQ(configuration->value("max_connections"), "100");
  EXPECT_TRUE(configuration->find("max_connections")->pending_restart);
  write("server.conf", "timezone = 'Europe/Berlin'\nport = 1000\n");
  EXPECT_TRUE(configuration->reload());
  EXPECT_FALSE(configuration->find("port")->pending_restart);
}

TEST_F(Configuration, AReloadOfABrokenFileChangesNothingThatIsBroken) {
  const auto configuration = load("timezone = 'Asia/Tokyo'\nlock_timeout = 5s\n");
  write("server.conf", "timezone = 'Europe/Berlin'\nlock_timeout !\n");
  EXPECT_FALSE(configuration->reload());
  EXPECT_EQ(configuration->value("timezone"), "Asia/Tokyo");
  write("server.conf", "timezone = 'Europe/Berlin'\nlock_timeout = soon\n");
  EXPECT_FALSE(configuration->reload());
  EXPECT_EQ(configuration->value("timezone"), "Europe/Berlin");
  EXPECT_EQ(configuration->value("lock_timeout"), "5s");
  std::filesystem::remove(path / "server.conf");
  EXPECT_FALSE(configuration->reload());
  EXPECT_EQ(configuration->value("timezone"), "Europe/Berlin");
}

TEST_F(Configuration, WhatTheServerFoundByItselfStaysThroughAReload) {
  const auto configuration = load("port = 0\nshared_buffers = 8GB\n");
  configuration->set_running("port", "40000");
  configuration->set_running("shared_buffers", "1GB");
  configuration->set_running("tickstone.memory", "2GB");
  EXPECT_TRUE(configuration->reload());
  EXPECT_EQ(configuration->value("port"), "40000");
  EXPECT_EQ(configuration->value("shared_buffers"), "1GB");
  EXPECT_EQ(configuration->value("tickstone.memory"), "2GB");
  EXPECT_FALSE(configuration->find("shared_buffers")->pending_restart);
}

TEST_F(Configuration, MemoryIsSplitAsConfigured) {
  DatabaseOptions options;
  apply_configuration(options, load("tickstone.memory = 8GB\nshared_buffers = 1GB\nmax_wal_size = 2GB\n"
                                    "checkpoint_timeout = 5min\nmax_parallel_workers_per_gather = 0\n"
                                    "timescaledb.max_background_workers = 3\n"));
  EXPECT_EQ(options.store.block_cache_bytes, 1ULL << 30);
  EXPECT_EQ(options.query_memory_bytes, 5ULL << 30);
  EXPECT_EQ(options.store.checkpoint_log_bytes, 2ULL << 30);
  EXPECT_EQ(options.store.checkpoint_age_us, 300'000'000);
  EXPECT_EQ(options.threads, 1);
  EXPECT_EQ(options.background_workers, 3);
  // Never more than half for the cache, never less than a quarter for queries.
  apply_configuration(options, load("tickstone.memory = 8GB\nshared_buffers = 6GB\nwork_mem = 1MB\n"));
  EXPECT_EQ(options.store.block_cache_bytes, 4ULL << 30);
  EXPECT_EQ(options.query_memory_bytes, 2ULL << 30);
  apply_configuration(options, load("tickstone.memory = 8GB\nwork_mem = 30MB\n"));
  EXPECT_EQ(options.query_memory_bytes, 3000ULL << 20);
  EXPECT_THROW(apply_configuration(options, load("tickstone.memory = 1MB\n")), Error);
}

class ConfiguredDatabase : public Configuration {
 protected:
  void open(const std::string& text) {
    DatabaseOptions options;
    options.threads = 1;
    configuration = load(text);
    options.configuration = configuration;
    database = Database::open(path / "store", options);
    session.emplace(*database);
  }
  ~ConfiguredDatabase() override {
    session.reset();
    database.reset();
  }

  std::shared_ptr<ServerConfiguration> configuration;
  std::unique_ptr<Database> database;
  std::optional<TestSession> session;
};

TEST_F(ConfiguredDatabase, SessionsBeginWithItAndFollowReloads) {
  open("lock_timeout = 1min\nstatement_timeout = 1h\nport = 1000\nwork_mem = 64MB\n");
  EXPECT_EQ(session->value("SHOW lock_timeout"), "1min");
  EXPECT_EQ(session->value("SELECT setting || unit FROM pg_settings WHERE name = 'statement_timeout'"),
            "3600000ms");
  session->run("SET statement_timeout = '2h'");
  write("server.conf", "lock_timeout = 2min\nstatement_timeout = 3h\nport = 2000\nwork_mem = 64MB\n");
  EXPECT_EQ(session->value("SELECT pg_reload_conf()"), "t");
  EXPECT_EQ(session->value("SHOW lock_timeout"), "2min");
  EXPECT_EQ(session->value("SHOW statement_timeout"), "2h");
  EXPECT_EQ(
      session->value("SELECT source || ' ' || reset_val FROM pg_settings WHERE name = 'statement_timeout'"),
      "session 10800000");
  session->run("RESET statement_timeout");
  EXPECT_EQ(session->value("SHOW statement_timeout"), "3h");
  EXPECT_EQ(
      session->value("SELECT source || ' ' || sourceline FROM pg_settings WHERE name = 'statement_timeout'"),
      "configuration file 2");
  EXPECT_EQ(session->value("SELECT sourcefile FROM pg_settings WHERE name = 'work_mem'"),
            (path / "server.conf").string());
  EXPECT_EQ(session->value("SELECT setting FROM pg_settings WHERE pending_restart"), "1000");
  EXPECT_EQ(
      session->value("SELECT string_agg(name || ' ' || applied, ', ' ORDER BY seqno) FROM pg_file_settings"),
      "lock_timeout true, statement_timeout true, port false, work_mem true");
  // A transaction that is open sees it as well, as in PostgreSQL.
  session->run("BEGIN");
  write("server.conf", "lock_timeout = 4min\n");
  EXPECT_EQ(session->value("SELECT pg_reload_conf()"), "t");
  EXPECT_EQ(session->value("SHOW lock_timeout"), "4min");
  EXPECT_EQ(session->value("SHOW statement_timeout"), "0");
  session->run("ROLLBACK");
  EXPECT_EQ(session->value("SHOW lock_timeout"), "4min");
}

TEST_F(ConfiguredDatabase, AlterSystemIsKeptForReloadsAndStarts) {
  open("lock_timeout = 1s\n");
  EXPECT_EQ(session->tag("ALTER SYSTEM SET lock_timeout = '90s'"), "ALTER SYSTEM");
  session->run("ALTER SYSTEM SET search_path = market, public");
  session->run("ALTER SYSTEM SET port = 6000");
  EXPECT_EQ(session->value("SHOW lock_timeout"), "1s");
  session->run("SELECT pg_reload_conf()");
  EXPECT_EQ(session->value("SHOW lock_timeout"), "90s");
  EXPECT_EQ(session->value("SHOW search_path"), "market, public");
  EXPECT_EQ(session->value("SHOW port"), "5433");
  EXPECT_EQ(session->error_text("ALTER SYSTEM RESET lock_timeout; SELECT 1").substr(0, 5), "25001")
      << "several statements are one transaction";
}

TEST_F(ConfiguredDatabase, AlterSystemRefusesWhatPostgresqlRefuses) {
  open("");
  EXPECT_EQ(session->error_text("ALTER SYSTEM SET no_such = 1"),
            "42704 unrecognized configuration parameter \"no_such\"");
  EXPECT_EQ(session->error_text("ALTER SYSTEM SET lock_timeout = soon"),
            "22023 invalid value for parameter \"lock_timeout\": \"soon\"");
  EXPECT_EQ(session->error_text("ALTER SYSTEM SET server_version = '1'"),
            "55P02 parameter \"server_version\" cannot be changed");
  EXPECT_EQ(session->error_text("ALTER SYSTEM SET data_directory = '/x'"),
            "55P02 parameter \"data_directory\" cannot be changed");
  session->run("BEGIN");
  EXPECT_EQ(session->error_text("ALTER SYSTEM SET lock_timeout = 1"),
            "25001 ALTER SYSTEM cannot run inside a transaction block");
  session->run("ROLLBACK");
  EXPECT_FALSE(std::filesystem::exists(path / "postgresql.auto.conf"));
  session->run("CREATE USER plain");
  SessionOptions options;
  options.user = "plain";
  const auto plain = database->connect(options);
  const auto error_text = [&](std::string_view sql) -> std::string {
    CollectingSink sink(plain->format_context());
    try {
      plain->execute_simple(sql, sink);
    } catch (const Error& error) {
      return error.message();
    }
    return "none";
  };
  EXPECT_EQ(error_text("ALTER SYSTEM SET lock_timeout = 1"),
            "permission denied to set parameter \"lock_timeout\"");
  EXPECT_EQ(error_text("ALTER SYSTEM RESET ALL"), "permission denied to perform ALTER SYSTEM RESET ALL");
  EXPECT_EQ(error_text("SELECT pg_reload_conf()"), "permission denied for function pg_reload_conf");
}

TEST_F(ConfiguredDatabase, AnEmbeddedStoreReadsTheFilesOfItsDirectory) {
  std::filesystem::create_directories(path / "store");
  const auto open_plain = [&] {
    session.reset();
    database.reset();
    DatabaseOptions options;
    options.threads = 1;
    database = Database::open(path / "store", options);
    session.emplace(*database);
  };
  open_plain();
  session->run("ALTER SYSTEM SET lock_timeout = '90s'");
  session->run("ALTER SYSTEM SET application_name = 'it''s'");
  open_plain();
  EXPECT_EQ(session->value("SHOW lock_timeout"), "90s");
  EXPECT_EQ(session->value("SHOW application_name"), "it's");
  session->run("ALTER SYSTEM RESET lock_timeout");
  open_plain();
  EXPECT_EQ(session->value("SHOW lock_timeout"), "0");
  EXPECT_EQ(session->value("SHOW application_name"), "it's");
  session->run("ALTER SYSTEM SET application_name TO DEFAULT");
  open_plain();
  EXPECT_EQ(session->value("SHOW application_name"), "");
  session->run("ALTER SYSTEM SET lock_timeout = '1s'");
  session->run("ALTER SYSTEM RESET ALL");
  open_plain();
  EXPECT_EQ(session->value("SHOW lock_timeout"), "0");
}

TEST(SettingValues, AreWrittenAsPostgresqlWritesThem) {
  const auto shown = [](const char* name, const char* text) {
    return checked_value(*Settings::find_definition(name), {text});
  };
  EXPECT_EQ(shown("work_mem", "64MB"), "64MB");
  EXPECT_EQ(shown("work_mem", "1048576"), "1GB");
  EXPECT_EQ(shown("work_mem", "0.5 GB"), "512MB");
  EXPECT_EQ(shown("work_mem", "1025"), "1025kB");
  EXPECT_EQ(shown("shared_buffers", "16384"), "128MB");
  EXPECT_EQ(shown("wal_buffers", "-1"), "-1");
  EXPECT_EQ(shown("statement_timeout", "90000"), "90s");
  EXPECT_EQ(shown("statement_timeout", "1.5h"), "90min");
  EXPECT_EQ(shown("random_page_cost", "1.10"), "1.1");
  EXPECT_EQ(shown("jit", "FALSE"), "off");
  EXPECT_EQ(plain_value(*Settings::find_definition("shared_buffers"), "128MB"), "16384");
  EXPECT_EQ(bytes_of(*Settings::find_definition("shared_buffers"), "128MB"), 128LL << 20);
  EXPECT_EQ(shown_bytes(*Settings::find_definition("shared_buffers"), 0), "0");
  EXPECT_EQ(shown_bytes(*Settings::find_definition("shared_buffers"), 3LL << 30), "3GB");
  EXPECT_EQ(plain_value(*Settings::find_definition("lock_timeout"), "2min"), "120000");
  try {
    shown("work_mem", "1 mb");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.hint(), R"(Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".)");
  }
}

}  // namespace
}  // namespace tickstone::engine
