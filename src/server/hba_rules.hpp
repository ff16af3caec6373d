// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tickstone::server {

/// A connection as the rules of pg_hba.conf see it.
struct HbaConnection {
  bool is_local = false;  // of the Unix socket
  bool is_tls = false;
  std::string address;  // the client's, in numbers; empty: is_local
  std::string user, database;
};

/// An address of either family, its bytes in the order of the network.
struct NetworkAddress {
  std::array<unsigned char, 16> bytes{};
  std::size_t size = 0;  // 4 or 16
};
std::optional<NetworkAddress> parse_network_address(const std::string& text);

struct HbaRule {
  enum class Type : std::uint8_t { Local, Host, HostSsl, HostNoSsl, HostGssenc };
  enum class Method : std::uint8_t { Trust, Reject, ScramSha256, Password, Cert, Peer };
  enum class ClientCertificate : std::uint8_t { NotAsked, VerifyCa, VerifyFull };
  enum class Reach : std::uint8_t { All, SameHost, SameNet, Network, HostName };
  struct Name {
    enum class Kind : std::uint8_t { Literal, All, SameUser, SameRole, Replication, MembersOf } kind;
    std::string text;
  };
  Type type = Type::Host;
  std::vector<Name> databases, users;
  Reach reach = Reach::All;
  NetworkAddress network, mask;
  std::string host_name;
  Method method = Method::Reject;
  ClientCertificate client_certificate = ClientCertificate::NotAsked;
  int line = 0;
};

/// Who may log in from where, and how: the rules of a file in pg_hba.conf's syntax. The first that fits
/// decides.
///
/// What we lack is an error, never a rule left out: methods of other services, maps of user names, `@file`,
/// `.suffix` of host names. Host names are looked up at each connection. Threads: any.
class HbaRules {
 public:
  /// Errors: InvalidParameterValue that lists every wrong line, with file and number; IoError.
  static HbaRules read(const std::filesystem::path& file);
  static HbaRules parse(std::string_view text, const std::filesystem::path& shown_as);

  /// Whether the first role is, or belongs to, the second.
  using IsMember = std::function<bool(const std::string& role, const std::string& other)>;
  /// Nothing where no rule fits.
  const HbaRule* find(const HbaConnection& connection, const IsMember& is_member) const;
  const std::vector<HbaRule>& rules() const { return rules_; }
  const std::filesystem::path& file() const { return file_; }
  /// Whether a rule asks for certificates of clients.
  bool asks_for_certificates() const;

 private:
  std::vector<HbaRule> rules_;
  std::filesystem::path file_;
};

}  // namespace tickstone::server
