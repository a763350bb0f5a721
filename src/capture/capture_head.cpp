#include "sixin4/capture/capture_head.hpp"

#include <sys/utsname.h>

#include "sixin4/base/printable.hpp"

namespace sixin4::capture {

namespace {

std::string operating_system() {
  utsname names{};
  if (::uname(&names) != 0) return {};
  return std::string{names.sysname} + ' ' + names.release;
}

}  // namespace

CaptureHead capture_head(const std::string& interface, const std::string& filter, std::uint32_t snap_length,
                         std::optional<Form> form) {
  return {.application = "sixin4 " SIXIN4_VERSION,
          .operating_system = operating_system(),
          .interface = base::printable(interface),
          .filter = base::printable(filter),
          .snap_length = snap_length,
          .form = form};
}

}  // namespace sixin4::capture
