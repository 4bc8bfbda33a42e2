// The receipt of the worked example: a sealed message in block 1, anchored in block 2 and opened,
// as an independent model printed it.
//
// Source: bmsg-format(5), "Worked example" and "Receipt".

#pragma once

#include <string_view>

namespace bmsg::golden {

inline constexpr std::string_view kReceipt =
    "bmsg-receipt 1\n"
    "chain 6d76747ce8bd0ad14caba203f0ddc05e6ab08546a544ec3628a2e62306708b8569ae9c053895f2c2d4"
    "80dd1ef1934b347098a795c265b6010deab127055b70dd\n"
    "head Ym1NMQEAAFBtdnR86L0K0QAAAABpVbk8ACeNAAAAATCE12hNKOnAEwCRXY0fescTG/UT/7AqiaodHJ0kZlR"
    "iNWJs/yTWd/cF28GudU8DdUR6UV+DLQo8lywVIAmE/XO6lIiQx0PSJFuF9dNmjOkJMznGjkKzcSIuKpFpJMmVMgK"
    "pm8XhfCfWh1CWa6tWPLNx2uPdnoZo9J5isojv49bPfBX1avaqDeW1JzoSwSmWyLA=\n"
    "nonce 00000000000200c8\n"
    "index 0\n"
    "path y8O/QX3Ao/gB2FRsGqNpw/R8y/atVM2DfcLK9YI4zhB5RpMI+sfPl0llOxRAVJ79qRQjhQFCSa4PZnHZP0W"
    "/4w==\n"
    "path kM0wcCiCGHYqap2IJwgSo49tz1sCUf5sOGNNCD7Ag3Xake5Edf1/cDammEtxaj7414rgQO2WiSz+d51k6Mb"
    "tgA==\n"
    "header Ym1IMQAAAAEAAAAAaVW5ZCAA8/wAAAADbXZ0fOi9CtFMq6ID8N3AXmqwhUalROw2KKLmIwZwi4VWHA43O"
    "YGbRO2Vh6jkKdtLokIpIWJ0x0o1MKMUFYED5IU3YkHZlxScEZNZB4sejjR6Qkqlj5iNcOD3qfcdWmob8H7Iklg7i"
    "YisLE5MDsn6xnSXNWE+CkRVOctVYsK8yXuVCGtoge9MR0ju26YhuysopTIzKKVoQCwGShQv/hqHkKfL/ERZpT47K"
    "qFT+G9FqFiWYCo6QHM6OPTlWHUM23oiBwH7aDXOUzM/8jiPmKaKHj/pqC9VAmNHHi+ir5egMLUAAAAAAAABQg==\n"
    "seal AA==\n"
    "anchor Ym1IMQAAAAIAAAAAaVW8ICAA9loAAAAAbXZ0fOi9CtFMq6ID8N3AXmqwhUalROw2KKLmIwZwi4UAyWndD"
    "COxmr3vNDlClp0EKlZt+CRhAfAmkdZIdsYCBGUgwkZOnK74+WN5QLLNQYP6nr1ev6CwkMkkd0QfUse0z4PhNX7vu"
    "L3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPkV3Hogo5t8Ei"
    "kgqDZC/dooqL97dDs5HcXjRj5A4/kHhw5neTUAgKilGBIR/p7KlCuxc0FdJeAKPY010eKvx1/gAAAAAAAAAgg==\n"
    "past p8v8RFmlPjsqoVP4b0WoWJZgKjpAczo49OVYdQzbeiIHAftoNc5TMz/yOI+YpooeP+moL1UCY0ceL6Kvl6A"
    "wtQ==\n"
    "body GNMjX8+01qQKWDcwA2G4DxQDb60xM6Hphm5syhWcmxIjisAvm/aGxjqKqkEJzCjWWH8UzHkJeS0+CKQJAD3"
    "I1a28VWWjSG77cnTkOxvGYJ2i9PQKyTGZIP7E6qM0H8v3UBwythT6PCWQbw6DJpLwRpmS0fGjsVA7UjasTsaP6//"
    "7V/OHfhspgOErl7KMsrVHuRBWeoXM/7op0WUOJz3gcxWIILn5R0u8sjZNIh/syii+AunWKbRo7y8S7kVZgJRFRQZ"
    "qHDyTQ2WBfFx+YqGKOMSVqUCGT98jPgniUIyrvGgI0mDBRxhHFspzN1kHcuGWDzELs3WZabEonIq7vGeuNLwCcSo"
    "CdOJK1VPV873MybegVxHpcQhhiy8/kLNbNZohaoOhdVQIr7hVhrUwHNRt5A==\n"
    "key S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s=\n";

}  // namespace bmsg::golden
