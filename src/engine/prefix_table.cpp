#include "sixin4/engine/prefix_table.hpp"

#include <algorithm>
#include <optional>

namespace sixin4::engine {

namespace {

/// The address after `last`; empty after the last address of all.
std::optional<wire::Ipv6Address> next_after(const wire::Ipv6Address& last) noexcept {
  const std::uint64_t low = last.low() + 1;
  const std::uint64_t high = last.high() + (low == 0 ? 1 : 0);
  if (low == 0 && high == 0) return std::nullopt;
  return wire::Ipv6Address::of_words(high, low);
}

}  // namespace

PrefixTable::PrefixTable(std::vector<Entry> entries) {
  for (Entry& entry : entries) entry.prefix.address = range_of(entry.prefix).first;
  // Sorts a prefix before the prefixes in it.
  std::ranges::stable_sort(entries, {}, [](const Entry& entry) { return entry.prefix; });

  const auto begin = [this](const wire::Ipv6Address& address, Value value) {
    const bool same_start =
        !starts_.empty() && starts_.back().high == address.high() && starts_.back().low == address.low();
    if (same_start) {
      values_.back() = value;
    } else {
      starts_.push_back({.high = address.high(), .low = address.low()});
      values_.push_back(value);
    }
  };
  std::vector<const Entry*> nested;  // the prefixes that contain the current address, the longest last
  const auto end_before = [&](const wire::Ipv6Address* next) {
    while (!nested.empty()) {
      const auto last = range_of(nested.back()->prefix).last;
      if (next != nullptr && *next <= last) return;
      nested.pop_back();
      if (const auto rest = next_after(last)) begin(*rest, nested.empty() ? absent : nested.back()->value);
    }
  };
  for (const Entry& entry : entries) {
    end_before(&entry.prefix.address);
    begin(entry.prefix.address, entry.value);
    nested.push_back(&entry);
  }
  end_before(nullptr);
  for (std::size_t at = 0; at < starts_.size(); at += block) blocks_.push_back(starts_[at]);
}

PrefixTable::Value PrefixTable::find(const wire::Ipv6Address& address) const noexcept {
  const Start wanted{.high = address.high(), .low = address.low()};
  if (starts_.empty()) return absent;
  const std::size_t first = last_up_to(blocks_, wanted) * block;
  const auto rest = std::span{starts_}.subspan(first, std::min(block, starts_.size() - first));
  const std::size_t found = first + last_up_to(rest, wanted);
  const Start& start = starts_[found];
  const bool before_all = start.high > wanted.high || (start.high == wanted.high && start.low > wanted.low);
  return before_all ? absent : values_[found];
}

std::size_t PrefixTable::last_up_to(std::span<const Start> starts, const Start& address) noexcept {
  std::size_t first = 0;
  for (std::size_t length = starts.size(); length > 1;) {
    const std::size_t half = length / 2;
    const Start& middle = starts[first + half];
    const bool up_to =
        middle.high < address.high || (middle.high == address.high && middle.low <= address.low);
    first = up_to ? first + half : first;
    length -= half;
  }
  return first;
}

}  // namespace sixin4::engine
