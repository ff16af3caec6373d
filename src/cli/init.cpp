// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>

#include <tickstone/error.hpp>

#include "cli/command.hpp"
#include "cli/password.hpp"
#include "cli/store_options.hpp"

namespace tickstone::cli {

Run add_init(CLI::App& program) {
  struct Arguments {
    StoreArguments store;
    std::string password_file;
  };
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand("init", "Make an empty store");
  command->footer(
      "Examples:\n"
      "  tickstone init --data ./store\n"
      "  tickstone init --data ./store --password-file ./secret\n\n"
      "Exit status: 0 done, 1 failed, 2 a wrong command line.");
  arguments->store.add_to(*command, true);
  command
      ->add_option("--password-file", arguments->password_file,
                   "File with the first role's password; also POSTGRES_PASSWORD")
      ->type_name("FILE");
  return [arguments] {
    const auto& data = arguments->store.data;
    if (std::filesystem::exists(data) && !std::filesystem::is_empty(data)) {
      throw Error(ErrorCode::ObjectInUse, "directory \"" + data + "\" is not empty", {},
                  "Give init an empty or a new directory.");
    }
    const auto given = given_password(arguments->password_file);
    (void)open_database(arguments->store, true, given.value_or(kLoopbackPassword));
    std::printf("made %s: database %s, user %s\n", data.c_str(), arguments->store.database.c_str(),
                arguments->store.user.c_str());
    return 0;
  };
}

}  // namespace tickstone::cli
