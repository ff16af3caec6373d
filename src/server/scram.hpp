// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tickstone::server {

using ScramKey = std::array<unsigned char, 32>;

/// What the server knows of a password; the password itself cannot be had from it.
struct ScramVerifier {
  int iterations = 4096;
  std::vector<unsigned char> salt;
  ScramKey stored_key{};
  ScramKey server_key{};
};

/// A new verifier of `password` in PostgreSQL's form, `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`, with a
/// random salt. A text that is such a verifier already is returned as it is, as PostgreSQL does. Source: RFC
/// 5802, RFC 7677; passwords are prepared by RFC 4013 where they can be.
std::string make_scram_verifier(std::string_view password);
std::optional<ScramVerifier> parse_scram_verifier(std::string_view text);
/// True when `password` is the one that the verifier was made of. Cost: as a login.
bool is_password_of(const ScramVerifier& verifier, std::string_view password);

/// A verifier that no password meets, the same each time for one name: unknown users look like known ones.
ScramVerifier make_mock_verifier(std::string_view user, const ScramKey& secret);

/// The connection below a login, to which its proof can be bound.
struct ScramChannel {
  std::string binding;    // tls-server-end-point of RFC 5929, which `Stream` gives; empty: none
  bool is_bound = false;  // the client has chosen SCRAM-SHA-256-PLUS
};

/// The server's half of one login by SCRAM-SHA-256 or SCRAM-SHA-256-PLUS.
///
/// Errors: ProtocolViolation `malformed SCRAM message`, InvalidAuthorization for a proof of another
/// connection and a client that was told that there is no binding, FeatureNotSupported for what clients may
/// ask and we lack.
class ScramExchange {
 public:
  explicit ScramExchange(ScramVerifier verifier, ScramChannel channel = {});
  /// Tests fix the server's part of the nonce.
  ScramExchange(ScramVerifier verifier, std::string server_nonce, ScramChannel channel = {});

  /// Takes client-first-message, gives server-first-message.
  std::string first(std::string_view client_first);
  /// Takes client-final-message, gives server-final-message; nothing where the proof is wrong.
  std::optional<std::string> last(std::string_view client_final);

 private:
  void check_binding_flag(std::string_view& rest);

  ScramVerifier verifier_;
  ScramChannel channel_;
  std::string server_nonce_;
  std::string gs2_header_;
  std::string client_first_bare_;
  std::string server_first_;
  std::string nonce_;
};

/// Bytes that cannot be foretold. Errors: SystemError.
void fill_random(void* data, std::size_t size);

}  // namespace tickstone::server
