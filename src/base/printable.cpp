// Escapes with the UTF-8 decoder of Boost.Locale.
#include "sixin4/base/printable.hpp"

#include <algorithm>

#include <boost/locale/utf.hpp>

namespace sixin4::base {

namespace {

using Utf8 = boost::locale::utf::utf_traits<char>;
using boost::locale::utf::code_point;

constexpr std::string_view digits = "0123456789abcdef";
constexpr std::size_t escape_length = 4;
constexpr std::size_t max_value_length = 100;

/// The byte of the escape `\xHH` at the beginning of the text; -1 if it does not begin with one.
int escaped_byte(std::string_view text) {
  if (text.size() < escape_length || !text.starts_with("\\x")) return -1;
  const auto high = digits.find(text[2]);
  const auto low = digits.find(text[3]);
  if (high == std::string_view::npos || low == std::string_view::npos) return -1;
  return static_cast<int>(high * 16 + low);
}

bool is_plain(code_point character) {
  if (!boost::locale::utf::is_valid_codepoint(character)) return false;
  const bool controls = character < 0x20 || (character >= 0x7f && character < 0xa0);
  // Line and paragraph separators, and the marks, embeddings, overrides and isolates that change the
  // direction of text.
  const bool reorders = (character >= 0x2028 && character <= 0x202e) ||
                        (character >= 0x2066 && character <= 0x2069) || character == 0x200e ||
                        character == 0x200f || character == 0x061c;
  return !controls && !reorders;
}

void append_escape(std::string& to, char byte) {
  const auto value = static_cast<unsigned char>(byte);
  to += "\\x";
  to += digits[value >> 4U];
  to += digits[value & 0xfU];
}

/// The longest suffix of at most `most` bytes that begins with a whole UTF-8 character.
std::string_view ending(std::string_view text, std::size_t most) {
  std::size_t start = text.size() - std::min(text.size(), most);
  while (start < text.size() && start != 0 && Utf8::is_trail(text[start])) ++start;
  return text.substr(start);
}

}  // namespace

std::string printable(std::string_view text, std::string_view also) {
  std::string result;
  result.reserve(text.size());
  for (const char* at = text.data(); at != text.data() + text.size();) {
    const char* const start = at;
    const char* const end = text.data() + text.size();
    const code_point character = Utf8::decode(at, end);
    const bool plain =
        is_plain(character) && also.find(*start) == std::string_view::npos && escaped_byte({start, end}) < 0;
    if (plain) {
      result.append(start, at);
      continue;
    }
    // After an invalid byte the next byte may begin a character.
    if (!boost::locale::utf::is_valid_codepoint(character)) at = start + 1;
    std::for_each(start, at, [&result](char byte) { append_escape(result, byte); });
  }
  return result;
}

std::string from_printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const int byte = escaped_byte(text);
    result += byte < 0 ? text.front() : static_cast<char>(byte);
    text.remove_prefix(byte < 0 ? 1 : escape_length);
  }
  return result;
}

std::string_view beginning(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && most - end < 4 && Utf8::is_trail(text[end])) --end;
  return text.substr(0, end);
}

std::string message_line(std::string_view message, std::size_t most) {
  std::string line = printable(message);
  if (line.size() <= most) return line;
  return std::string{beginning(line, most / 2)} + " [...] " + std::string{ending(line, most / 2)};
}

std::string in_quotes(std::string_view value) {
  const std::string_view shown = beginning(value, max_value_length);
  std::string text = "'";
  text += shown;
  text += shown.size() == value.size() ? "'" : "...'";
  return text;
}

}  // namespace sixin4::base
