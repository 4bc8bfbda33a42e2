// QR codes for a terminal.

#pragma once

#include <string>
#include <vector>

namespace bmsg::cli {

/// `text` as a QR code of half blocks, dark on light, with its quiet zone.
std::string qr_code(const std::string& text);

/// The same for whoever draws: rows of modules, true for dark, without a quiet zone.
std::vector<std::vector<bool>> qr_modules(const std::string& text);

}  // namespace bmsg::cli
