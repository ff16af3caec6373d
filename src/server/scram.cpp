// SPDX-License-Identifier: Apache-2.0
#include "server/scram.hpp"

#include <charconv>
#include <cstdlib>

#include <gsasl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <tickstone/error.hpp>

namespace tickstone::server {
namespace {

constexpr int kIterations = 4096;
constexpr int kMaxIterations = 10'000'000;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kNonceBytes = 18;
constexpr std::string_view kPrefix = "SCRAM-SHA-256$";

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string to_base64(const unsigned char* data, std::size_t size) {
  std::string out((size + 2) / 3 * 4 + 1, '\0');
  const int written =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), data, static_cast<int>(size));
  out.resize(static_cast<std::size_t>(written));
  return out;
}

std::optional<std::vector<unsigned char>> from_base64(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > 4096) return std::nullopt;
  std::vector<unsigned char> out(text.size() / 4 * 3 + 1);
  if (text.empty()) return std::vector<unsigned char>{};
  // OpenSSL takes spaces and stray '=': only the alphabet may pass.
  std::size_t padding = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_letter =
        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    if (c == '=' && i + 2 >= text.size()) {
      ++padding;
    } else if (!is_letter || padding > 0) {
      return std::nullopt;
    }
  }
  const int size = EVP_DecodeBlock(out.data(), bytes_of(text), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

ScramKey hmac(const unsigned char* key, std::size_t key_size, std::string_view text) {
  ScramKey out;
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key, static_cast<int>(key_size), bytes_of(text), text.size(), out.data(), &size) ==
      nullptr) {
    throw Error(ErrorCode::SystemError, "could not compute an HMAC");
  }
  return out;
}

ScramKey hmac(const ScramKey& key, std::string_view text) { return hmac(key.data(), key.size(), text); }

ScramKey sha256(const ScramKey& key) {
  ScramKey out;
  SHA256(key.data(), key.size(), out.data());
  return out;
}

/// RFC 4013; a password that it refuses is used as it is, as PostgreSQL does.
std::string prepare_password(std::string_view password) {
  char* prepared = nullptr;
  int problem = 0;
  const std::string text(password);
  if (gsasl_saslprep(text.c_str(), static_cast<Gsasl_saslprep_flags>(0), &prepared, &problem) != GSASL_OK ||
      prepared == nullptr) {
    return text;
  }
  std::string out(prepared);
  gsasl_free(prepared);
  return out.empty() ? text : out;
}

ScramVerifier derive(std::string_view password, std::vector<unsigned char> salt, int iterations) {
  const auto prepared = prepare_password(password);
  ScramKey salted;
  if (PKCS5_PBKDF2_HMAC(prepared.data(), static_cast<int>(prepared.size()), salt.data(),
                        static_cast<int>(salt.size()), iterations, EVP_sha256(),
                        static_cast<int>(salted.size()), salted.data()) != 1) {
    throw Error(ErrorCode::SystemError, "could not derive a key from the password");
  }
  ScramVerifier verifier;
  verifier.iterations = iterations;
  verifier.salt = std::move(salt);
  verifier.stored_key = sha256(hmac(salted, "Client Key"));
  verifier.server_key = hmac(salted, "Server Key");
  return verifier;
}

[[noreturn]] void fail_malformed(const std::string& detail) {
  throw Error(ErrorCode::ProtocolViolation, "malformed SCRAM message", detail).damaging(Damage::Session);
}

/// The value of the attribute that `rest` begins with, which must be `name`; reads past it and its comma.
std::string_view take_attribute(std::string_view& rest, char name) {
  if (rest.size() < 2 || rest[0] != name || rest[1] != '=') {
    fail_malformed(std::string("Expected attribute \"") + name + "\".");
  }
  const auto end = rest.find(',');
  const auto value = rest.substr(2, end == std::string_view::npos ? end : end - 2);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return value;
}

bool is_printable_nonce(std::string_view nonce) {
  for (const char c : nonce) {
    if (c < 0x21 || c > 0x7E || c == ',') return false;
  }
  return !nonce.empty();
}

}  // namespace

