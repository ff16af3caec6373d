// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>

#include <tickstone/error.hpp>

#include "base/logging.hpp"
#include "cli/command.hpp"
#include "cli/password.hpp"
#include "cli/store_options.hpp"
#include "server/scram.hpp"
#include "server/server.hpp"

namespace tickstone::cli {
namespace {

bool is_loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

struct Arguments {
  StoreArguments store;
  std::vector<std::string> listen = {"127.0.0.1"};
  std::uint16_t port = 5433;
  std::vector<std::string> socket_directories;
  std::string password_file;
  std::size_t max_connections = 100;
  std::string certificate, key;
};

int serve(const Arguments& arguments) {
  set_log_level(LogLevel::Info);
  std::signal(SIGPIPE, SIG_IGN);
  server::block_shutdown_signals();

  const auto given = given_password(arguments.password_file);
  auto database = open_database(arguments.store, true, given.value_or(kLoopbackPassword), Jobs::RunWhenDue);
  if (given) {
    const auto verifier = database->find_verifier(database->owner());
    if (!verifier || !is_password_of(*verifier, *given))
      database->set_verifier(database->owner(), server::make_scram_verifier(*given));
  }
  for (const auto& address : arguments.listen) {
    if (is_loopback(address)) continue;
    const auto verifier = database->find_verifier(database->owner());
    if (!verifier || verifier->empty() || is_password_of(*verifier, kLoopbackPassword)) {
      throw Error(ErrorCode::InvalidAuthorization,
                  "cannot listen on \"" + address + "\" while user \"" + database->owner() +
                      "\" has the default password",
                  {},
                  "Give a password by --password-file or POSTGRES_PASSWORD, or by ALTER USER over loopback; "
                  "or listen on 127.0.0.1.");
    }
  }
  server::ServerOptions options;
  options.listen_addresses = arguments.listen;
  options.port = arguments.port;
  for (const auto& directory : arguments.socket_directories)
    options.socket_directories.emplace_back(directory);
  options.max_connections = arguments.max_connections;
  options.tls_certificate_file = arguments.certificate;
  options.tls_key_file = arguments.key;
  server::Server server(*database, options);
  server.start();
  std::string endpoints;
  for (const auto& endpoint : server.endpoints()) endpoints += (endpoints.empty() ? "" : ", ") + endpoint;
  std::printf("tickstone: ready, database %s on %s\n", database->name().c_str(), endpoints.c_str());
  std::fflush(stdout);
  const int signal = server::wait_for_shutdown_signal();
  std::fprintf(stderr, "tickstone: %s, shutting down\n", signal == SIGINT ? "interrupted" : "asked to end");
  if (!server.stop()) {
    std::fprintf(stderr, "tickstone: a session did not end; the log has everything that was acknowledged\n");
    std::_Exit(1);
  }
  return 0;
}

}  // namespace

Run add_serve(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand(
      "serve", "Serve a data directory over PostgreSQL's protocol; makes the store where there is none");
  command->footer(
      "A new store has the database inavvi and the user inavvi_user with the password postgres, good for "
      "loopback only.\n\n"
      "Examples:\n"
      "  tickstone serve --data ./store\n"
      "  tickstone serve --data ./store --listen 0.0.0.0 --port 5432 --password-file ./secret\n"
      "  psql -h 127.0.0.1 -p 5433 -U inavvi_user inavvi");
  arguments->store.add_to(*command, true);
  command->add_option("--listen", arguments->listen, "Addresses to listen on")
      ->delimiter(',')
      ->type_name("ADDRESS")
      ->capture_default_str();
  command
      ->add_option("-p,--port", arguments->port,
                   "TCP port, and the number of the Unix socket; 0 takes a free one")
      ->capture_default_str();
  command->add_option("--socket-directory", arguments->socket_directories, "Directories for a Unix socket")
      ->delimiter(',')
      ->type_name("DIR");
  command
      ->add_option("--password-file", arguments->password_file,
                   "File with the owner's password; also POSTGRES_PASSWORD")
      ->type_name("FILE");
  command->add_option("--max-connections", arguments->max_connections, "Most clients at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  command
      ->add_option("--tls-certificate", arguments->certificate,
                   "PEM file; with --tls-key, clients may use TLS")
      ->type_name("FILE");
  command->add_option("--tls-key", arguments->key, "PEM file")->type_name("FILE");
  return [arguments] { return serve(*arguments); };
}

}  // namespace tickstone::cli
