// Printable text for terminals, logs, JSON and captures: names and values of a host may hold any bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sixin4::base {

/// The text as UTF-8 without effects on a terminal. Control characters, bytes that are not UTF-8, characters
/// that break or reorder a line, and the ASCII characters in `also` become `\xHH` for each byte. A backslash
/// that would begin such an escape becomes `\x5c`, so that `from_printable` is the inverse. In bash, $'...'
/// takes an escaped name.
[[nodiscard]] std::string printable(std::string_view text, std::string_view also = {});
/// The inverse of `printable`.
[[nodiscard]] std::string from_printable(std::string_view text);

/// The longest prefix of at most `most` bytes that ends with a whole UTF-8 character.
[[nodiscard]] std::string_view beginning(std::string_view text, std::size_t most);

/// A message as one printable line. If it has more than `most` bytes, `[...]` replaces its middle.
[[nodiscard]] std::string message_line(std::string_view message, std::size_t most = 1000);

/// A value in quotation marks for a message, cut after about 100 bytes. The bytes are not escaped, because
/// the functions that print messages make them printable.
[[nodiscard]] std::string in_quotes(std::string_view value);

}  // namespace sixin4::base
