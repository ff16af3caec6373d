// SPDX-License-Identifier: Apache-2.0
#include "server/hba_rules.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <tickstone/error.hpp>

namespace tickstone::server {
namespace {

struct Token {
  std::string text;
  bool is_quoted = false;  // then no word has a meaning of its own
};
using Field = std::vector<Token>;  // what commas separate

/// Why a line is wrong.
struct LineProblem {
  std::string text;
};

[[noreturn]] void wrong(std::string text) { throw LineProblem{std::move(text)}; }

std::vector<Field> split_line(std::string_view line) {
  std::vector<Field> fields;
  std::size_t at = 0;
  bool goes_on = false;  // a comma came last
  while (at < line.size()) {
    const char c = line[at];
    if (c == ' ' || c == '\t' || c == '\r') {
      ++at;
      continue;
    }
    if (c == '#') break;
    if (c == ',') {
      if (fields.empty()) wrong("a comma without a name before it");
      goes_on = true;
      ++at;
      continue;
    }
    Token token;
    token.is_quoted = c == '"';
    bool in_quotes = false;
    for (; at < line.size(); ++at) {
      const char next = line[at];
      if (next == '"') {
        if (in_quotes && at + 1 < line.size() && line[at + 1] == '"') {
          token.text += '"';
          ++at;
        } else {
          in_quotes = !in_quotes;
        }
      } else if (!in_quotes && (next == ' ' || next == '\t' || next == '\r' || next == ',' || next == '#')) {
        break;
      } else {
        token.text += next;
      }
    }
    if (in_quotes) wrong("unterminated quoted string");
    if (!goes_on) fields.emplace_back();
    goes_on = false;
    fields.back().push_back(std::move(token));
  }
  return fields;
}

const Token& only_one(const Field& field, const char* what) {
  if (field.size() > 1) wrong(std::string("multiple values in ") + what + " field");
  return field.front();
}

HbaRule::Type type_of(const Token& token) {
  using Type = HbaRule::Type;
  if (token.text == "local") return Type::Local;
  if (token.text == "host" || token.text == "hostnogssenc") return Type::Host;  // GSS is always refused
  if (token.text == "hostssl") return Type::HostSsl;
  if (token.text == "hostnossl") return Type::HostNoSsl;
  if (token.text == "hostgssenc") return Type::HostGssenc;
  wrong("invalid connection type \"" + token.text + "\"");
}

std::vector<HbaRule::Name> names_of(const Field& field, bool are_databases) {
  using Kind = HbaRule::Name::Kind;
  std::vector<HbaRule::Name> names;
  for (const Token& token : field) {
    if (!token.is_quoted && token.text.starts_with('@'))
      wrong("names from a file, \"" + token.text + "\", are not supported");
    HbaRule::Name name{Kind::Literal, token.text};
    if (!token.is_quoted) {
      if (token.text == "all") name.kind = Kind::All;
      if (are_databases && token.text == "sameuser") name.kind = Kind::SameUser;
      if (are_databases && (token.text == "samerole" || token.text == "samegroup"))
        name.kind = Kind::SameRole;
      if (are_databases && token.text == "replication") name.kind = Kind::Replication;
      if (!are_databases && token.text.starts_with('+')) name = {Kind::MembersOf, token.text.substr(1)};
    }
    names.push_back(std::move(name));
  }
  return names;
}

NetworkAddress mask_of(std::size_t size, int bits) {
  NetworkAddress mask;
  mask.size = size;
  for (std::size_t i = 0; i < size; ++i) {
    const int here = std::clamp(bits - static_cast<int>(i) * 8, 0, 8);
    mask.bytes[i] = static_cast<unsigned char>(0xFF00U >> here);
  }
  return mask;
}

/// The address of a rule; true when a mask has to follow as a field of its own.
bool read_address(const Token& token, HbaRule& rule) {
  using Reach = HbaRule::Reach;
  if (!token.is_quoted) {
    if (token.text == "all") return rule.reach = Reach::All, false;
    if (token.text == "samehost") return rule.reach = Reach::SameHost, false;
    if (token.text == "samenet") return rule.reach = Reach::SameNet, false;
  }
  const auto slash = token.text.find('/');
  const auto address = parse_network_address(token.text.substr(0, slash));
  if (!address) {
    if (slash != std::string::npos) wrong("invalid IP address \"" + token.text.substr(0, slash) + "\"");
    if (token.text.starts_with('.'))
      wrong("suffixes of host names, \"" + token.text + "\", are not supported");
    rule.reach = Reach::HostName;
    rule.host_name = token.text;
    return false;
  }
  rule.reach = Reach::Network;
  rule.network = *address;
  if (slash == std::string::npos) return true;
  const auto text = std::string_view(token.text).substr(slash + 1);
  int bits = -1;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || bits < 0 ||
      bits > static_cast<int>(address->size * 8)) {
    wrong("invalid CIDR mask in address \"" + token.text + "\"");
  }
  rule.mask = mask_of(address->size, bits);
  return false;
}

HbaRule::Method method_of(const std::string& text) {
  using Method = HbaRule::Method;
  if (text == "trust") return Method::Trust;
  if (text == "reject") return Method::Reject;
  // A role's password is kept as a SCRAM verifier alone, which PostgreSQL's md5 accepts, too.
  if (text == "scram-sha-256" || text == "md5") return Method::ScramSha256;
  if (text == "password") return Method::Password;
  if (text == "cert") return Method::Cert;
  if (text == "peer") return Method::Peer;
  static constexpr std::array kOthers = {"ident", "gss", "sspi", "pam", "bsd", "ldap", "radius"};
  for (const char* other : kOthers) {
    if (text == other) wrong("authentication method \"" + text + "\" is not supported");
  }
  wrong("invalid authentication method \"" + text + "\"");
}

void read_option(const Token& token, HbaRule& rule) {
  using ClientCertificate = HbaRule::ClientCertificate;
  const auto equals = token.text.find('=');
  if (equals == std::string::npos) wrong("authentication option not in name=value format: " + token.text);
  const std::string name = token.text.substr(0, equals), value = token.text.substr(equals + 1);
  if (name == "map") wrong("maps of user names are not supported");
  if (name != "clientcert") wrong("unrecognized authentication option name: \"" + name + "\"");
  if (rule.type != HbaRule::Type::HostSsl) wrong("clientcert can only be configured for \"hostssl\" rows");
  if (value == "verify-full") {
    rule.client_certificate = ClientCertificate::VerifyFull;
  } else if (value == "verify-ca") {
    if (rule.method == HbaRule::Method::Cert)
      wrong("clientcert only accepts \"verify-full\" when using \"cert\" authentication");
    rule.client_certificate = ClientCertificate::VerifyCa;
  } else {
    wrong("invalid value for clientcert: \"" + value + "\"");
  }
}

HbaRule rule_of(const std::vector<Field>& fields) {
  using Type = HbaRule::Type;
  using Method = HbaRule::Method;
  HbaRule rule;
  std::size_t at = 0;
  const auto next = [&](const char* before) -> const Field& {
    if (at == fields.size()) wrong(std::string("end-of-line before ") + before);
    return fields[at++];
  };
  rule.type = type_of(only_one(next("connection type"), "connection type"));
  rule.databases = names_of(next("database specification"), true);
  rule.users = names_of(next("role specification"), false);
  if (rule.type != Type::Local &&
      read_address(only_one(next("IP address specification"), "host address"), rule)) {
    const auto& text = only_one(next("netmask specification"), "netmask").text;
    const auto mask = parse_network_address(text);
    if (!mask) wrong("invalid IP mask \"" + text + "\"");
    if (mask->size != rule.network.size) wrong("IP address and mask do not match");
    rule.mask = *mask;
  }
  rule.method = method_of(only_one(next("authentication method"), "authentication type").text);
  if (rule.method == Method::Peer && rule.type != Type::Local)
    wrong("peer authentication is only supported on local sockets");
  if (rule.method == Method::Cert) {
    if (rule.type != Type::HostSsl) wrong("cert authentication is only supported on hostssl connections");
    rule.client_certificate = HbaRule::ClientCertificate::VerifyFull;
  }
  while (at < fields.size()) {
    for (const Token& token : fields[at]) read_option(token, rule);
    ++at;
  }
  return rule;
}

bool is_same(const NetworkAddress& a, const NetworkAddress& b) {
  return a.size == b.size && a.bytes == b.bytes;
}

bool is_within(const NetworkAddress& address, const NetworkAddress& network, const NetworkAddress& mask) {
  if (address.size != network.size || mask.size != network.size) return false;
  for (std::size_t i = 0; i < network.size; ++i) {
    if ((address.bytes[i] & mask.bytes[i]) != (network.bytes[i] & mask.bytes[i])) return false;
  }
  return true;
}

std::optional<NetworkAddress> address_of(const sockaddr* given) {
  NetworkAddress address;
  if (given == nullptr) return std::nullopt;
  if (given->sa_family == AF_INET) {
    address.size = 4;
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in*>(given)->sin_addr, 4);
  } else if (given->sa_family == AF_INET6) {
    address.size = 16;
    std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in6*>(given)->sin6_addr, 16);
  } else {
    return std::nullopt;
  }
  return address;
}

