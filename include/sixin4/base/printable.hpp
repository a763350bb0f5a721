// Text for terminals, logs, JSON and captures of names and values that a host may hold as any bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sixin4::base {

/// The text in UTF-8 that does nothing to a terminal. Control characters, bytes that are not UTF-8,
/// characters that reorder a line, and the characters of `also` become `\xHH` for each byte. A backslash that
/// would begin such an escape becomes `\x5c`, so that different texts stay different: `from_printable` is the
/// inverse. Bash reads the escapes in $'...', so that a name can be typed again.
[[nodiscard]] std::string printable(std::string_view text, std::string_view also = {});
[[nodiscard]] std::string from_printable(std::string_view text);

/// The longest beginning of at most `most` bytes that ends with a whole character.
[[nodiscard]] std::string_view beginning(std::string_view text, std::size_t most);

/// A message as one printable line. Of more than `most` bytes the middle is left out.
[[nodiscard]] std::string message_line(std::string_view message, std::size_t most = 1000);

/// A value in quotation marks, for a message: the beginning of a long one. The bytes stay as they are,
/// because messages become printable where they are printed.
[[nodiscard]] std::string in_quotes(std::string_view value);

}  // namespace sixin4::base