void fill_random(void* data, std::size_t size) {
  if (RAND_bytes(static_cast<unsigned char*>(data), static_cast<int>(size)) != 1) {
    throw Error(ErrorCode::SystemError, "could not generate random bytes");
  }
}

bool is_password_of(const ScramVerifier& verifier, std::string_view password) {
  return derive(password, verifier.salt, verifier.iterations).stored_key == verifier.stored_key;
}

std::string make_scram_verifier(std::string_view password) {
  if (parse_scram_verifier(password)) return std::string(password);
  std::vector<unsigned char> salt(kSaltBytes);
  fill_random(salt.data(), salt.size());
  const auto verifier = derive(password, std::move(salt), kIterations);
  return std::string(kPrefix) + std::to_string(verifier.iterations) + ":" +
         to_base64(verifier.salt.data(), verifier.salt.size()) + "$" +
         to_base64(verifier.stored_key.data(), verifier.stored_key.size()) + ":" +
         to_base64(verifier.server_key.data(), verifier.server_key.size());
}

std::optional<ScramVerifier> parse_scram_verifier(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  const auto colon = text.find(':');
  const auto dollar = text.find('$');
  if (colon == std::string_view::npos || dollar == std::string_view::npos || dollar < colon)
    return std::nullopt;
  const auto keys = text.substr(dollar + 1);
  const auto key_colon = keys.find(':');
  if (key_colon == std::string_view::npos) return std::nullopt;

  ScramVerifier verifier;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + colon, verifier.iterations);
  if (problem != std::errc{} || end != text.data() + colon || verifier.iterations < 1 ||
      verifier.iterations > kMaxIterations) {
    return std::nullopt;
  }
  const auto salt = from_base64(text.substr(colon + 1, dollar - colon - 1));
  const auto stored_key = from_base64(keys.substr(0, key_colon));
  const auto server_key = from_base64(keys.substr(key_colon + 1));
  if (!salt || salt->empty() || !stored_key || !server_key ||
      stored_key->size() != verifier.stored_key.size() || server_key->size() != verifier.server_key.size()) {
    return std::nullopt;
  }
  verifier.salt = *salt;
  std::copy(stored_key->begin(), stored_key->end(), verifier.stored_key.begin());
  std::copy(server_key->begin(), server_key->end(), verifier.server_key.begin());
  return verifier;
}

ScramVerifier make_mock_verifier(std::string_view user, const ScramKey& secret) {
  ScramVerifier verifier;
  verifier.iterations = kIterations;
  const auto salt = hmac(secret, user);
  verifier.salt.assign(salt.begin(), salt.begin() + kSaltBytes);
  // Keys that nobody has derived from any password.
  fill_random(verifier.stored_key.data(), verifier.stored_key.size());
  fill_random(verifier.server_key.data(), verifier.server_key.size());
  return verifier;
}

ScramExchange::ScramExchange(ScramVerifier verifier, ScramChannel channel)
    : verifier_(std::move(verifier)), channel_(std::move(channel)) {
  std::array<unsigned char, kNonceBytes> nonce;
  fill_random(nonce.data(), nonce.size());
  server_nonce_ = to_base64(nonce.data(), nonce.size());
}

ScramExchange::ScramExchange(ScramVerifier verifier, std::string server_nonce, ScramChannel channel)
    : verifier_(std::move(verifier)), channel_(std::move(channel)), server_nonce_(std::move(server_nonce)) {}

