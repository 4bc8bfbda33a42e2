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

}  // namespace bmsg::cli
