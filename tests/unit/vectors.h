/* SPDX-License-Identifier: BSD-3-Clause */
/* Known answers of the specification: ethereum/devp2p, discv5/discv5-wire-test-vectors.md and enr.md. Everything that
 * is not a number is a hex string (test_hex decodes it), but for the record's text form. */
#pragma once

/* The two nodes of the packet vectors. */
#define VEC_NODE_A_KEY "eef77acb6c6a6eebc5b363a475ac583ec7eccdb42b6481424c60f59aa326547f"
#define VEC_NODE_B_KEY "66fb62bfbd66b9177a138c1e5cddbe4f7c30c343e94e68df8769459cb1cde628"
#define VEC_NODE_A_ID  "aaaa8419e9f49d0083561b48287df592939a8d19947d8c0ef88f2a4856a69fbb"
#define VEC_NODE_B_ID  "bbbb9d047f0488c0b5a93c1c3f2d8bafc7c8ff337024a55434a0d0555de64db9"

/* Packet Encodings: "Ping message packet (flag 0)". */
#define VEC_MESSAGE_FLAG         0
#define VEC_MESSAGE_NONCE        "ffffffffffffffffffffffff"
#define VEC_MESSAGE_READ_KEY     "00000000000000000000000000000000"
#define VEC_MESSAGE_PING_REQ_ID  "00000001"
#define VEC_MESSAGE_PING_ENR_SEQ 2
#define VEC_MESSAGE_PACKET                                                                                             \
    "00000000000000000000000000000000088b3d4342774649325f313964a39e55ea96c005ad52be8c7560413a7008f16c9e6d2f43"         \
    "bbea8814a546b7409ce783d34c4f53245d08dab84102ed931f66d1492acb308fa1c6715b9d139b81acbdcc"

/* Packet Encodings: "WHOAREYOU packet (flag 1)". */
#define VEC_WHOAREYOU_FLAG 1
#define VEC_WHOAREYOU_CHALLENGE_DATA                                                                                   \
    "000000000000000000000000000000006469736376350001010102030405060708090a0b0c00180102030405060708090a0b0c0d"         \
    "0e0f100000000000000000"
#define VEC_WHOAREYOU_REQUEST_NONCE "0102030405060708090a0b0c"
#define VEC_WHOAREYOU_ID_NONCE      "0102030405060708090a0b0c0d0e0f10"
#define VEC_WHOAREYOU_ENR_SEQ       0
#define VEC_WHOAREYOU_PACKET                                                                                           \
    "00000000000000000000000000000000088b3d434277464933a1ccc59f5967ad1d6035f15e528627dde75cd68292f9e6c27d6b66"         \
    "c8100a873fcbaed4e16b8d"

/* Packet Encodings: "Ping handshake packet (flag 2)": the challenge knows record seq 1, so none is sent. */
#define VEC_HANDSHAKE_FLAG         2
#define VEC_HANDSHAKE_NONCE        "ffffffffffffffffffffffff"
#define VEC_HANDSHAKE_READ_KEY     "4f9fac6de7567d1e3b1241dffe90f662"
#define VEC_HANDSHAKE_PING_REQ_ID  "00000001"
#define VEC_HANDSHAKE_PING_ENR_SEQ 1
#define VEC_HANDSHAKE_CHALLENGE_DATA                                                                                   \
    "000000000000000000000000000000006469736376350001010102030405060708090a0b0c00180102030405060708090a0b0c0d"         \
    "0e0f100000000000000001"
