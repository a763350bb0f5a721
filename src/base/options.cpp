// The syntax of options with Boost.Program_options, which only this file includes.
#include "sixin4/base/options.hpp"

#include <algorithm>
#include <sstream>

#include <boost/program_options.hpp>

#include "sixin4/base/printable.hpp"

namespace sixin4::base {

namespace {

namespace po = boost::program_options;

constexpr const char* words_key = "word";

po::options_description description_of(std::span<const Option> options) {
  constexpr unsigned line_length = 100;
  po::options_description description{line_length};
  for (const Option& option : options) {
    if (option.value.empty()) {
      description.add_options()(option.name.c_str(), option.meaning.c_str());
    } else {
      description.add_options()(option.name.c_str(), po::value<std::string>()->value_name(option.value),
                                option.meaning.c_str());
    }
  }
  return description;
}

std::string value_of(const po::option& option) {
  return option.value.empty() ? std::string{} : option.value.front();
}

}  // namespace

std::optional<std::string> Arguments::value_of(std::string_view name) const {
  const auto option = std::ranges::find(options, name, &KeyValue::first);
  return option == options.end() ? std::nullopt : std::optional{option->second};
}

Arguments parse_arguments(std::span<const Option> options, std::span<const std::string> arguments) {
  po::options_description all_options = description_of(options);
  all_options.add_options()(words_key, po::value<std::vector<std::string>>());
  po::positional_options_description words;
  words.add(words_key, -1);
  // No abbreviations, because a new key with the same beginning would break scripts.
  namespace style = po::command_line_style;
  constexpr int exact = style::allow_long | style::long_allow_adjacent | style::long_allow_next |
                        style::allow_short | style::allow_dash_for_short | style::short_allow_next |
                        style::short_allow_adjacent;
  Arguments result;
  try {
    const auto parsed = po::command_line_parser({arguments.begin(), arguments.end()})
                            .options(all_options)
                            .positional(words)
                            .style(exact)
                            .run();
    for (const auto& option : parsed.options) {
      if (option.position_key >= 0) {
        result.words.push_back(value_of(option));
      } else if (option.string_key == words_key) {
        throw po::unknown_option{option.original_tokens.empty() ? words_key : option.original_tokens.front()};
      } else {
        result.options.emplace_back(option.string_key, value_of(option));
      }
    }
  } catch (const po::unknown_option& error) {
    throw ConfigurationError("command line: unrecognised option " + in_quotes(error.get_option_name()));
  } catch (const po::error& error) {
    throw ConfigurationError(std::string{"command line: "} + error.what());
  }
  return result;
}

std::vector<KeyValue> parse_line(std::span<const Option> options, const std::string& line,
                                 const std::string& place) {
  const auto first = line.find_first_not_of(" \t\r");
  if (first == std::string::npos || line[first] == '#') return {};
  std::istringstream stream{line};
  std::vector<KeyValue> result;
  try {
    for (const auto& option : po::parse_config_file(stream, description_of(options)).options) {
      result.emplace_back(option.string_key, value_of(option));
    }
  } catch (const po::unknown_option& error) {
    throw ConfigurationError(place + ": " + in_quotes(error.get_option_name()) + ": unknown key");
  } catch (const po::error&) {
    throw ConfigurationError(place + ": " + in_quotes(line) + " is not of the form key = value");
  }
  // Boost accepts a section header and yields no option for it.
  if (result.empty()) {
    throw ConfigurationError(place + ": " + in_quotes(line) + " is not of the form key = value");
  }
  return result;
}

std::string describe(std::span<const Option> options) {
  std::ostringstream text;
  text << description_of(options);
  return text.str();
}

}  // namespace sixin4::base