/// Reads past the flag and its comma.
void ScramExchange::check_binding_flag(std::string_view& rest) {
  switch (rest[0]) {
    case 'n':
    case 'y':
      if (channel_.is_bound) {
        fail_malformed(
            "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding "
            "data.");
      }
      // Someone in between may have taken the other mechanism off the list.
      if (rest[0] == 'y' && !channel_.binding.empty()) {
        throw Error(
            ErrorCode::InvalidAuthorization, "SCRAM channel binding negotiation error",
            "The client supports SCRAM channel binding but thinks the server does not.  However, this "
            "server does support channel binding.")
            .damaging(Damage::Session);
      }
      if (rest.size() < 2 || rest[1] != ',') fail_malformed("Comma expected.");
      rest.remove_prefix(2);
      return;
    case 'p': {
      if (!channel_.is_bound) {
        fail_malformed(
            "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes "
            "channel "
            "binding data.");
      }
      const auto kind = take_attribute(rest, 'p');
      if (kind == "tls-server-end-point") return;
      throw Error(ErrorCode::ProtocolViolation,
                  "unsupported SCRAM channel-binding type \"" + std::string(kind) + "\"")
          .damaging(Damage::Session);
    }
    default:
      fail_malformed("Unexpected channel-binding flag.");
  }
}

std::string ScramExchange::first(std::string_view client_first) {
  if (client_first.empty()) fail_malformed("The message is empty.");
  if (client_first.find('\0') != std::string_view::npos)
    fail_malformed("Message length does not match input length.");
  auto rest = client_first;
  check_binding_flag(rest);
  if (rest.starts_with('a')) {
    throw Error(ErrorCode::FeatureNotSupported, "client uses authorization identity, but it is not supported")
        .damaging(Damage::Session);
  }
  if (!rest.starts_with(',')) fail_malformed("Unexpected attribute in client-first-message.");
  rest.remove_prefix(1);
  gs2_header_ = client_first.substr(0, client_first.size() - rest.size());
  client_first_bare_ = rest;
  if (rest.starts_with("m=")) {
    throw Error(ErrorCode::FeatureNotSupported, "client requires an unsupported SCRAM extension")
        .damaging(Damage::Session);
  }
  take_attribute(rest, 'n');  // the startup packet has named the user
  const auto client_nonce = take_attribute(rest, 'r');
  if (!is_printable_nonce(client_nonce)) fail_malformed("Non-printable characters in SCRAM nonce.");
  nonce_ = std::string(client_nonce) + server_nonce_;
  server_first_ = "r=" + nonce_ + ",s=" + to_base64(verifier_.salt.data(), verifier_.salt.size()) +
                  ",i=" + std::to_string(verifier_.iterations);
  return server_first_;
}

std::optional<std::string> ScramExchange::last(std::string_view client_final) {
  auto rest = client_final;
  const auto binding = take_attribute(rest, 'c');
  const auto expected = gs2_header_ + (channel_.is_bound ? channel_.binding : std::string());
  if (binding != to_base64(bytes_of(expected), expected.size())) {
    if (channel_.is_bound) {
      throw Error(ErrorCode::InvalidAuthorization, "SCRAM channel binding check failed")
          .damaging(Damage::Session);
    }
    throw Error(ErrorCode::ProtocolViolation,
                "unexpected SCRAM channel-binding attribute in client-final-message")
        .damaging(Damage::Session);
  }
  if (take_attribute(rest, 'r') != nonce_) {
    throw Error(ErrorCode::ProtocolViolation, "invalid SCRAM response", "Nonce does not match.")
        .damaging(Damage::Session);
  }
  // Extensions may stand before the proof, which is always last.
  const auto proof_at = client_final.rfind(",p=");
  if (proof_at == std::string_view::npos) fail_malformed("Expected attribute \"p\".");
  const auto proof = from_base64(client_final.substr(proof_at + 3));
  if (!proof || proof->size() != verifier_.stored_key.size())
    fail_malformed("Malformed proof in client-final-message.");

  const auto message =
      client_first_bare_ + "," + server_first_ + "," + std::string(client_final.substr(0, proof_at));
  auto client_key = hmac(verifier_.stored_key, message);
  for (std::size_t i = 0; i < client_key.size(); ++i) client_key[i] ^= (*proof)[i];
  const auto stored_key = sha256(client_key);
  if (CRYPTO_memcmp(stored_key.data(), verifier_.stored_key.data(), stored_key.size()) != 0)
    return std::nullopt;
  const auto signature = hmac(verifier_.server_key, message);
  return "v=" + to_base64(signature.data(), signature.size());
}

}  // namespace tickstone::server