#define VEC_HANDSHAKE_REQUEST_NONCE    "0102030405060708090a0b0c"
#define VEC_HANDSHAKE_ID_NONCE         "0102030405060708090a0b0c0d0e0f10"
#define VEC_HANDSHAKE_ENR_SEQ          1
#define VEC_HANDSHAKE_EPHEMERAL_KEY    "0288ef00023598499cb6c940146d050d2b1fb914198c327f76aad590bead68b6"
#define VEC_HANDSHAKE_EPHEMERAL_PUBKEY "039a003ba6517b473fa0cd74aefe99dadfdb34627f90fec6362df85803908f53a5"
#define VEC_HANDSHAKE_PACKET                                                                                           \
    "00000000000000000000000000000000088b3d4342774649305f313964a39e55ea96c005ad521d8c7560413a7008f16c9e6d2f43"         \
    "bbea8814a546b7409ce783d34c4f53245d08da4bb252012b2cba3f4f374a90a75cff91f142fa9be3e0a5f3ef268ccb9065aeecfd"         \
    "67a999e7fdc137e062b2ec4a0eb92947f0d9a74bfbf44dfba776b21301f8b65efd5796706adff216ab862a9186875f9494150c4a"         \
    "e06fa4d1f0396c93f215fa4ef524f1eadf5f0f4126b79336671cbcf7a885b1f8bd2a5d839cf8"

/* Packet Encodings: "Ping handshake message packet (flag 2, with ENR)": the challenge knows none. */
#define VEC_HANDSHAKE_WITH_ENR_FLAG         2
#define VEC_HANDSHAKE_WITH_ENR_NONCE        "ffffffffffffffffffffffff"
#define VEC_HANDSHAKE_WITH_ENR_READ_KEY     "53b1c075f41876423154e157470c2f48"
#define VEC_HANDSHAKE_WITH_ENR_PING_REQ_ID  "00000001"
#define VEC_HANDSHAKE_WITH_ENR_PING_ENR_SEQ 1
#define VEC_HANDSHAKE_WITH_ENR_CHALLENGE_DATA                                                                          \
    "000000000000000000000000000000006469736376350001010102030405060708090a0b0c00180102030405060708090a0b0c0d"         \
    "0e0f100000000000000000"
#define VEC_HANDSHAKE_WITH_ENR_REQUEST_NONCE    "0102030405060708090a0b0c"
#define VEC_HANDSHAKE_WITH_ENR_ID_NONCE         "0102030405060708090a0b0c0d0e0f10"
#define VEC_HANDSHAKE_WITH_ENR_ENR_SEQ          0
#define VEC_HANDSHAKE_WITH_ENR_EPHEMERAL_KEY    "0288ef00023598499cb6c940146d050d2b1fb914198c327f76aad590bead68b6"
#define VEC_HANDSHAKE_WITH_ENR_EPHEMERAL_PUBKEY "039a003ba6517b473fa0cd74aefe99dadfdb34627f90fec6362df85803908f53a5"
#define VEC_HANDSHAKE_WITH_ENR_PACKET                                                                                  \
    "00000000000000000000000000000000088b3d4342774649305f313964a39e55ea96c005ad539c8c7560413a7008f16c9e6d2f43"         \
    "bbea8814a546b7409ce783d34c4f53245d08da4bb23698868350aaad22e3ab8dd034f548a1c43cd246be98562fafa0a1fa86d8e7"         \
    "a3b95ae78cc2b988ded6a5b59eb83ad58097252188b902b21481e30e5e285f19735796706adff216ab862a9186875f9494150c4a"         \
    "e06fa4d1f0396c93f215fa4ef524e0ed04c3c21e39b1868e1ca8105e585ec17315e755e6cfc4dd6cb7fd8e1a1f55e49b4b5eb024"         \
    "221482105346f3c82b15fdaae36a3bb12a494683b4a3c7f2ae41306252fed84785e2bbff3b022812d0882f06978df84a80d44397"         \
    "2213342d04b9048fc3b1d5fcb1df0f822152eced6da4d3f6df27e70e4539717307a0208cd208d65093ccab5aa596a34d75114019"         \
    "87662d8cf62b139471"

/* Cryptographic Primitives: "ECDH". */
#define VEC_ECDH_PUBLIC_KEY    "039961e4c2356d61bedb83052c115d311acb3a96f5777296dcf297351130266231"
#define VEC_ECDH_SECRET_KEY    "fb757dc581730490a1d7a00deea65e9b1936924caaea8f44d476014856b68736"
#define VEC_ECDH_SHARED_SECRET "033b11a2a1f214567e1537ce5e509ffd9b21373247f2a3ff6841f4976f53165e7e"

