// Text on standard output that somebody is to read all of.
#pragma once

#include <string_view>

namespace sixin4::base {

/// Throws std::system_error where a disk is full or the reader has gone, at the latest when the buffer is.
void print(std::string_view text);
/// Brings what was printed to whoever reads it. Throws likewise.
void flush_printed();

}  // namespace sixin4::base
