#include "sixin4/capture/fragment_assembler.hpp"

#include <algorithm>
#include <numeric>

#include "sixin4/wire/checksum.hpp"

namespace sixin4::capture {

namespace {

// What a packet costs beside its bytes, so that many small fragments are bounded too.
constexpr std::size_t overhead = 512;

}  // namespace

bool FragmentAssembler::Pieces::is_of(const wire::Ipv4Header& fragment) const noexcept {
  return identification == fragment.identification() && protocol == fragment.protocol() &&
         source == fragment.source() && destination == fragment.destination();
}

bool FragmentAssembler::Pieces::is_whole() const noexcept {
  return length && !header.empty() && there.size() == 1 && there.front().begin == 0 &&
         there.front().end == *length;
}

std::size_t FragmentAssembler::Pieces::memory() const noexcept {
  return overhead + payload.capacity() + there.capacity() * sizeof(Range);
}

std::optional<Reassembled> FragmentAssembler::add(wire::Bytes fragment, std::chrono::nanoseconds time) {
  while (!waiting_.empty() && time - waiting_.front().since > lifetime) give_up(waiting_.begin());

  const wire::Ipv4Header header{fragment.first<wire::ipv4_header_size>()};
  // The newest first: fragments of one packet follow each other more often than not.
  const auto found = std::find_if(waiting_.rbegin(), waiting_.rend(),
                                  [&](const Pieces& waiting) { return waiting.is_of(header); });
  auto pieces = found == waiting_.rend() ? waiting_.end() : std::prev(found.base());
  if (pieces == waiting_.end()) {
    waiting_.push_back({.source = header.source(),
                        .destination = header.destination(),
                        .identification = header.identification(),
                        .protocol = header.protocol(),
                        .since = time});
    pieces = std::prev(waiting_.end());
    bytes_ += pieces->memory();
  }
  bytes_ -= pieces->memory();
  const Fit fit = put(*pieces, fragment, header);
  bytes_ += pieces->memory();
  if (fit == Fit::duplicate) {
    ++given_up_;
    return std::nullopt;
  }
  ++pieces->fragments;
  // Overlapping fragments are no accident (RFC 1858), and the kernel drops all of the packet.
  if (fit == Fit::contradiction) {
    give_up(pieces);
    return std::nullopt;
  }
  if (pieces->is_whole()) {
    const Reassembled whole = finish(*pieces);
    bytes_ -= pieces->memory();
    waiting_.erase(pieces);
    return whole;
  }
  while (bytes_ > most_bytes && waiting_.size() > 1) give_up(waiting_.begin());
  return std::nullopt;
}

FragmentAssembler::Fit FragmentAssembler::put(Pieces& pieces, wire::Bytes fragment,
                                              const wire::Ipv4Header& header) {
  const std::size_t header_length = header.header_length();
  if (header.total_length() < header_length) return Fit::contradiction;
  const std::size_t begin = header.fragment_offset();
  std::size_t end = begin + header.total_length() - header_length;
  if (header.more_fragments()) end &= ~std::size_t{7};  // offsets count in 8 bytes: more could not be joined
  if (end <= begin || end + header_length > wire::ipv4_max_packet) return Fit::contradiction;

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
  constexpr unsigned congestion_experienced = 3;
  pieces.congestion = pieces.congestion || (header.tos() & 3U) == congestion_experienced;
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

void FragmentAssembler::give_up(std::list<Pieces>::iterator pieces) noexcept {
  given_up_ += pieces->fragments;
  bytes_ -= pieces->memory();
  waiting_.erase(pieces);
}

/// With the first fragment's header, which says that there are no fragments.
Reassembled FragmentAssembler::finish(const Pieces& pieces) {
  whole_ = pieces.header;
  const std::size_t length = whole_.size() + *pieces.length;
  const std::size_t kept = std::min(*pieces.length, pieces.kept);
  const auto fixed_part = std::span{whole_}.first<wire::ipv4_header_size>();
  wire::store16<2>(fixed_part, static_cast<std::uint16_t>(length));
  wire::store16<6>(fixed_part, static_cast<std::uint16_t>(wire::load16<6>(fixed_part) & 0xc000U));
  if (pieces.congestion) wire::store8<1>(fixed_part, wire::load8<1>(fixed_part) | 3U);
  wire::store16<10>(fixed_part, 0);
  wire::store16<10>(fixed_part, wire::sum_of(whole_).checksum());
  whole_.insert(whole_.end(), pieces.payload.begin(),
                pieces.payload.begin() + static_cast<std::ptrdiff_t>(kept));
  return {.packet = whole_, .length = length, .fragments = pieces.fragments};
}

std::uint64_t FragmentAssembler::left_over() const noexcept {
  return std::accumulate(waiting_.begin(), waiting_.end(), given_up_,
                         [](std::uint64_t sum, const Pieces& pieces) { return sum + pieces.fragments; });
}

}  // namespace sixin4::capture
