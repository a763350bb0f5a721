// Runs a fuzz target without libFuzzer on every file of the directories in the arguments.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_in(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator{directory}) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

void replay(const fs::path& file) {
  std::ifstream stream{file, std::ios::binary};
  if (!stream) throw std::runtime_error(file.string() + ": cannot be read");
  const std::vector<char> text{std::istreambuf_iterator<char>{stream}, {}};
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  std::cerr << file.string() << std::endl;  // so that the last name is the failing input
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::size_t count = 0;
    for (const char* directory : std::span{argv, static_cast<std::size_t>(argc)}.subspan(1)) {
      for (const fs::path& file : files_in(directory)) {
        replay(file);
        ++count;
      }
    }
    std::cout << count << " inputs" << std::endl;
    return count == 0 ? 1 : 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}
