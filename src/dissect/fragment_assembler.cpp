#include "sixin4/dissect/fragment_assembler.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "sixin4/wire/checksum.hpp"

namespace sixin4::dissect {

namespace {

// What a packet costs beside its bytes, so that many small fragments are bounded too.
constexpr std::size_t overhead = 512;

constexpr unsigned congestion_experienced = 3;
constexpr unsigned ecn_bit(unsigned codepoint) {
  return 1U << codepoint;
}

/// Whether fragments with these ECN fields make a packet. RFC 3168 §5.3 leaves Not-ECT beside another to the
/// host, and Linux drops the packet (ip_frag_ecn_table in net/ipv4/inet_fragment.c).
bool agree(unsigned ecn) noexcept {
  return (ecn & ecn_bit(0)) == 0 || ecn == ecn_bit(0);
}

}  // namespace

std::size_t FragmentAssembler::Hash::operator()(const Ipv4FragmentKey& key) const noexcept {
  const std::uint64_t addresses = std::uint64_t{wire::load32<0>(std::span{key.source.address.octets})}
                                      << 32U |
                                  wire::load32<0>(std::span{key.destination.address.octets});
  const std::uint64_t rest = std::uint64_t{key.identification} << 8U | key.protocol;
  constexpr std::uint64_t golden_ratio = 0x9e3779b97f4a7c15;  // spreads what differs in a few bits
  return (std::rotl(addresses * golden_ratio, 32) ^ rest) * golden_ratio;
}

bool FragmentAssembler::Pieces::is_whole() const noexcept {
  return length && !header.empty() && there.size() == 1 && there.front().begin == 0 &&
         there.front().end == *length;
}

std::size_t FragmentAssembler::Pieces::memory() const noexcept {
  return overhead + payload.capacity() + there.capacity() * sizeof(Range);
}

std::optional<Reassembled> FragmentAssembler::add(wire::Bytes fragment, std::chrono::nanoseconds time) {
  given_up_.clear();
  while (!waiting_.empty() && time - waiting_.front().since > lifetime) give_up(waiting_.begin(), false);

  const wire::Ipv4Header header{fragment.first<wire::ipv4_header_size>()};
  const auto pieces = pieces_of({.source = header.source(),
                                 .destination = header.destination(),
                                 .identification = header.identification(),
                                 .protocol = header.protocol()},
                                time);
  bytes_ -= pieces->memory();
  const Fit fit = put(*pieces, fragment, header);
  bytes_ += pieces->memory();
  if (fit == Fit::duplicate) return std::nullopt;
  ++pieces->fragments;
  pieces->latest = time;
  const bool too_large = pieces->length && pieces->header.size() + *pieces->length > wire::ipv4_max_packet;
  // Overlapping fragments are no accident (RFC 1858), and the kernel drops all of the packet.
  if (fit == Fit::contradiction || too_large || (pieces->is_whole() && !agree(pieces->ecn))) {
    give_up(pieces, true);
    return std::nullopt;
  }
  if (pieces->is_whole()) {
    const Reassembled whole = join(*pieces);
    forget(pieces);
    return whole;
  }
  while (bytes_ > most_bytes && waiting_.size() > 1) give_up(waiting_.begin(), false);
  return std::nullopt;
}

void FragmentAssembler::finish() {
  given_up_.clear();
  while (!waiting_.empty()) give_up(waiting_.begin(), false);
}

FragmentAssembler::Waiting::iterator FragmentAssembler::pieces_of(const Ipv4FragmentKey& key,
                                                                  std::chrono::nanoseconds time) {
  const auto [known, is_new] = by_key_.try_emplace(key);
  if (is_new) {
    known->second = waiting_.insert(waiting_.end(), {.key = key, .since = time});
    bytes_ += known->second->memory();
  }
  return known->second;
}

FragmentAssembler::Fit FragmentAssembler::put(Pieces& pieces, wire::Bytes fragment,
                                              const wire::Ipv4Header& header) {
  const std::size_t header_length = header.header_length();
  if (header.total_length() < header_length) return Fit::contradiction;
  const std::size_t begin = header.fragment_offset();
  std::size_t end = begin + header.total_length() - header_length;
  if (header.more_fragments()) end &= ~std::size_t{7};  // offsets count in 8 bytes: more could not be joined
  if (end <= begin || end + wire::ipv4_header_size > wire::ipv4_max_packet) return Fit::contradiction;

  const bool beyond_end =
      pieces.length && (end > *pieces.length || (!header.more_fragments() && end < *pieces.length));
  const bool ends_early = !header.more_fragments() && !pieces.there.empty() && pieces.there.back().end > end;
  if (beyond_end || ends_early) return Fit::contradiction;
  for (const Range& there : pieces.there) {
    if (begin >= there.begin && end <= there.end) return Fit::duplicate;
    if (begin < there.end && end > there.begin) return Fit::contradiction;
  }

  if (!header.more_fragments()) pieces.length = end;
  if (begin == 0)
    pieces.header.assign(fragment.begin(), fragment.begin() + static_cast<std::ptrdiff_t>(header_length));
  pieces.ecn |= ecn_bit(header.tos() & 3U);
  const wire::Bytes payload =
      fragment.subspan(header_length).first(std::min(fragment.size() - header_length, end - begin));
  if (payload.size() < end - begin) pieces.kept = std::min(pieces.kept, begin + payload.size());
  if (pieces.payload.size() < end) pieces.payload.resize(end);
  wire::copy(payload, std::span{pieces.payload}.subspan(begin));

  auto& there = pieces.there;
  const auto behind = std::ranges::find_if(there, [&](const Range& range) { return range.begin >= end; });
  auto mine = there.insert(behind, {.begin = begin, .end = end});
  if (const auto next = mine + 1; next != there.end() && next->begin == mine->end) {
    mine->end = next->end;
    mine = there.erase(next) - 1;
  }
  if (mine != there.begin() && (mine - 1)->end == mine->begin) {
    (mine - 1)->end = mine->end;
    there.erase(mine);
  }
  return Fit::new_bytes;
}

void FragmentAssembler::give_up(Waiting::iterator pieces, bool malformed) {
  given_up_.push_back(
      {.key = pieces->key, .time = pieces->latest, .fragments = pieces->fragments, .malformed = malformed});
  fragments_given_up_ += pieces->fragments;
  forget(pieces);
}

void FragmentAssembler::forget(Waiting::iterator pieces) noexcept {
  bytes_ -= pieces->memory();
  by_key_.erase(pieces->key);
  waiting_.erase(pieces);
}

/// With the first fragment's header, which says that there are no fragments.
Reassembled FragmentAssembler::join(const Pieces& pieces) {
  whole_ = pieces.header;
  const std::size_t length = whole_.size() + *pieces.length;
  const std::size_t kept = std::min(*pieces.length, pieces.kept);
  const auto fixed_part = std::span{whole_}.first<wire::ipv4_header_size>();
  wire::store16<2>(fixed_part, static_cast<std::uint16_t>(length));
  wire::store16<6>(fixed_part, static_cast<std::uint16_t>(wire::load16<6>(fixed_part) & 0xc000U));
  if ((pieces.ecn & ecn_bit(congestion_experienced)) != 0) {
    wire::store8<1>(fixed_part, wire::load8<1>(fixed_part) | congestion_experienced);
  }
  wire::store16<10>(fixed_part, 0);
  wire::store16<10>(fixed_part, wire::sum_of(whole_).checksum());
  whole_.insert(whole_.end(), pieces.payload.begin(),
                pieces.payload.begin() + static_cast<std::ptrdiff_t>(kept));
  return {.packet = whole_, .length = length, .fragments = pieces.fragments};
}

std::uint64_t FragmentAssembler::left_over() const noexcept {
  return std::accumulate(waiting_.begin(), waiting_.end(), fragments_given_up_,
                         [](std::uint64_t sum, const Pieces& pieces) { return sum + pieces.fragments; });
}

}  // namespace sixin4::dissect
