#include "queues.hpp"

#include <algorithm>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "sixin4/io/raw_socket.hpp"

namespace sixin4::tunnel {

namespace {

std::size_t queue_count(const config::Configuration& configuration) {
  if (configuration.queues) return *configuration.queues;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, config::max_queues);
}

}  // namespace

std::vector<io::TunDevice> open_queues(const config::Configuration& configuration, std::string& why_one) {
  const std::size_t count = queue_count(configuration);
  try {
    if (count > 1) io::RawReceiver::need_filters();
    return io::TunDevice::open_queues(configuration.interface, count);
  } catch (const std::system_error& error) {
    if (count == 1) throw;
    if (configuration.queues) {
      throw std::runtime_error("'queues = " + std::to_string(count) +
                               "': cannot open so many queues ('queues = 1' needs less): " + error.what());
    }
    why_one = error.what();
  }
  return io::TunDevice::open_queues(configuration.interface, 1);
}

}  // namespace sixin4::tunnel
