#include "cli/qr.h"

#include <qrcodegen/qrcodegen.hpp>

namespace bmsg::cli {

std::string qr_code(const std::string& text) {
  constexpr int kQuietZone = 2;
  const auto code = qrcodegen::QrCode::encodeText(text.c_str(), qrcodegen::QrCode::Ecc::LOW);
  std::string out;
  // Two rows a line: light modules are drawn, so that the code reads on a dark terminal too.
  for (int y = -kQuietZone; y < code.getSize() + kQuietZone; y += 2) {
    for (int x = -kQuietZone; x < code.getSize() + kQuietZone; ++x) {
      const bool upper = !code.getModule(x, y);
      const bool lower = !code.getModule(x, y + 1);
      out += upper && lower ? "█" : upper ? "▀" : lower ? "▄" : " ";
    }
    out += '\n';
  }
  return out;
}

std::vector<std::vector<bool>> qr_modules(const std::string& text) {
  const auto code = qrcodegen::QrCode::encodeText(text.c_str(), qrcodegen::QrCode::Ecc::LOW);
  std::vector<std::vector<bool>> rows;
  for (int y = 0; y < code.getSize(); ++y) {
    std::vector<bool>& row = rows.emplace_back();
    for (int x = 0; x < code.getSize(); ++x) row.push_back(code.getModule(x, y));
  }
  return rows;
}

}  // namespace bmsg::cli
