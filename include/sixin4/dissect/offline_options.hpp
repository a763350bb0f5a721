// What the command lines of the offline verbs have in common.
#pragma once

#include <string>

#include "sixin4/base/options.hpp"

namespace sixin4::dissect {

struct OfflineOptions {
  std::string input;   ///< a capture file, or - for standard input
  std::string output;  ///< pcapng, or - for standard output; empty: none
  bool json = false;

  /// Whether it is one of these, which it then takes. Throws base::ConfigurationError.
  bool take(const base::KeyValue& option);
  /// Throws base::ConfigurationError where two things want standard output, or writing would destroy the
  /// input before it is read.
  void check() const;

  /// Whether lines go to a terminal, where a progress bar would be in their way.
  [[nodiscard]] bool prints_on_terminal() const;
};

}  // namespace sixin4::dissect