/* "Key Derivation". */
#define VEC_KDF_EPHEMERAL_KEY "fb757dc581730490a1d7a00deea65e9b1936924caaea8f44d476014856b68736"
#define VEC_KDF_DEST_PUBKEY   "0317931e6e0840220642f230037d285d122bc59063221ef3226b1f403ddc69ca91"
#define VEC_KDF_NODE_ID_A     "aaaa8419e9f49d0083561b48287df592939a8d19947d8c0ef88f2a4856a69fbb"
#define VEC_KDF_NODE_ID_B     "bbbb9d047f0488c0b5a93c1c3f2d8bafc7c8ff337024a55434a0d0555de64db9"
#define VEC_KDF_CHALLENGE_DATA                                                                                         \
    "000000000000000000000000000000006469736376350001010102030405060708090a0b0c00180102030405060708090a0b0c0d"         \
    "0e0f100000000000000000"
#define VEC_KDF_INITIATOR_KEY "dccc82d81bd610f4f76d3ebe97a40571"
#define VEC_KDF_RECIPIENT_KEY "ac74bb8773749920b0d3a8881c173ec5"

/* "ID Nonce Signing". */
#define VEC_IDSIG_STATIC_KEY "fb757dc581730490a1d7a00deea65e9b1936924caaea8f44d476014856b68736"
#define VEC_IDSIG_CHALLENGE_DATA                                                                                       \
    "000000000000000000000000000000006469736376350001010102030405060708090a0b0c00180102030405060708090a0b0c0d"         \
    "0e0f100000000000000000"
#define VEC_IDSIG_EPHEMERAL_PUBKEY "039961e4c2356d61bedb83052c115d311acb3a96f5777296dcf297351130266231"
#define VEC_IDSIG_NODE_ID_B        "bbbb9d047f0488c0b5a93c1c3f2d8bafc7c8ff337024a55434a0d0555de64db9"
#define VEC_IDSIG_SIGNATURE                                                                                            \
    "94852a1e2318c4e5e9d422c98eaf19d1d90d876b29cd06ca7cb7546d0fff7b484fe86c09a064fe72bdbef73ba8e9c34df0cd2b53"         \
    "e9d65528c2c7f336d5dfc6e6"

/* "Encryption/Decryption"; the 16-byte tag ends VEC_GCM_CT. */
#define VEC_GCM_KEY   "9f2d77db7004bf8a1a85107ac686990b"
#define VEC_GCM_NONCE "27b5af763c446acd2749fe8e"
#define VEC_GCM_PT    "01c20101"
#define VEC_GCM_AD    "93a7400fa0d6a694ebc24d5cf570f65d04215b6ac00757875e3f3a5f42107903"
#define VEC_GCM_CT    "a5d12a2d94b8ccb3ba55558229867dc13bfa3648"

/* enr.md, "Test Vectors": the example record. */
#define VEC_ENR_TEXT                                                                                                   \
    "enr:-IS4QHCYrYZbAKWCBRlAy5zzaDZXJBGkcnh4MHcBFZntXNFrdvJjX04jRzjzCBOonrkTfj499SZuOh8R33Ls8RRcy5wBgmlkgnY0"         \
    "gmlwhH8AAAGJc2VjcDI1NmsxoQPKY0yuDUmstAHYpMa2_oxVtw0RW_QAdpzBQA8yWM0xOIN1ZHCCdl8"
#define VEC_ENR_SECRET_KEY "b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291"
#define VEC_ENR_NODE_ID    "a448f24c6d18e575453db13171562b71999873db5b286df957af199ec94617f7"
#define VEC_ENR_SEQ        1
#define VEC_ENR_IP         "7f000001"
#define VEC_ENR_UDP        30303
