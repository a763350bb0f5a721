// Checksums by vector units. One instruction adds neighbouring 16-bit words into a 32-bit lane; the rest of a
// range is summed as a short one.
#include "sixin4/wire/sum_methods.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace sixin4::wire {

namespace {

#if defined(__x86_64__)

// PMADDWD takes signed words, so each word is lowered by 2^15, and the sum is raised again at the end. A step
// changes a lane of each sum by at most 2^16, so the two sums of the longest range (2^14 steps) fit one lane.
constexpr std::uint64_t lowered_by = 0x8000;

__m128i lowered_words_128(Bytes bytes, std::size_t at) noexcept {
  __m128i words;
  std::memcpy(&words, bytes.subspan(at, sizeof words).data(), sizeof words);
  return _mm_xor_si128(words, _mm_set1_epi16(static_cast<short>(lowered_by)));
}

InternetSum sse2_sum(Bytes bytes) noexcept {
  constexpr std::size_t step = 2 * sizeof(__m128i);
  const __m128i ones = _mm_set1_epi16(1);
  __m128i first = _mm_setzero_si128();
  __m128i second = _mm_setzero_si128();
  std::size_t at = 0;
  for (; bytes.size() - at >= step; at += step) {
    first = _mm_add_epi32(first, _mm_madd_epi16(lowered_words_128(bytes, at), ones));
    second = _mm_add_epi32(second, _mm_madd_epi16(lowered_words_128(bytes, at + sizeof first), ones));
  }
  first = _mm_add_epi32(first, second);
  std::array<std::int32_t, 4> lanes{};
  std::memcpy(lanes.data(), &first, sizeof first);
  const std::int64_t sum = std::int64_t{lanes[0]} + lanes[1] + lanes[2] + lanes[3];
  return sum_of_native_words(static_cast<std::uint64_t>(sum) + at / 2 * lowered_by) +
         sum_of_short(bytes.subspan(at));
}

[[gnu::target("avx2")]] __m256i lowered_words_256(Bytes bytes, std::size_t at) noexcept {
  __m256i words;
  std::memcpy(&words, bytes.subspan(at, sizeof words).data(), sizeof words);
  return _mm256_xor_si256(words, _mm256_set1_epi16(static_cast<short>(lowered_by)));
}

[[gnu::target("avx2")]] InternetSum avx2_sum(Bytes bytes) noexcept {
  constexpr std::size_t step = 2 * sizeof(__m256i);
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i first = _mm256_setzero_si256();
  __m256i second = _mm256_setzero_si256();
  std::size_t at = 0;
  for (; bytes.size() - at >= step; at += step) {
    first = _mm256_add_epi32(first, _mm256_madd_epi16(lowered_words_256(bytes, at), ones));
    second = _mm256_add_epi32(second, _mm256_madd_epi16(lowered_words_256(bytes, at + sizeof first), ones));
  }
  first = _mm256_add_epi32(first, second);
  const __m256i wide = _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(first)),
                                        _mm256_cvtepi32_epi64(_mm256_extracti128_si256(first, 1)));
  const __m128i half = _mm_add_epi64(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
  const std::int64_t sum = _mm_cvtsi128_si64(half) + _mm_extract_epi64(half, 1);
  return sum_of_native_words(static_cast<std::uint64_t>(sum) + at / 2 * lowered_by) +
         sum_of_short(bytes.subspan(at));
}

struct Methods {
  std::array<SumMethod, 3> all{};
  std::size_t count = 0;
};

Methods methods_of_this_processor() noexcept {
  constexpr SumMethod sse2{.name = "sse2", .sum = sse2_sum};
  constexpr SumMethod portable{.name = "portable", .sum = portable_sum};
  if (!__builtin_cpu_supports("avx2")) return {.all = {sse2, portable}, .count = 2};
  return {.all = {{{.name = "avx2", .sum = avx2_sum}, sse2, portable}}, .count = 3};
}

#elif defined(__aarch64__)

InternetSum neon_sum(Bytes bytes) noexcept {
  constexpr std::size_t step = 2 * sizeof(uint8x16_t);
  uint32x4_t first = vdupq_n_u32(0);
  uint32x4_t second = vdupq_n_u32(0);
  std::size_t at = 0;
  for (; bytes.size() - at >= step; at += step) {
    const Bytes words = bytes.subspan(at, step);
    first = vpadalq_u16(first, vreinterpretq_u16_u8(vld1q_u8(words.data())));
    second = vpadalq_u16(second, vreinterpretq_u16_u8(vld1q_u8(words.subspan(sizeof first).data())));
  }
  return sum_of_native_words(vaddlvq_u32(first) + vaddlvq_u32(second)) + sum_of_short(bytes.subspan(at));
}

struct Methods {
  std::array<SumMethod, 2> all{
      {{.name = "neon", .sum = neon_sum}, {.name = "portable", .sum = portable_sum}}};
  std::size_t count = 2;
};

Methods methods_of_this_processor() noexcept {
  return {};
}

#else

struct Methods {
  std::array<SumMethod, 1> all{{{.name = "portable", .sum = portable_sum}}};
  std::size_t count = 1;
};

Methods methods_of_this_processor() noexcept {
  return {};
}

#endif

}  // namespace

std::span<const SumMethod> sum_methods() noexcept {
  static const Methods methods = methods_of_this_processor();
  return std::span{methods.all}.first(methods.count);
}

}  // namespace sixin4::wire
