#include "filter_program.hpp"

#include <stdexcept>
#include <utility>

#include "sixin4/wire/ipv4.hpp"
#include "sixin4/wire/ipv6.hpp"
#include "sixin4/wire/transport.hpp"

namespace sixin4::io {

namespace {

// Cells of the scratch memory: a sum (of the words that identify a flow, or of a checksum), and the length of
// the IPv4 header.
constexpr std::uint32_t sum = 0;
constexpr std::uint32_t header_length = 1;

constexpr std::uint32_t version_4_without_options = 0x45;
constexpr std::uint32_t more_fragments_and_offset = 0x3fff;

// Offsets in the inner packet.
constexpr std::uint32_t payload_length = 4;
constexpr std::uint32_t next_header = 6;
constexpr std::uint32_t addresses = 8;
constexpr std::uint32_t ports = wire::ipv6_header_size;

// Knuth's multiplicative hash: the upper half of the product is well mixed.
constexpr std::uint32_t golden_ratio = 0x9e3779b1;

/// The 8-bit operand of a conditional jump: the number of instructions that it skips. Throws std::logic_error
/// for more than 255.
std::uint8_t jump(std::size_t from, std::size_t to) {
  const std::size_t distance = to - from - 1;
  if (distance > 0xff) throw std::logic_error("a socket filter jumps over more than 255 instructions");
  return static_cast<std::uint8_t>(distance);
}

std::uint32_t start_of(Ipv4HeaderAt header) noexcept {
  return header == Ipv4HeaderAt::start ? 0 : static_cast<std::uint32_t>(SKF_NET_OFF);
}

}  // namespace

void FilterProgram::add(unsigned code, std::uint32_t operand) {
  instructions_.push_back({.code = static_cast<std::uint16_t>(code), .jt = 0, .jf = 0, .k = operand});
}

void FilterProgram::load(unsigned size, std::uint32_t offset) {
  add(BPF_LD | BPF_ABS | size, offset);
}

void FilterProgram::compute(unsigned operation, unsigned source, std::uint32_t operand) {
  add(BPF_ALU | operation | source, operand);
}

void FilterProgram::require(unsigned source, std::uint32_t operand) {
  requirements_.push_back(instructions_.size());
  add(BPF_JMP | BPF_JEQ | source, operand);
}

void FilterProgram::require_at(unsigned size, std::uint32_t offset, std::uint32_t value) {
  load(size, offset);
  require(BPF_K, value);
}

void FilterProgram::require_length(std::uint32_t length) {
  add(BPF_LD | BPF_W | BPF_LEN);
  requirements_.push_back(instructions_.size());
  add(BPF_JMP | BPF_JGE | BPF_K, length);
}

/// The index register holds the length of the IPv4 header on entry and on return.
void FilterProgram::add_to_sum(unsigned load, std::uint32_t offset) {
  add(load, offset);
  add(BPF_MISC | BPF_TAX);
  add(BPF_LD | BPF_MEM, sum);
  compute(BPF_ADD, BPF_X);
  add(BPF_ST, sum);
  add(BPF_LDX | BPF_MEM, header_length);
}

void FilterProgram::require_share(const engine::Share& share, Ipv4HeaderAt header) {
  if (share.is_all()) return;
  const std::uint32_t start = start_of(header);
  if (header == Ipv4HeaderAt::start) {
    add(BPF_LDX | BPF_B | BPF_MSH, 0);
    add(BPF_LD | BPF_W | BPF_LEN);
    compute(BPF_SUB, BPF_X);
    const std::size_t long_enough = instructions_.size();
    add(BPF_JMP | BPF_JGE | BPF_K, ports + 4);
    instructions_[long_enough].jt = 2;  // over the next two instructions
    add(BPF_LD | BPF_IMM, share.index);
    acceptances_.push_back(instructions_.size());
    add(BPF_JMP | BPF_JEQ | BPF_K, 0);  // the first worker accepts the short packet, the others reject it
  } else {
    add(BPF_LDX | BPF_IMM, wire::ipv4_header_size);
  }
  add(BPF_STX, header_length);
  add(BPF_LD | BPF_IMM, 0);
  add(BPF_ST, sum);
  for (std::uint32_t word = addresses; word < ports; word += 4) {
    add_to_sum(BPF_LD | BPF_W | BPF_IND, start + word);
  }
  add(BPF_LD | BPF_B | BPF_IND, start + next_header);
  const std::size_t is_tcp = instructions_.size();
  add(BPF_JMP | BPF_JEQ | BPF_K, wire::next_header::tcp);
  add_to_sum(BPF_LD | BPF_W | BPF_IND, start + ports);
  instructions_[is_tcp].jf = jump(is_tcp, instructions_.size());
  add(BPF_LD | BPF_MEM, sum);
  compute(BPF_MUL, BPF_K, golden_ratio);
  compute(BPF_RSH, BPF_K, 16);
  compute(BPF_MOD, BPF_K, share.count);
  require(BPF_K, share.index);
}

void FilterProgram::require_unfinished_datagram(Ipv4HeaderAt header) {
  const std::uint32_t outer = start_of(header);
  const std::uint32_t inner = outer + wire::ipv4_header_size;
  const std::uint32_t udp = inner + wire::ipv6_header_size;
  require_length(wire::ipv4_header_size + wire::ipv6_header_size + wire::udp::header_size);
  require_at(BPF_B, inner + next_header, wire::next_header::udp);
  require_at(BPF_B, outer, version_4_without_options);
  load(BPF_H, outer + ipv4_offset::fragment);
  compute(BPF_AND, BPF_K, more_fragments_and_offset);
  require(BPF_K, 0);

  load(BPF_H, inner + payload_length);  // equals the length of the UDP datagram
  compute(BPF_ADD, BPF_K, wire::next_header::udp);
  for (std::uint32_t word = inner + addresses; word != udp; word += 2) {
    add(BPF_MISC | BPF_TAX);
    load(BPF_H, word);
    compute(BPF_ADD, BPF_X);
  }
  for (int fold = 0; fold < 2; ++fold) {
    add(BPF_ST, sum);
    compute(BPF_RSH, BPF_K, 16);
    add(BPF_MISC | BPF_TAX);
    add(BPF_LD | BPF_MEM, sum);
    compute(BPF_AND, BPF_K, 0xffff);
    compute(BPF_ADD, BPF_X);
  }
  add(BPF_MISC | BPF_TAX);
  load(BPF_H, udp + wire::udp::checksum_offset);
  require(BPF_X);
}

void FilterProgram::refuse_unfinished_datagram(Ipv4HeaderAt header) {
  const std::vector<std::size_t> others = std::exchange(requirements_, {});
  require_unfinished_datagram(header);
  refusals_.push_back(instructions_.size());
  add(BPF_JMP | BPF_JA);
  // A packet that is no unfinished datagram continues here.
  for (const std::size_t at : std::exchange(requirements_, others)) {
    instructions_[at].jf = jump(at, instructions_.size());
  }
}

std::vector<sock_filter> FilterProgram::keep(std::uint32_t length) {
  const std::size_t accepted = instructions_.size();
  const std::size_t refused = accepted + 1;
  add(BPF_RET | BPF_K, length);
  add(BPF_RET | BPF_K, 0);
  for (const std::size_t at : requirements_) instructions_[at].jf = jump(at, refused);
  for (const std::size_t at : refusals_) instructions_[at].k = static_cast<std::uint32_t>(refused - at - 1);
  for (const std::size_t at : acceptances_) {
    instructions_[at].jt = jump(at, accepted);
    instructions_[at].jf = jump(at, refused);
  }
  return instructions_;
}

}  // namespace sixin4::io
