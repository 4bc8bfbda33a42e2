// The worked example of the formats: values that an independent model computed.
//
// Source: bmsg-format(5), "Worked example". Bytes are lower-case hex unless a name says otherwise.

#pragma once

#include <cstdint>
#include <string_view>

#include "lib/core/check.h"
#include "lib/core/hex.h"

namespace bmsg::golden {

// A chain on proof of work: its rules text, id and block 0.
inline constexpr std::string_view kGenesisText =
    "bmsg 1\n"
    "version 0\n"
    "name example\n"
    "mode pow\n"
    "access open\n"
    "time 1767225600\n"
    "interval 600\n"
    "halflife 7200\n"
    "floor 2000ffff\n"
    "maxblock 1048576\n"
    "maxmessage 65536\n"
    "maxttl 31536000\n"
    "stamp 16\n"
    "blobstamp 1\n";
inline constexpr std::string_view kChainId =
    "6d76747ce8bd0ad14caba203f0ddc05e6ab08546a544ec3628a2e62306708b8569ae9c053895f2c2d480dd1e"
    "f1934b347098a795c265b6010deab127055b70dd";
inline constexpr std::string_view kEmptyTree =
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2"
    "877eec2f63b931bd47417a81a538327af927da3e";
inline constexpr std::string_view kGenesisHeader =
    "626d483100000000000000006955b9002000ffff000000006d76747ce8bd0ad14caba203f0ddc05e6ab08546"
    "a544ec3628a2e62306708b856d76747ce8bd0ad14caba203f0ddc05e6ab08546a544ec3628a2e62306708b85"
    "69ae9c053895f2c2d480dd1ef1934b347098a795c265b6010deab127055b70ddcf83e1357eefb8bdf1542850"
    "d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81"
    "a538327af927da3ecf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c"
    "5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e0000000000000000";
inline constexpr std::string_view kGenesisId =
    "561c0e3739819b44ed9587a8e429db4ba24229216274c74a3530a314158103e485376241d997149c11935907"
    "8b1e8e347a424aa58f988d70e0f7a9f71d5a6a1b";

// Identities: seed, public key, address, words to read aloud. Bob's seed is 32 bytes of 02.
inline constexpr std::string_view kAliceSeed =
    "0101010101010101010101010101010101010101010101010101010101010101";
inline constexpr std::string_view kAliceKey =
    "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
inline constexpr std::string_view kAliceAddress =
    "bmsg132yw8ht5p8cetl2jmvknewjawt9xwzdlrk2pyxlnwjyqrdq0dawqguumee";
inline constexpr std::string_view kAliceWords = "zuvof-suvot-parof-lifub-nafot-mibuv-hotoz-rokor";
inline constexpr std::string_view kBobKey =
    "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394";
inline constexpr std::string_view kBobWords = "sifur-zonit-fomov-vatij-lopol-gonaj-luvob-zoguv";

// Bob's prekey, derived from the ikm as RFC 9180 does, and his card: public, ttl 28 days.
inline constexpr std::string_view kBobPrekeyIkm =
    "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0";
inline constexpr std::string_view kBobPrekeySecret =
    "fff5ea2c6a07cbacc24797b224a2748d8ec63e28742fda2dff2957612fe5bc3c";
inline constexpr std::string_view kBobPrekey =
    "ca25529f068cf7200982ff6c16f36a4e6df23cfcee649db1a665821468b62361";
inline constexpr std::string_view kCardHead =
    "626d4d31000000006d76747ce8bd0ad1000000006955b93c0024ea00000000abb28d9e87a3318fe456d1422c"
    "ea7f529f44a720378403ec049546367c7aa62d4e80b637dc246fc969285c970c751473a0653751ff421ff3da"
    "b58ae77dc3ab777a";
inline constexpr std::string_view kCardBody =
    "010001010200208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3940300010004"
    "00080000000000000001080003626f620b002101ca25529f068cf7200982ff6c16f36a4e6df23cfcee649db1"
    "a665821468b623610c000500000000007f00402647891a5f35b99dfceff0804258c02d83fd2110d107c0671a"
    "e5d9e28d8f2905cacc1507fd6b7283f0d6a522338e388651e5b21fbb64544d81910f4dfbd85e04";
inline constexpr std::string_view kCardId =
    "e400cb63cc5e222cf49a774a7934be409571f694d37d0d842307cf812358da108c886049cc282e9c15e3f3b6"
    "dfcf78eb0c9629bc475dd0c75f0b9d28a6243e35";
inline constexpr std::uint64_t kCardNonce = 30015;

// A public post of Alice: topic "news", ttl 30 days, "hello, chain".
inline constexpr std::string_view kPostHead =
    "626d4d31000000006d76747ce8bd0ad16e6577736955b93c00278d0000000084dff73ad61c832611eadbd3c8"
    "e2bbf6207d3a2a28ba2dc80a2bda63b8179fb80e54d176db039aafc8d621d7ea7875b3d2fde47e44e000d28e"
    "da88709b736dcb34";
inline constexpr std::string_view kPostBody =
    "010001000200208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c0400080000"
    "00000000000109000c68656c6c6f2c20636861696e7f0040d108b1d7a85d64ee6f10be42a2b0bec5cb4e508c"
    "c54802e415360743f717ff6b93c1a430f9b60ef6d44f140792c2451707c7f9b276d9d8cad87633fb57120400";
inline constexpr std::string_view kPostId =
    "e4e56c3b144faf4a4f99c733bac2f13332a29073154ecfa0f2c9c0bfa3c6cef2763a8c35e26ec512aa977846"
    "1477ff1455c02b0a5ad3a59d112aae13244522ca";
inline constexpr std::uint64_t kPostNonce = 43943;
inline constexpr std::uint64_t kPostSize = 236;

// Sealed by Alice to Bob's prekey: "attack at dawn". th is the hash of head and slots; plain the
// records.
inline constexpr std::string_view kSealEphemeralIkm =
    "e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0";
inline constexpr std::string_view kSealEnc =
    "84d7684d28e9c01300915d8d1f7ac7131bf513ffb02a89aa1d1c9d2466546235";
inline constexpr std::string_view kSealContentKey =
    "4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b";
inline constexpr std::string_view kSealHead =
    "626d4d31010000506d76747ce8bd0ad1000000006955b93c00278d000000013084d7684d28e9c01300915d8d"
    "1f7ac7131bf513ffb02a89aa1d1c9d2466546235626cff24d677f705dbc1ae754f0375447a515f832d0a3c97"
    "2c15200984fd73ba948890c743d2245b85f5d3668ce9093339c68e42b371222e2a916924c9953202a99bc5e1"
    "7c27d68750966bab563cb371dae3dd9e8668f49e62b288efe3d6cf7c15f56af6aa0de5b5273a12c12996c8b0";
inline constexpr std::string_view kSealBody =
    "18d3235fcfb4d6a40a5837300361b80f14036fad3133a1e9866e6cca159c9b12238ac02f9bf686c63a8aaa41"
    "09cc28d6587f14cc7909792d3e08a409003dc8d5adbc5565a3486efb7274e43b1bc6609da2f4f40ac9319920"
    "fec4eaa3341fcbf7501c32b614fa3c25906f0e832692f0469992d1f1a3b1503b5236ac4ec68febfffb57f387"
    "7e1b2980e12b97b28cb2b547b910567a85ccffba29d1650e273de073158820b9f9474bbcb2364d221fecca28"
    "be02e9d629b468ef2f12ee455980944545066a1c3c934365817c5c7e62a18a38c495a940864fdf233e09e250"
    "8cabbc6808d260c147184716ca7337590772e1960f310bb3759969b1289c8abbbc67ae34bc02712a0274e24a"
    "d553d5f3bdccc9b7a05711e97108618b2f3f90b35b359a216a83a1755408afb85586b5301cd46de4";
inline constexpr std::string_view kSealId =
    "1d443f110c8f3022474a6199d811fb442e5a86333468fc71017756946c4657ec1451115fa30782a31d69878f"
    "dbbd11271075328f0d2aba5579eb4b506f5e9cd2";
inline constexpr std::uint64_t kSealNonce = 131272;
inline constexpr std::uint64_t kSealSize = 488;
inline constexpr std::string_view kSealTh =
    "856cbbdfb9c35b81745a925882bbee795cbaa2eb3bfe6edfaacfb7df62290541c77231dcc89e5a5762c6087b"
    "ec329a863fa10a109526f36fb0f591751f1d59da";
inline constexpr std::string_view kSealPlain =
    "010001000200208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c0400080000"
    "00000000000209000e61747461636b206174206461776e7f0040dcd405f4eb0ca6954580227d8cbf23d31af1"
    "7a49e92bb99cbf5e6e96c1919789dfae423a6e9b5f7216e0e27eaaad1e9e566423d21918fbe9bdebdb342517"
    "190d";

// The same sealed to three (prekeys of ikm c0 and c1 of Bob, c2 of Alice), and to a secp256k1
// key.
inline constexpr std::string_view kSeal3Id =
    "f89b1fccf5057e71de5de87f3064dbf60a6c8490f94c7110c8270ba07e032210c25b569bc3f4b3ea8753d52c"
    "4dc2f0fa9edfcefa97525a6c143713f538fa9dd1";
inline constexpr std::uint64_t kSeal3Size = 584;
inline constexpr std::string_view kSeal2RecipientIkm =
    "7070707070707070707070707070707070707070707070707070707070707070";
inline constexpr std::string_view kSeal2EphemeralIkm =
    "7171717171717171717171717171717171717171717171717171717171717171";
inline constexpr std::string_view kSeal2Id =
    "e8b570bb6c9b666e18d6df8e1005fce730be67be5ca4cd9ccb44ad3f39524103b03aea50f2bef9733bf1932a"
    "85f13e3dcc505a031ad5e362713bd2bf59c5f39b";
inline constexpr std::uint64_t kSeal2Size = 521;

// Block 1 holds the sealed message, the card and the post; block 2 is empty.
inline constexpr std::string_view kBlock1Root =
    "f07ec892583b8988ac2c4e4c0ec9fac6749735613e0a445539cb5562c2bcc97b95086b6881ef4c4748eedba6"
    "21bb2b28a5323328a568402c064a142ffe1a8790";
inline constexpr std::string_view kBlock1Past =
    "a7cbfc4459a53e3b2aa153f86f45a85896602a3a40733a38f4e558750cdb7a220701fb6835ce53333ff2388f"
    "98a68a1e3fe9a82f550263471e2fa2af97a030b5";
inline constexpr std::string_view kBlock1Bits = "2000f3fc";
inline constexpr std::uint64_t kBlock1Nonce = 322;
inline constexpr std::string_view kBlock1Header =
    "626d483100000001000000006955b9642000f3fc000000036d76747ce8bd0ad14caba203f0ddc05e6ab08546"
    "a544ec3628a2e62306708b85561c0e3739819b44ed9587a8e429db4ba24229216274c74a3530a314158103e4"
    "85376241d997149c119359078b1e8e347a424aa58f988d70e0f7a9f71d5a6a1bf07ec892583b8988ac2c4e4c"
    "0ec9fac6749735613e0a445539cb5562c2bcc97b95086b6881ef4c4748eedba621bb2b28a5323328a568402c"
    "064a142ffe1a8790a7cbfc4459a53e3b2aa153f86f45a85896602a3a40733a38f4e558750cdb7a220701fb68"
    "35ce53333ff2388f98a68a1e3fe9a82f550263471e2fa2af97a030b50000000000000142";
inline constexpr std::string_view kBlock1Id =
    "00c969dd0c23b19abdef343942969d042a566df8246101f02691d64876c602046520c2464e9caef8f9637940"
    "b2cd4183fa9ebd5ebfa0b090c92477441f52c7b4";
inline constexpr std::uint64_t kBlock1Work = 268;
inline constexpr std::string_view kBlock2Header =
    "626d483100000002000000006955bc202000f65a000000006d76747ce8bd0ad14caba203f0ddc05e6ab08546"
    "a544ec3628a2e62306708b8500c969dd0c23b19abdef343942969d042a566df8246101f02691d64876c60204"
    "6520c2464e9caef8f9637940b2cd4183fa9ebd5ebfa0b090c92477441f52c7b4cf83e1357eefb8bdf1542850"
    "d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81"
    "a538327af927da3e45771e8828e6df048a482a0d90bf768a2a2fdedd0ece477178d18f9038fe41e1c399de4d"
    "40202a294604847fa7b2a50aec5cd0574978028f634d7478abf1d7f80000000000000082";
inline constexpr std::string_view kBlock2Id =
    "0018e0644084c2614b2acb552620a08214711096065ded33383dcd3119505a75f24161775ebeef12c943bb7b"
    "5ca6023e866bbd68db3d7d674133f3d980f650e0";
inline constexpr std::uint64_t kReceiptIndex = 0;
inline constexpr std::string_view kReceiptPath[] = {
    "cbc3bf417dc0a3f801d8546c1aa369c3f47ccbf6ad54cd837dc2caf58238ce1079469308fac7cf9749653b14"
    "40549efda9142385014249ae0f6671d93f45bfe3",
    "90cd3070288218762a6a9d88270812a38f6dcf5b0251fe6c38634d083ec08375da91ee4475fd7f7036a6984b"
    "716a3ef8d78ae040ed96892cfe779d64e8c6ed80"};

// A room of ikm 33, its topic on the day of the messages, and the sealed text posted to it.
inline constexpr std::string_view kRoomIkm =
    "3333333333333333333333333333333333333333333333333333333333333333";
inline constexpr std::string_view kRoomSecretKey =
    "ad0fcd82a8637d4f7f7065a50fc451c2865925a5b3a5b3bbe85d8ef5d19ab932";
inline constexpr std::string_view kRoomKey =
    "a04588b74683334f6e7670db45cca1288fc2c1499d78715d9456f5d99261a823";
inline constexpr std::string_view kRoomTopic = "48c5f633";
inline constexpr std::string_view kSealRoomId =
    "4319edcd614e2858c32f22245f3467b20a6bd90d4ba527f749f98028484ddf140aef25423e7af42cb779db57"
    "4543564e2081787d3828f577dfc2a62b0a7eafcb";

// Statements of revocation and succession; a keyring (log2N 10, "correct horse", {"v":1}).
inline constexpr std::string_view kRevokeAlice =
    "ff8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c0000000000000000000000"
    "000000000000000000000000000000000000000000fbbbc6dc301ca07e79fa712876de5db692f12579db4601"
    "778999b9327ca0d9091e5b45123d624a092e908893d6731685a9d7fba05f90afb64ab7d2c9db139102000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000";
inline constexpr std::string_view kSucceedAliceBob =
    "ff8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c8139770ea87d175f56a354"
    "66c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3942f21b58ddceefc1c24a43bb18ac602ff750897637f8955"
    "9241716c99b5a0a8e24de06457ce35b1a36ef59d1417fe6297c24d544e2212274c4b6622195d9cbd07357804"
    "2d4f7cc3c2d6ac563db0cdbe34ff8d67315a800456ce0d4a55cb031fae185e9f37f70f00afbf1a1823dd612e"
    "8165384d19ec9d98e763d29c1b67108707";
inline constexpr std::string_view kKeyring =
    "626d4b310a0801005a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a07d1bed5"
    "46ca6792c5549f93dc086dcdfa7dd4968e650be4d7ea01c2ed796801f2cab07427bc89e91440782e1a285422"
    "09e7354f30fd1b";

// A chain sealed by 2 of 3 endorsers, with seeds of 11, 12 and 13; its block 1 has time
// 1767226000.
inline constexpr std::string_view kEndorseGenesisText =
    "bmsg 1\n"
    "version 0\n"
    "name board\n"
    "mode endorse\n"
    "access members\n"
    "time 1767225600\n"
    "interval 600\n"
    "maxblock 1048576\n"
    "maxmessage 65536\n"
    "maxttl 315360000\n"
    "stamp 0\n"
    "blobstamp 0\n"
    "endorse 2\n"
    "endorser d04ab232742bb4ab3a1368bd4615e4e6d0224ab71a016baf8520a332c9778737\n"
    "endorser 204040e364c10f2bec9c1fe500a1cd4c247c89d650a01ed7e82caba867877c21\n"
    "endorser 66cd608b928b88e50e0efeaa33faf1c43cefe07294b0b87e9fe0aba6a3cf7633\n";
inline constexpr std::string_view kEndorseChainId =
    "4db16181f6192209a7d55e8fcce6b6a341bb59497c520f6fc09f1f4f26e12dcea24eacc05d0972603acd1236"
    "428cd4878b4a56d9a1a5a322c7c05c13e10306b8";
inline constexpr std::string_view kEndorseGenesisId =
    "b174b4df0d6caf4d25e10fd8daac72d748e4e44c5dfe4be5b43781a85f4ddb01cef136a2c037b626aad9d8fd"
    "3f4fa80c4994be7f59d87f2192091851a40d3979";
inline constexpr std::string_view kEndorseBlock1Id =
    "58cb221c3d7906be72c0ea529cfb34c724ba8a2c838e0b74a67e9f3ea037a3b2aa4a0529b506b7337ca904e4"
    "ad58e47a4450701d8ebb6d112256a76df96c731f";
inline constexpr std::string_view kEndorseSeal =
    "02005ff8f655ea0c24cb7bf77b45c75e7eff3d098d7fa35195c1136ecccb31b8050157503cb8e0cd3ccf28a6"
    "7356a15a22b107ec958a137febbb8b8ec3ebda2c690702162b552859580f879ae12151987804585a79a434ca"
    "f3079e3005b9b5f83fd7762c09c39f11c11eac4705f45ec2903c32398071bfd36d4ca69cd6ef7ee98dc402";

inline constexpr std::uint32_t kMessageTime = 1767225660;  // Of every message above.

/// Padded lengths of plaintexts.
struct PaddedLength {
  std::size_t length;
  std::size_t padded;
};
inline constexpr PaddedLength kPaddedLengths[] = {{1, 256},     {256, 256},   {257, 272},
                                                  {300, 304},   {1000, 1024}, {1025, 1088},
                                                  {4096, 4096}, {5000, 5120}, {65000, 65536}};

/// The target needed `seconds` after a block with `bits`, for interval 600, halflife 7200 and floor
/// 1e00ffff.
struct ScheduleStep {
  std::uint32_t bits;
  std::int64_t seconds;
  std::uint32_t needed;
};
inline constexpr ScheduleStep kSchedule[] = {
    {0x1e00ffff, 600, 0x1e00ffff},       {0x1e00ffff, 1, 0x1e00f1ad},
    {0x1d7fff00, 600, 0x1d7fff00},       {0x1d7fff00, 1, 0x1d78d60e},
    {0x1d7fff00, 7800, 0x1e00fffe},      {0x1d7fff00, 86400, 0x1e00ffff},
    {0x1c123456, 301, 0x1c11b06c},       {0x1b00ffff, 1, 0x1b00f1ad},
    {0x1b00ffff, 1000000000, 0x1e00ffff}};

/// Hashes that a stamp must stand for.
struct StampNeeded {
  std::uint32_t rate;
  std::uint32_t bytes;
  std::uint32_t ttl;
  std::uint64_t hashes;
};
inline constexpr StampNeeded kStampNeeded[] = {{16, 408, 2592000, 195840},
                                               {16, 65536, 86401, 2097152}};

/// The bytes of a hex constant above.
inline Bytes bytes(std::string_view hex) {
  auto read = from_hex(hex);
  check(read.has_value(), "a golden value that is not hex");
  return *read;
}

/// The same as a value of fixed size: fixed<MessageId>(kPostId).
template <class Fixed>
Fixed fixed(std::string_view hex) {
  return Fixed::from(bytes(hex));
}

}  // namespace bmsg::golden
