// Options as arguments and as lines, and the messages for invalid ones.
#include "sixin4/base/options.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sixin4::base::testing {
namespace {

using Words = std::vector<std::string>;
using Given = std::vector<KeyValue>;

const std::vector<Option> options{
    {.name = "config,c", .value = "FILE", .meaning = "a file to read"},
    {.name = "count,n", .value = "NUMBER", .meaning = "how many"},
    {.name = "mtu", .value = "BYTES", .meaning = "how long"},
    {.name = "json", .value = "", .meaning = "for machines"},
    {.name = "quiet,q", .value = "", .meaning = "say nothing"},
};

Arguments parse(const Words& arguments) {
  return parse_arguments(options, arguments);
}

std::string refusal(const Words& arguments) {
  try {
    const Arguments parsed = parse(arguments);
    return "accepted, " + std::to_string(parsed.options.size()) + " options";
  } catch (const ConfigurationError& error) {
    return error.what();
  }
}

std::string line_refusal(const std::string& line) {
  try {
    return "accepted, " + std::to_string(parse_line(options, line, "file:7").size()) + " options";
  } catch (const ConfigurationError& error) {
    return error.what();
  }
}

bool names(const std::string& text, const std::string& place, const std::string& what) {
  return text.starts_with(place) && text.find(what) != std::string::npos;
}

TEST(OptionsTest, LongOptionsTakeTheirValueInTheSameOrTheNextArgument) {
  EXPECT_EQ(parse({"--mtu", "1480"}).options, (Given{{"mtu", "1480"}}));
  EXPECT_EQ(parse({"--mtu=1480"}).options, (Given{{"mtu", "1480"}}));
  EXPECT_EQ(parse({"--mtu=a=b"}).options, (Given{{"mtu", "a=b"}}));
}

TEST(OptionsTest, ShortOptionsTakeTheirValueInTheSameOrTheNextArgument) {
  EXPECT_EQ(parse({"-c", "he6.conf"}).options, (Given{{"config", "he6.conf"}}));
  EXPECT_EQ(parse({"-che6.conf"}).options, (Given{{"config", "he6.conf"}}));
}

TEST(OptionsTest, AValueMayHoldSpaceAndComments) {
  EXPECT_EQ(parse({"--config", "a b # c"}).options, (Given{{"config", "a b # c"}}));
  EXPECT_EQ(parse({"--config=a b # c"}).options, (Given{{"config", "a b # c"}}));
}

TEST(OptionsTest, SwitchesStandAlone) {
  const Arguments parsed = parse({"--json", "he6", "-q"});
  EXPECT_EQ(parsed.options, (Given{{"json", ""}, {"quiet", ""}}));
  EXPECT_EQ(parsed.words, (Words{"he6"}));
}

TEST(OptionsTest, OrderAndRepetitionsAreKept) {
  const Arguments parsed = parse({"one", "--mtu", "2", "two", "-n", "3", "--mtu=1", "three"});
  EXPECT_EQ(parsed.options, (Given{{"mtu", "2"}, {"count", "3"}, {"mtu", "1"}}));
  EXPECT_EQ(parsed.words, (Words{"one", "two", "three"}));
}

TEST(OptionsTest, BehindTwoDashesEverythingIsAWord) {
  EXPECT_EQ(parse({"--json", "--", "--mtu", "-q"}).words, (Words{"--mtu", "-q"}));
  EXPECT_EQ(parse({"--json", "--", "--mtu", "-q"}).options, (Given{{"json", ""}}));
}

TEST(OptionsTest, NothingGivenIsNothingParsed) {
  EXPECT_TRUE(parse({}).options.empty());
  EXPECT_TRUE(parse({}).words.empty());
}

TEST(OptionsTest, UnknownArgumentsAreRefusedByName) {
  for (const std::string unknown : {"--mtv", "--mtv=1", "-x", "--c", "-json"}) {
    const std::string text = refusal({unknown});
    EXPECT_TRUE(text.starts_with("command line: ")) << unknown << ": " << text;
    EXPECT_NE(text.find(unknown.substr(0, unknown.find('='))), std::string::npos) << unknown << ": " << text;
  }
}

TEST(OptionsTest, NoAbbreviationsAndNoOtherCase) {
  for (const std::string close : {"--mt", "--conf=x", "--jso", "--MTU=1", "--Json", "-Q"}) {
    EXPECT_TRUE(names(refusal({close}), "command line: ", close.substr(0, close.find('='))))
        << close << ": " << refusal({close});
  }
}

TEST(OptionsTest, TheKeyOfWordsIsNotAnOption) {
  EXPECT_TRUE(names(refusal({"--word", "he6"}), "command line: ", "--word")) << refusal({"--word", "he6"});
  EXPECT_TRUE(names(refusal({"--word=he6"}), "command line: ", "--word")) << refusal({"--word=he6"});
}

TEST(OptionsTest, AMissingValueIsRefusedByName) {
  EXPECT_TRUE(names(refusal({"--mtu"}), "command line: ", "--mtu")) << refusal({"--mtu"});
  EXPECT_TRUE(names(refusal({"--mtu="}), "command line: ", "--mtu")) << refusal({"--mtu="});
  EXPECT_TRUE(names(refusal({"he6", "-c"}), "command line: ", "--config")) << refusal({"he6", "-c"});
}

TEST(OptionsTest, ASwitchWithAValueIsRefused) {
  EXPECT_TRUE(names(refusal({"--json=yes"}), "command line: ", "--json")) << refusal({"--json=yes"});
}

TEST(OptionsTest, ALineIsOneKeyAndItsValue) {
  for (const std::string line :
       {"mtu=1480", "mtu = 1480", "  mtu\t=  1480  ", "mtu = 1480 # why", "mtu = 1480\r"}) {
    EXPECT_EQ(parse_line(options, line, "file:7"), (Given{{"mtu", "1480"}})) << line;
  }
  EXPECT_EQ(parse_line(options, "config = a = b c", "file:7"), (Given{{"config", "a = b c"}}));
}

TEST(OptionsTest, EmptyLinesAndCommentsAreNothing) {
  for (const std::string line : {"", "   ", "\t", "\r", "# mtu = 1480", "  # mtu = 1480", "#[section]"}) {
    EXPECT_EQ(line_refusal(line), "accepted, 0 options") << line;
  }
}

TEST(OptionsTest, AnUnknownKeyOfALineIsRefusedWithItsPlace) {
  EXPECT_EQ(line_refusal("mtv = 1480"), "file:7: 'mtv': unknown key");
  EXPECT_EQ(line_refusal("mt = 1480"), "file:7: 'mt': unknown key");
  EXPECT_EQ(line_refusal("MTU = 1480"), "file:7: 'MTU': unknown key");
  EXPECT_EQ(line_refusal("c = 1480"), "file:7: 'c': unknown key");
  EXPECT_EQ(line_refusal("mtu.more = 1480"), "file:7: 'mtu.more': unknown key");
}

TEST(OptionsTest, OfALongUnknownKeyTheBeginningIsRepeated) {
  const std::string much(5000, 'x');
  const std::string shown = std::string(100, 'x') + "...'";
  EXPECT_EQ(line_refusal(much + " = 1"), "file:7: '" + shown + ": unknown key");
  for (const std::string& argument : {"--" + much, "--" + much + "=1", "-" + much, "--mtu=1480 --" + much}) {
    const std::string message = refusal({argument});
    if (message.starts_with("accepted")) continue;
    EXPECT_LT(message.size(), 200U) << message;
    EXPECT_TRUE(names(message, "command line: ", "...'")) << message;
  }
  EXPECT_LT(refusal({"--json=" + much}).size(), 200U) << refusal({"--json=" + much});
}

TEST(OptionsTest, SectionsAreRefused) {
  for (const std::string line : {"[tunnel]", "  [tunnel]", "[tunnel] # one", "[]"}) {
    EXPECT_TRUE(names(line_refusal(line), "file:7: '", "' is not of the form key = value"))
        << line_refusal(line);
  }
}

TEST(OptionsTest, LinesOfAnotherFormAreRefusedAsTheyStand) {
  EXPECT_EQ(line_refusal("mtu 1480"), "file:7: 'mtu 1480' is not of the form key = value");
  EXPECT_EQ(line_refusal("--mtu"), "file:7: '--mtu' is not of the form key = value");
  EXPECT_EQ(line_refusal("mtu"), "file:7: 'mtu' is not of the form key = value");
  EXPECT_TRUE(names(line_refusal("= 1480"), "file:7: ", "")) << line_refusal("= 1480");
}

TEST(OptionsTest, TheHelpTextNamesOptionsValuesAndMeanings) {
  const std::string text = describe(options);
  for (const std::string piece :
       {"-c [ --config ] FILE", "a file to read", "--mtu BYTES", "--json", "for machines"}) {
    EXPECT_NE(text.find(piece), std::string::npos) << piece << " in\n" << text;
  }
  EXPECT_EQ(text.find("word"), std::string::npos) << text;
}

}  // namespace
}  // namespace sixin4::base::testing
