#include "sixin4/wire/checksum.hpp"

#include "sixin4/wire/sum_methods.hpp"

namespace sixin4::wire {

InternetSum sum_of_long(Bytes bytes) noexcept {
  static const auto method = sum_methods().front();
  InternetSum sum;
  for (; bytes.size() > SumMethod::longest_range; bytes = bytes.subspan(SumMethod::longest_range)) {
    sum += method.sum(bytes.first(SumMethod::longest_range));
  }
  return sum + method.sum(bytes);
}

InternetSum portable_sum(Bytes bytes) noexcept {
  constexpr std::size_t step = 32;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::uint64_t third = 0;
  std::uint64_t fourth = 0;
  std::uint64_t carries = 0;
  const auto add = [&carries](std::uint64_t& sum, std::uint64_t words) {
    sum += words;
    carries += sum < words ? 1U : 0U;
  };
  std::size_t at = 0;
  for (; bytes.size() - at >= step; at += step) {
    add(first, load_native<std::uint64_t>(bytes, at));
    add(second, load_native<std::uint64_t>(bytes, at + 8));
    add(third, load_native<std::uint64_t>(bytes, at + 16));
    add(fourth, load_native<std::uint64_t>(bytes, at + 24));
  }
  return sum_of_native_words(first) + sum_of_native_words(second) + sum_of_native_words(third) +
         sum_of_native_words(fourth) + sum_of_native_words(carries) + sum_of_short(bytes.subspan(at));
}

}  // namespace sixin4::wire
