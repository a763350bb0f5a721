// Standard output with an error for text that did not reach its reader.
#pragma once

#include <string_view>

namespace sixin4::base {

/// Prints through the buffer of std::cout. Throws std::system_error if a write fails, for example on a full
/// disk or a closed pipe; the error of buffered text shows at a later call.
void print(std::string_view text);
/// Flushes the buffer. Throws std::system_error.
void flush_printed();

}  // namespace sixin4::base
