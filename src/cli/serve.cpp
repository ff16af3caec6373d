// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "base/logging.hpp"
#include "cli/command.hpp"
#include "cli/password.hpp"
#include "cli/service_manager.hpp"
#include "cli/store_options.hpp"
#include "engine/server_configuration.hpp"
#include "http/monitoring_server.hpp"
#include "server/scram.hpp"
#include "server/self_signed_certificate.hpp"
#include "server/server.hpp"

namespace tickstone::cli {
namespace {

using engine::ServerConfiguration;

bool is_loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

struct Arguments {
  StoreArguments store;
  std::string config_file;
  std::vector<std::string> settings, defaults;  // name=value
  // Options that are settings as well: what was given, by the setting's name.
  std::vector<std::pair<std::string, std::shared_ptr<std::string>>> named;
  std::string password_file;
  std::string certificate, key;
};

/// Watches the database while it lives.
class Watched {
 public:
  Watched(std::optional<http::MonitoringServer>& monitoring, engine::Database& database)
      : monitoring_(monitoring) {
    if (monitoring_) monitoring_->set_database(&database);
  }
  ~Watched() {
    if (monitoring_) monitoring_->set_database(nullptr);
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

 private:
  std::optional<http::MonitoringServer>& monitoring_;
};

std::pair<std::string, std::string> split_assignment(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw Error(ErrorCode::SyntaxError, "\"" + text + "\" is not of the form name=value");
  std::string name = text.substr(0, equals);
  std::replace(name.begin(), name.end(), '-', '_');  // as PostgreSQL's programs take them
  return {name, text.substr(equals + 1)};
}

std::shared_ptr<ServerConfiguration> read_configuration(const Arguments& arguments) {
  engine::ConfigurationSources sources;
  sources.file = arguments.config_file;
  sources.data_directory = arguments.store.data;
  for (const auto& text : arguments.defaults) sources.defaults.push_back(split_assignment(text));
  for (const auto& text : arguments.settings) sources.command_line.push_back(split_assignment(text));
  const auto give = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) sources.command_line.emplace_back(name, value);
  };
  for (const auto& [name, value] : arguments.named) give(name, *value);
  give("tickstone.memory", arguments.store.memory);
  if (!arguments.certificate.empty()) {
    // Of the command line, so relative to where it was given.
    give("ssl", "on");
    give("ssl_cert_file", std::filesystem::absolute(arguments.certificate).string());
    give("ssl_key_file", std::filesystem::absolute(arguments.key).string());
  }
  return ServerConfiguration::load(sources);
}

server::ServerOptions server_options(const ServerConfiguration& configuration) {
  server::ServerOptions options;
  options.listen_addresses = configuration.list("listen_addresses");
  options.port = static_cast<std::uint16_t>(configuration.number("port"));
  for (const auto& directory : configuration.list("unix_socket_directories"))
    options.socket_directories.emplace_back(directory);
  options.max_connections = static_cast<std::size_t>(configuration.number("max_connections"));
  options.login_timeout = std::chrono::seconds(configuration.number("authentication_timeout"));
  const auto file = [&](const char* setting) {
    const auto name = configuration.value(setting);
    return name.empty() ? std::filesystem::path() : configuration.data_directory() / name;
  };
  if (configuration.boolean("ssl"))
    options.tls = {file("ssl_cert_file"), file("ssl_key_file"), file("ssl_ca_file"), file("ssl_crl_file")};
  options.hba_file = file("hba_file");
  if (const auto usual = configuration.data_directory() / "pg_hba.conf";
      options.hba_file.empty() && std::filesystem::exists(usual)) {
    options.hba_file = usual;
  }
  return options;
}

/// Where TLS is on and nobody has said with which certificate: one of our own, made once.
void make_certificate(const ServerConfiguration& configuration, const server::TlsFiles& files) {
  if (files.certificate.empty() || configuration.find("ssl_cert_file") || configuration.find("ssl_key_file"))
    return;
  if (std::filesystem::exists(files.certificate) || std::filesystem::exists(files.key)) return;
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  const auto add = [&](const std::string& name) {
    const bool names_one = !name.empty() && name != "*" && name != "0.0.0.0" && name != "::";
    if (names_one && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  char host[256] = {};
  if (::gethostname(host, sizeof(host) - 1) == 0) add(host);
  for (const auto& address : configuration.list("listen_addresses")) add(address);
  server::write_self_signed_certificate(files.certificate, files.key, names);
  log_info(
      "made a certificate that is its own authority, \"{}\"; clients verify the server by it (sslrootcert)",
      files.certificate.string());
}

void check_password(const engine::Database& database, const ServerConfiguration& configuration) {
  const auto addresses = configuration.list("listen_addresses");
  const auto open = std::find_if_not(addresses.begin(), addresses.end(), is_loopback);
  if (open == addresses.end()) return;
  const auto verifier = database.find_verifier(database.owner());
  const bool has_none = !verifier || verifier->empty();
  if (!has_none && !is_password_of(*verifier, kLoopbackPassword)) return;
  if (!has_none && configuration.boolean("tickstone.allow_default_password")) {
    log_warning("user \"{}\" has the default password, and \"{}\" is open to others", database.owner(),
                *open);
    return;
  }
  throw Error(ErrorCode::InvalidAuthorization,
              "cannot listen on \"" + *open + "\" while user \"" + database.owner() + "\" has " +
                  (has_none ? "no password" : "the default password"),
              {},
              "Give a password by --password-file or POSTGRES_PASSWORD, or by ALTER USER over loopback; "
              "or listen on 127.0.0.1.");
}

/// What may change while the server runs.
void apply_running(const ServerConfiguration& configuration, server::Server& server) {
  // PostgreSQL's LOG messages are said at all levels but fatal and panic; they are info here.
  const auto level = log_level_from_name(configuration.value("log_min_messages"));
  const bool is_usual = level == LogLevel::Warning || configuration.value("log_min_messages") == "error";
  set_log_level(is_usual ? LogLevel::Info : level.value_or(LogLevel::Info));
  server.set_log_connections(configuration.boolean("log_connections"),
                             configuration.boolean("log_disconnections"));
}

// Boundary: a file that is wrong now changes nothing, as with the configuration itself.
void reload_access(const ServerConfiguration& configuration, server::Server& server) {
  try {
    const auto options = server_options(configuration);
    make_certificate(configuration, options.tls);
    server.reload(options);
  } catch (const Error& error) {
    log_error("certificates and rules of pg_hba.conf stay as they were: {}{}{}", error.message(),
              error.detail().empty() ? "" : "\n", error.detail());
  }
}

void say_what_does_nothing(const ServerConfiguration& configuration) {
  std::string names;
  for (const auto& name : configuration.names_without_effect()) names += (names.empty() ? "" : ", ") + name;
  if (!names.empty()) log_info("configured and without effect here: {}", names);
}

int serve(const Arguments& arguments) {
  set_log_level(LogLevel::Info);
  std::signal(SIGPIPE, SIG_IGN);
  server::block_server_signals();

  const auto configuration = read_configuration(arguments);
  auto store = arguments.store;
  store.data = configuration->data_directory().string();
  if (!arguments.store.data.empty()) store.data = arguments.store.data;  // as it was given, for messages
  if (store.data.empty()) {
    std::fprintf(
        stderr,
        "tickstone: no data directory\nGive it by --data, or by data_directory in the configuration file.\n");
    return 2;
  }
  say_what_does_nothing(*configuration);
  const auto given = given_password(arguments.password_file);
  // Before the database, so that who watches sees that recovery is under way.
  std::optional<http::MonitoringServer> monitoring;
  if (const auto port = configuration->number("tickstone.http_port"); port >= 0) {
    monitoring.emplace(static_cast<std::uint16_t>(port), TICKSTONE_VERSION);
    monitoring->start();
  }
  auto database =
      open_database(store, true, given.value_or(kLoopbackPassword), Jobs::RunWhenDue, configuration);
  if (given) {
    const auto verifier = database->find_verifier(database->owner());
    if (!verifier || !is_password_of(*verifier, *given))
      database->set_verifier(database->owner(), server::make_scram_verifier(*given));
  }
  check_password(*database, *configuration);
  const auto options = server_options(*configuration);
  make_certificate(*configuration, options.tls);
  server::Server server(*database, options);
  apply_running(*configuration, server);
  configuration->set_on_reload([&] {
    apply_running(*configuration, server);
    reload_access(*configuration, server);
  });
  server.start();
  const Watched watched(monitoring, *database);
  configuration->set_running("port", std::to_string(server.port()));
  std::string endpoints;
  for (const auto& endpoint : server.endpoints()) endpoints += (endpoints.empty() ? "" : ", ") + endpoint;
  std::printf("tickstone: ready, database %s on %s\n", database->name().c_str(), endpoints.c_str());
  if (monitoring) std::printf("tickstone: metrics on http://127.0.0.1:%d/metrics\n", int{monitoring->port()});
  std::fflush(stdout);
  tell_service_manager("READY=1");
  int signal = server::wait_for_server_signal();
  for (; signal == SIGHUP; signal = server::wait_for_server_signal()) {
    log_info("received SIGHUP, reloading configuration files");
    configuration->reload();
  }
  tell_service_manager("STOPPING=1");
  std::fprintf(stderr, "tickstone: %s, shutting down\n", signal == SIGINT ? "interrupted" : "asked to end");
  if (monitoring) monitoring->set_database(nullptr);
  const bool is_over = server.stop();
  configuration->set_on_reload({});
  if (!is_over) {
    std::fprintf(stderr, "tickstone: a session did not end; the log has everything that was acknowledged\n");
    std::_Exit(1);
  }
  return 0;
}

/// An option that is one of the settings, too.
CLI::Option* add_setting(CLI::App& command, Arguments& arguments, const std::string& option,
                         const std::string& setting, const std::string& help) {
  arguments.named.emplace_back(setting, std::make_shared<std::string>());
  return command.add_option(option, *arguments.named.back().second, help);
}

}  // namespace

Run add_serve(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand(
      "serve", "Serve a data directory over PostgreSQL's protocol; makes the store where there is none");
  command->footer(
      "A new store has the database inavvi and the user inavvi_user with the password postgres, good for "
      "loopback\n"
      "only. An option wins over the configuration file; SIGHUP has the file read again.\n\n"
      "Examples:\n"
      "  tickstone serve --data ./store\n"
      "  tickstone serve --data ./store --listen 0.0.0.0 --port 5432 --password-file ./secret\n"
      "  tickstone serve --data ./store --config ./postgresql.conf -c shared_buffers=2GB\n"
      "  psql -h 127.0.0.1 -p 5433 -U inavvi_user inavvi\n\n"
      "Exit status: 0 stopped by SIGTERM or SIGINT, 1 failed, 2 a wrong command line.");
  arguments->store.add_to(*command, false);
  command
      ->add_option("--config", arguments->config_file,
                   "Configuration file in postgresql.conf's syntax; postgresql.conf in the data directory "
                   "unless given")
      ->type_name("FILE");
  command->add_option("-c,--set", arguments->settings, "A setting; wins over the configuration file")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--default", arguments->defaults, "A setting, where the configuration file has none")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_setting(*command, *arguments, "--listen", "listen_addresses",
              "Addresses to listen on, separated by commas; 127.0.0.1 unless configured")
      ->type_name("ADDRESS");
  add_setting(*command, *arguments, "-p,--port", "port",
              "TCP port, and the number of the Unix socket; 0 takes a free one; 5433 unless configured")
      ->type_name("PORT")
      ->check(CLI::Range(0, 65535));
  add_setting(*command, *arguments, "--socket-directory", "unix_socket_directories",
              "Directories for a Unix socket, separated by commas")
      ->type_name("DIR");
  command
      ->add_option("--password-file", arguments->password_file,
                   "File with the owner's password; also POSTGRES_PASSWORD")
      ->type_name("FILE");
  add_setting(*command, *arguments, "--max-connections", "max_connections",
              "Most clients at once; 100 unless configured")
      ->type_name("COUNT")
      ->check(CLI::Range(1, 10'000));
  add_setting(*command, *arguments, "--http-port", "tickstone.http_port",
              "Answer /metrics, /health and /ready on this port of 127.0.0.1; 0 takes a free one")
      ->type_name("PORT")
      ->check(CLI::Range(0, 65535));
  auto* certificate = command
                          ->add_option("--tls-certificate", arguments->certificate,
                                       "PEM file; with --tls-key, clients may use TLS")
                          ->type_name("FILE");
  command->add_option("--tls-key", arguments->key, "PEM file")->type_name("FILE")->needs(certificate);
  return [arguments] { return serve(*arguments); };
}

}  // namespace tickstone::cli
