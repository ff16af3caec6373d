// SPDX-License-Identifier: Apache-2.0
#include "server/self_signed_certificate.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "server/hba_rules.hpp"
#include "server/scram.hpp"

namespace tickstone::server {
namespace {

constexpr long kValidSeconds = 10L * 365 * 24 * 3600;
constexpr long kClockSkewSeconds = 24L * 3600;

template <auto Free>
struct FreeBy {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeBy<X509_EXTENSION_free>>;
using Memory = std::unique_ptr<BIO, FreeBy<BIO_free>>;

void require(bool is_done) {
  if (!is_done) throw Error(ErrorCode::SystemError, "could not make a certificate");
}

void write_file(const std::filesystem::path& path, BIO* from, mode_t mode) {
  const auto fail = [&] {
    throw Error(ErrorCode::IoError,
                "could not write file \"" + path.string() + "\": " + std::strerror(errno));
  };
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(from, &bytes);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) fail();
  const bool is_written = ::write(file, bytes, static_cast<std::size_t>(size)) == size && ::fsync(file) == 0;
  ::close(file);
  if (!is_written) fail();
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

}  // namespace

void write_self_signed_certificate(const std::filesystem::path& certificate_file,
                                   const std::filesystem::path& key_file,
                                   const std::vector<std::string>& names) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  require(key != nullptr && certificate != nullptr && !names.empty());
  X509* made = certificate.get();
  require(X509_set_version(made, 2) == 1);
  std::int64_t number = 0;
  fill_random(&number, sizeof(number));
  require(ASN1_INTEGER_set_int64(X509_get_serialNumber(made), number & INT64_MAX) == 1);
  X509_gmtime_adj(X509_getm_notBefore(made), -kClockSkewSeconds);
  X509_gmtime_adj(X509_getm_notAfter(made), kValidSeconds);
  require(X509_set_pubkey(made, key.get()) == 1);
  X509_NAME* subject = X509_get_subject_name(made);
  require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(names.front().c_str()), -1, -1,
                                     0) == 1);
  require(X509_set_issuer_name(made, subject) == 1);
  std::string alternatives;
  for (const auto& name : names) {
    alternatives += alternatives.empty() ? "" : ",";
    alternatives += (parse_network_address(name) ? "IP:" : "DNS:") + name;
  }
  add_extension(made, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(made, NID_subject_key_identifier, "hash");
  add_extension(made, NID_subject_alt_name, alternatives);
  require(X509_sign(made, key.get(), EVP_sha256()) > 0);

  const Memory key_text(BIO_new(BIO_s_mem())), certificate_text(BIO_new(BIO_s_mem()));
  require(key_text != nullptr && certificate_text != nullptr);
  require(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  require(PEM_write_bio_X509(certificate_text.get(), made) == 1);
  write_file(key_file, key_text.get(), 0600);
  write_file(certificate_file, certificate_text.get(), 0644);
}

}  // namespace tickstone::server
