#include "lib/crypto/certificate.h"

#include <ctime>

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/crypto/openssl_handle.h"
#include "lib/crypto/sign.h"
#include "tests/crypto/hex_bytes.h"

namespace bmsg::crypto {
namespace {

using Input = Handle<BIO, BIO_free_all>;
using Certificate = Handle<X509, X509_free>;

constexpr std::string_view kSeed =
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";  // RFC 8032, 7.1.

// A self-signed certificate of a P-256 key; made with openssl-req(1).
constexpr std::string_view kCertificateOfAnotherKind =
    "3082016030820108a003020102020101300a06082a8648ce3d040302300f310d300b06035504030c04626d73"
    "673020170d3236313132323233353533315a180f32313236313032393233353533315a300f310d300b060355"
    "04030c04626d73673059301306072a8648ce3d020106082a8648ce3d0301070342000490f3a1e8e8989a9487"
    "45dc8aaff8e5c608ee2e0267331177157d402ae011843d5e4692d304a7961f5dfe5688f57f05e7717227c776"
    "d7585d7b8aec993238811ea3533051301d0603551d0e04160414029931508a14c47b4d55ae8f9a7417ff1b83"
    "4351301f0603551d23041830168014029931508a14c47b4d55ae8f9a7417ff1b834351300f0603551d130101"
    "ff040530030101ff300a06082a8648ce3d0403020346003043022015ea8ba818aff7157ad58bcecdb8831bdb"
    "6e5d146047c5781f4433ce7d57e55c021f54b8af445404de98b4cf165abec956e43772452a541e0116facb1c"
    "6f71443c";

Input input(std::string_view text) {
  return Input(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate parsed(const NodeCertificate& made) {
  return Certificate(
      PEM_read_bio_X509(input(made.certificate_pem).get(), nullptr, nullptr, nullptr));
}

KeyHandle private_key(const NodeCertificate& made) {
  return KeyHandle(PEM_read_bio_PrivateKey(input(as_text(made.private_key_pem.view())).get(),
                                           nullptr, nullptr, nullptr));
}

Bytes der(const Certificate& certificate) {
  Bytes bytes(static_cast<std::size_t>(i2d_X509(certificate.get(), nullptr)));
  unsigned char* at = bytes.data();
  i2d_X509(certificate.get(), &at);
  return bytes;
}

class NodeCertificates : public testing::Test {
 protected:
  NodeCertificate made = make_certificate(secret(kSeed)).value();
  Certificate certificate = parsed(made);
};

TEST_F(NodeCertificates, CarryTheKeyOfTheSeed) {
  ASSERT_NE(certificate, nullptr);
  const auto key = key_in_certificate(der(certificate));
  ASSERT_TRUE(key);
  EXPECT_EQ(to_hex(key->view()), to_hex(public_key_of(secret(kSeed)).view()));
}

TEST_F(NodeCertificates, ComeWithTheirPrivateKey) {
  const KeyHandle key = private_key(made);
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(X509_check_private_key(certificate.get(), key.get()), 1);
}

TEST_F(NodeCertificates, AreVersion3AndSignedByThemselves) {
  EXPECT_EQ(X509_get_version(certificate.get()), X509_VERSION_3);
  EXPECT_EQ(X509_verify(certificate.get(), X509_get0_pubkey(certificate.get())), 1);
}

TEST_F(NodeCertificates, AreValidFrom2000ForEver) {
  const auto seconds = [](const ASN1_TIME* time) {
    std::tm parts{};
    EXPECT_EQ(ASN1_TIME_to_tm(time, &parts), 1);
    return ::timegm(&parts);
  };
  EXPECT_EQ(seconds(X509_get0_notBefore(certificate.get())), 946'684'800);
  EXPECT_EQ(seconds(X509_get0_notAfter(certificate.get())), 253'402'300'799);  // The end of 9999.
}

TEST_F(NodeCertificates, AreTheSameEachTime) {
  EXPECT_EQ(make_certificate(secret(kSeed)).value().certificate_pem, made.certificate_pem);
}

TEST_F(NodeCertificates, AreReadWholeOrNotAtAll) {
  Bytes bytes = der(certificate);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(key_in_certificate(ByteView(bytes).first(size))) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(key_in_certificate(bytes));
  EXPECT_EQ(ERR_peek_error(), 0ul);
}

TEST(KeyInCertificate, IsNoneForAnotherKindOfKey) {
  const Bytes other = unhex(kCertificateOfAnotherKind);
  const unsigned char* at = other.data();
  const Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(other.size())));
  ASSERT_NE(certificate, nullptr);
  EXPECT_FALSE(key_in_certificate(other));
}

TEST(MakeCertificate, RefusesASeedOfAnotherLength) {
  const auto made = make_certificate(SecretBytes(31));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::bad_input);
}

}  // namespace
}  // namespace bmsg::crypto