/// Whether the address is one of this machine's, or, with its mask, in one of its networks.
bool is_near(const NetworkAddress& address, bool whole_network) {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return false;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all(first, ::freeifaddrs);
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    const auto own = address_of(one->ifa_addr);
    if (!own) continue;
    if (is_same(*own, address)) return true;
    const auto mask = address_of(one->ifa_netmask);
    if (whole_network && mask && is_within(address, *own, *mask)) return true;
  }
  return false;
}

bool has_address(const std::string& host_name, const NetworkAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  if (::getaddrinfo(host_name.c_str(), nullptr, &hints, &first) != 0) return false;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(first, ::freeaddrinfo);
  for (const addrinfo* one = first; one != nullptr; one = one->ai_next) {
    const auto found = address_of(one->ai_addr);
    if (found && is_same(*found, address)) return true;
  }
  return false;
}

bool reaches(const HbaRule& rule, const HbaConnection& connection) {
  using Type = HbaRule::Type;
  using Reach = HbaRule::Reach;
  if (connection.is_local || rule.type == Type::Local) return connection.is_local && rule.type == Type::Local;
  if (rule.type == Type::HostGssenc) return false;
  if (rule.type == Type::HostSsl && !connection.is_tls) return false;
  if (rule.type == Type::HostNoSsl && connection.is_tls) return false;
  const auto address = parse_network_address(connection.address);
  if (!address) return false;
  switch (rule.reach) {
    case Reach::All:
      return true;
    case Reach::SameHost:
      return is_near(*address, false);
    case Reach::SameNet:
      return is_near(*address, true);
    case Reach::Network:
      return is_within(*address, rule.network, rule.mask);
    case Reach::HostName:
      return has_address(rule.host_name, *address);
  }
  return false;
}

