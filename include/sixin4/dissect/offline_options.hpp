// Options that `decode` and `replay` have in common.
#pragma once

#include <string>

#include "sixin4/base/options.hpp"

namespace sixin4::dissect {

struct OfflineOptions {
  std::string input;   ///< a capture file, or - for standard input
  std::string output;  ///< a pcapng file, or - for standard output; empty: none
  bool json = false;

  /// Takes the option and returns true if it is one of the common options. Throws base::ConfigurationError.
  bool take(const base::KeyValue& option);
  /// Throws base::ConfigurationError if two outputs use standard output, or if the output file is the input
  /// file.
  void check() const;

  /// Lines go to a terminal, where a progress bar would disturb them.
  [[nodiscard]] bool prints_on_terminal() const;
};

}  // namespace sixin4::dissect
