// QR codes for a terminal.

#pragma once

#include <string>

namespace bmsg::cli {

/// `text` as a QR code of half blocks, dark on light, with its quiet zone.
std::string qr_code(const std::string& text);

}  // namespace bmsg::cli
