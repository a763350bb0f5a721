#include "sixin4/testbed/cpu_time.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <unistd.h>

namespace sixin4::testbed {

long long busy_ticks(const std::string& stat, int processor) {
  const std::string wanted = "cpu" + std::to_string(processor);
  std::istringstream lines{stat};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields{line};
    std::string name;
    long long user = 0;
    long long nice = 0;
    long long system = 0;
    long long idle = 0;
    long long wait = 0;
    long long interrupts = 0;
    long long soft_interrupts = 0;
    fields >> name >> user >> nice >> system >> idle >> wait >> interrupts >> soft_interrupts;
    if (fields && name == wanted) return user + nice + system + interrupts + soft_interrupts;
  }
  throw std::runtime_error("/proc/stat has no line of processor " + std::to_string(processor));
}

double busy_seconds(const std::vector<int>& processors) {
  std::ifstream file{"/proc/stat"};
  const std::string stat{std::istreambuf_iterator<char>{file}, {}};
  long long ticks = 0;
  for (const int processor : processors) ticks += busy_ticks(stat, processor);
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace sixin4::testbed
