#include "lib/crypto/certificate.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/crypto/openssl_key.h"

namespace bmsg::crypto {
namespace {

using Certificate = Handle<X509, X509_free>;
using Output = Handle<BIO, BIO_free_all>;

/// Names and dates are fixed, so the certificate of a node key is the same at each start.
bool fill(X509* certificate, EVP_PKEY* key) {
  static const unsigned char kName[] = "bmsg";
  X509_NAME* const name = X509_get_subject_name(certificate);
  return X509_set_version(certificate, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, kName, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 &&
         ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20000101000000Z") == 1 &&
         ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") == 1 &&
         X509_set_pubkey(certificate, key) == 1 && X509_sign(certificate, key, nullptr) > 0;
}

/// What was written to `output`. It wipes its own copy when it is freed.
ByteView written_to(const Output& output) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(output.get(), &text);
  return as_bytes(std::string_view(text, static_cast<std::size_t>(size)));
}

}  // namespace

Result<NodeCertificate> make_certificate(const SecretBytes& node_seed) {
  const QuietErrors quiet;
  const KeyHandle key = private_key_from(EVP_PKEY_ED25519, node_seed.view(), nullptr);
  if (key == nullptr) return Error{Errc::bad_input, "a node key has 32 bytes"};

  const Certificate certificate(X509_new());
  const Output public_part(BIO_new(BIO_s_mem()));
  const Output private_part(BIO_new(BIO_s_mem()));
  const bool made = certificate != nullptr && public_part != nullptr && private_part != nullptr &&
                    fill(certificate.get(), key.get()) &&
                    PEM_write_bio_X509(public_part.get(), certificate.get()) == 1 &&
                    PEM_write_bio_PrivateKey(private_part.get(), key.get(), nullptr, nullptr, 0,
                                             nullptr, nullptr) == 1;
  if (!made) return Error{Errc::no_resource, "OpenSSL makes no certificate"};
  return NodeCertificate{.certificate_pem = to_string(written_to(public_part)),
                         .private_key_pem = SecretBytes::from(written_to(private_part))};
}

std::optional<NodeKey> key_in_certificate(ByteView certificate_der) {
  const QuietErrors quiet;
  const unsigned char* at = certificate_der.data();
  const Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(certificate_der.size())));
  if (certificate == nullptr) return std::nullopt;
  if (at != certificate_der.data() + certificate_der.size()) return std::nullopt;
  const EVP_PKEY* const key = X509_get0_pubkey(certificate.get());
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) return std::nullopt;
  return NodeKey::from(raw_public_key(key));
}

}  // namespace bmsg::crypto
