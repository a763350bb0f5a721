// JSON text of strings with any bytes.
#include "sixin4/base/json_text.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sixin4::base::testing {
namespace {

TEST(JsonTextTest, StringsOfAnyBytesComeBack) {
  const nlohmann::ordered_json value{
      {"interface", "tun\xe9"}, {"list", {"a\x1b[1m", "\\xe9", "plain"}}, {"n", 1}, {"none", nullptr}};
  const std::string text = to_json_text(value);
  EXPECT_EQ(text, R"({"interface":"tun\\xe9","list":["a\\x1b[1m","\\x5cxe9","plain"],"n":1,"none":null})");
  EXPECT_EQ(parse_json_text(text), value);
  EXPECT_EQ(to_json_text(nlohmann::ordered_json{{"a", 1}}, 2), "{\n  \"a\": 1\n}");
}

TEST(JsonTextTest, RandomStringsComeBack) {
  constexpr std::string_view letters = "x\\0159af\xc3\xa9\x1b{}";
  std::minstd_rand random{41};
  for (int run = 0; run < 20000; ++run) {
    std::string text;
    for (std::size_t length = random() % 12; length > 0; --length) {
      text += random() % 8 == 0 ? static_cast<char>(random()) : letters[random() % letters.size()];
    }
    ASSERT_EQ(parse_json_text(to_json_text(text)), text);
  }
}

}  // namespace
}  // namespace sixin4::base::testing
