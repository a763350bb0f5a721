#include "extcap_toolbar.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "sixin4/base/printable.hpp"
#include "sixin4/base/system_failure.hpp"

namespace sixin4::cli {

namespace {

// A message: 'T', a length in three bytes, the control, the command, the payload. The length counts the bytes
// after it.
constexpr std::uint8_t sync = 'T';
constexpr std::size_t header_size = 6;
constexpr std::size_t counted_header = 2;  ///< bytes of the header that the length counts
constexpr std::size_t most_payload = 65535;

namespace command {
constexpr std::uint8_t initialized = 0;
constexpr std::uint8_t set = 1;
constexpr std::uint8_t warning = 8;
}  // namespace command

namespace number {
constexpr std::uint8_t form = 0;
constexpr std::uint8_t drops = 1;
constexpr std::uint8_t filter = 2;
constexpr std::uint8_t none = 255;
}  // namespace number

const char* form_name(const std::optional<capture::Form>& form) noexcept {
  if (!form) return "both";
  return *form == capture::Form::inner ? "inner" : "outer";
}

/// Opens both ends of a FIFO. The write end alone cannot be opened before the FIFO has a reader (ENXIO), and
/// the read end alone is at end of file while the FIFO has no writer.
base::FileDescriptor open_pipe(const std::string& path) {
  base::FileDescriptor fd{::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (!fd) throw base::system_failure("cannot open " + path);
  return fd;
}

}  // namespace

const char* describe_toolbar() noexcept {
  return "control {number=0}{type=selector}{display=Form}{tooltip=IPv6 packets, the IPv4 packets around "
         "them, or both}\n"
         "control {number=1}{type=boolean}{display=Dropped packets only}{default=false}\n"
         "control {number=2}{type=string}{display=Filter}{tooltip=In the language of tcpdump; must "
         "match in addition to the capture filter}\n"
         "value {control=0}{value=both}{display=Inner and outer}{default=true}\n"
         "value {control=0}{value=inner}{display=Inner}\n"
         "value {control=0}{value=outer}{display=Outer}\n";
}

void ToolbarMessages::add(wire::Bytes bytes) {
  waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
}

std::optional<ToolbarMessage> ToolbarMessages::next() {
  const auto header = wire::fixed<header_size>(wire::Bytes{waiting_});
  if (!header) return std::nullopt;
  const std::size_t length = wire::load32<0>(*header) & 0xffffffU;
  if (header->front() != sync || length < counted_header || length - counted_header > most_payload) {
    throw std::runtime_error("the toolbar sent bytes that are not a control message");
  }
  const std::size_t payload = length - counted_header;
  if (waiting_.size() < header_size + payload) return std::nullopt;
  const auto begin = waiting_.begin() + header_size;
  const auto end = begin + static_cast<std::ptrdiff_t>(payload);
  ToolbarMessage message{
      .control = wire::load8<4>(*header), .command = wire::load8<5>(*header), .payload{begin, end}};
  waiting_.erase(waiting_.begin(), end);
  return message;
}

ExtcapToolbar::ExtcapToolbar(const std::string& in, const std::string& out, CaptureSelection selection)
    : in_(open_pipe(in)), out_(open_pipe(out)), selection_(std::move(selection)) {}

std::optional<CaptureSelection> ExtcapToolbar::read() {
  bool changed = false;
  std::array<std::uint8_t, 4096> buffer{};
  for (ssize_t count = 0; (count = ::read(in_.get(), buffer.data(), buffer.size())) > 0;) {
    messages_.add(std::span{buffer}.first(static_cast<std::size_t>(count)));
    while (const auto message = next_message()) changed = take(*message) || changed;
  }
  return changed ? std::optional{selection_} : std::nullopt;
}

std::optional<ToolbarMessage> ExtcapToolbar::next_message() {
  try {
    return messages_.next();
  } catch (const std::runtime_error& error) {
    warn(error.what());
    in_ = base::FileDescriptor{};  // the beginning of the next message is not known
    return std::nullopt;
  }
}

bool ExtcapToolbar::take(const ToolbarMessage& message) {
  if (message.command == command::initialized) {
    // The controls of the toolbar exist now and show their defaults.
    send({.control = number::form, .command = command::set, .payload = form_name(selection_.form)});
    send({.control = number::drops,
          .command = command::set,
          .payload = std::string(1, static_cast<char>(selection_.drops_only))});
    send({.control = number::filter, .command = command::set, .payload = selection_.filter});
    return false;
  }
  if (message.command != command::set) return false;
  switch (message.control) {
    case number::form:
      for (const auto form :
           {std::optional<capture::Form>{}, {capture::Form::inner}, {capture::Form::outer}}) {
        if (message.payload == form_name(form)) selection_.form = form;
      }
      return true;
    case number::drops:
      selection_.drops_only = !message.payload.empty() && message.payload.front() != 0;
      return true;
    case number::filter:
      selection_.filter = message.payload;
      return true;
    default:
      return false;
  }
}

void ExtcapToolbar::warn(const std::string& message) {
  send({.control = number::none, .command = command::warning, .payload = base::message_line(message)});
}

/// Does not wait: a full pipe loses the message, because Wireshark does not read then.
void ExtcapToolbar::send(const ToolbarMessage& message) {
  const std::size_t payload = std::min(message.payload.size(), most_payload);
  std::vector<std::uint8_t> bytes(header_size);
  const std::span header{bytes};
  wire::store32<0>(header.first<header_size>(), static_cast<std::uint32_t>(payload + counted_header));
  bytes[0] = sync;
  bytes[4] = message.control;
  bytes[5] = message.command;
  bytes.insert(bytes.end(), message.payload.begin(),
               message.payload.begin() + static_cast<std::ptrdiff_t>(payload));
  [[maybe_unused]] const ssize_t written = ::write(out_.get(), bytes.data(), bytes.size());
}

}  // namespace sixin4::cli