bool fits_database(const HbaRule& rule, const HbaConnection& connection,
                   const HbaRules::IsMember& is_member) {
  using Kind = HbaRule::Name::Kind;
  return std::any_of(rule.databases.begin(), rule.databases.end(), [&](const HbaRule::Name& name) {
    switch (name.kind) {
      case Kind::All:
        return true;
      case Kind::SameUser:
        return connection.database == connection.user;
      case Kind::SameRole:
        return is_member(connection.user, connection.database);
      case Kind::Literal:
        return name.text == connection.database;
      case Kind::Replication:
      case Kind::MembersOf:
        break;
    }
    return false;
  });
}

bool fits_user(const HbaRule& rule, const HbaConnection& connection, const HbaRules::IsMember& is_member) {
  using Kind = HbaRule::Name::Kind;
  return std::any_of(rule.users.begin(), rule.users.end(), [&](const HbaRule::Name& name) {
    if (name.kind == Kind::All) return true;
    if (name.kind == Kind::MembersOf) return is_member(connection.user, name.text);
    return name.text == connection.user;
  });
}

}  // namespace

std::optional<NetworkAddress> parse_network_address(const std::string& text) {
  NetworkAddress address;
  // An address of a link carries the name of its interface.
  const auto plain = text.substr(0, text.find('%'));
  if (::inet_pton(AF_INET, plain.c_str(), address.bytes.data()) == 1) {
    address.size = 4;
  } else if (::inet_pton(AF_INET6, plain.c_str(), address.bytes.data()) == 1) {
    address.size = 16;
  } else {
    return std::nullopt;
  }
  return address;
}

HbaRules HbaRules::parse(std::string_view text, const std::filesystem::path& shown_as) {
  HbaRules rules;
  rules.file_ = shown_as;
  std::string problems;
  int number = 0;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const int first = ++number;
    while (line.ends_with('\\')) {
      line.pop_back();
      std::string more;
      if (!std::getline(lines, more)) break;
      ++number;
      line += more;
    }
    try {
      const auto fields = split_line(line);
      if (fields.empty()) continue;
      rules.rules_.push_back(rule_of(fields));
      rules.rules_.back().line = first;
    } catch (const LineProblem& problem) {
      problems += (problems.empty() ? "" : "\n") + problem.text + " (line " + std::to_string(first) + ")";
    }
  }
  if (!problems.empty()) {
    throw Error(ErrorCode::InvalidParameterValue,
                "configuration file \"" + shown_as.string() + "\" contains errors", problems);
  }
  if (rules.rules_.empty()) {
    throw Error(ErrorCode::InvalidParameterValue,
                "configuration file \"" + shown_as.string() + "\" contains no entries", {},
                "Nobody could log in. Without the file everybody logs in by password.");
  }
  return rules;
}

HbaRules HbaRules::read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) throw Error(ErrorCode::IoError, "could not read configuration file \"" + file.string() + "\"");
  return parse(text.str(), file);
}

const HbaRule* HbaRules::find(const HbaConnection& connection, const IsMember& is_member) const {
  for (const HbaRule& rule : rules_) {
    if (reaches(rule, connection) && fits_database(rule, connection, is_member) &&
        fits_user(rule, connection, is_member)) {
      return &rule;
    }
  }
  return nullptr;
}

bool HbaRules::asks_for_certificates() const {
  return std::any_of(rules_.begin(), rules_.end(), [](const HbaRule& rule) {
    return rule.client_certificate != HbaRule::ClientCertificate::NotAsked;
  });
}

}  // namespace tickstone::server
