// Escapes for terminals, logs and JSON, for any bytes in the names of a host.
#include "sixin4/base/printable.hpp"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sixin4::base::testing {
namespace {

using std::string_literals::operator""s;

TEST(PrintableTest, WhatATerminalMayGetStaysAndTheRestIsEscaped) {
  for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
           {"", ""},
           {"he6", "he6"},
           {"t\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80", "t\xc3\xbcn \xe2\x82\xac \xf0\x9f\x98\x80"},
           {"tun\xe9", "tun\\xe9"},
           {"\xe9t\xc3", "\\xe9t\\xc3"},
           {"\xe2\x82z", "\\xe2\\x82z"},
           {"\xc0\xaf", "\\xc0\\xaf"},                    // an overlong encoding
           {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // a surrogate
           {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // above U+10FFFF
           {"a\x1b[31mb\nc\td\0e"s, "a\\x1b[31mb\\x0ac\\x09d\\x00e"},
           {"\x7f\xc2\x9b"s, "\\x7f\\xc2\\x9b"},  // DEL; CSI, which begins an escape sequence
           {"a\xe2\x80\xae"
            "b",
            "a\\xe2\\x80\\xae"
            "b"},  // RIGHT-TO-LEFT OVERRIDE
           {"a\\b", "a\\b"},
           {"a\\xe9", "a\\x5cxe9"},
           {"a\\\\xe9", "a\\\\x5cxe9"},
           {"a\\xE9\\xg0\\x1", "a\\xE9\\xg0\\x1"}}) {
    EXPECT_EQ(printable(text), expected);
    EXPECT_EQ(from_printable(expected), text);
  }
  EXPECT_EQ(printable("a{b}", "{}"), "a\\x7bb\\x7d");
}

TEST(PrintableTest, DifferentBytesStayDifferent) {
  std::mt19937 random{8};
  const std::string letters = "\\x5ce9\xe9\x1b\xc3\xbc{a";
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto length = random() % 12; length > 0; --length) {
      text += random() % 8 == 0 ? static_cast<char>(random()) : letters[random() % letters.size()];
    }
    ASSERT_EQ(from_printable(printable(text)), text) << printable(text);
    ASSERT_EQ(from_printable(printable(text, "{}")), text) << printable(text);
  }
}

TEST(PrintableTest, AMessageIsOneLineAndABoundedOne) {
  EXPECT_EQ(message_line("cannot read a\nb"), "cannot read a\\x0ab");
  const std::string line = message_line("FILE:3: remote: '" + std::string(5000, 'x') + "' is no address");
  EXPECT_LT(line.size(), 1020U);
  EXPECT_TRUE(line.starts_with("FILE:3: remote: 'xxx")) << line;
  EXPECT_TRUE(line.ends_with("xxx' is no address")) << line;
  std::string umlauts;
  for (int i = 0; i < 1000; ++i) umlauts += "\xc3\xbc";
  for (std::size_t most = 0; most < 20; ++most) {
    const std::string cut = message_line(umlauts, most);
    EXPECT_EQ(printable(cut), cut) << "no character is cut in two";
  }
}

TEST(PrintableTest, AQuotedValueIsBounded) {
  EXPECT_EQ(in_quotes("a b"), "'a b'");
  EXPECT_EQ(in_quotes(std::string(100, 'x')), "'" + std::string(100, 'x') + "'");
  EXPECT_EQ(in_quotes(std::string(101, 'x')), "'" + std::string(100, 'x') + "...'");
}

}  // namespace
}  // namespace sixin4::base::testing
