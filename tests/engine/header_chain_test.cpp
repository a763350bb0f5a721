// Source rules and extension headers: a packet that does not show its upper-layer header does not get past a
// rule.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "translation.hpp"

namespace sixin4::engine {
namespace {

using namespace test_translation;

/// Destination options with a length of 16 bytes.
const Extension options_of_16{60, {0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};

/// `packet` cut to this many bytes, with its length field.
Octets cut_to(Octets packet, std::size_t length) {
  packet.resize(length);
  put_word(packet, 4, length - 40);
  return packet;
}

// RFC 7112: the first fragment is too short, and the second one has the header that a rule judges.
TEST_F(Rejecting, AFirstFragmentWhoseHeaderChainGoesOnInTheNextIsMalformed) {
  const Octets whole = with_extensions(syn(), {fragment_extension(0, true), options_of_16});
  EXPECT_TRUE(out(cut_to(whole, 40 + 8 + 8)).empty());
  EXPECT_EQ(out_counters.dropped(Verdict::malformed), 1U);
}

TEST_F(Rejecting, APacketWhoseHeaderChainRunsPastItsEndIsMalformed) {
  const std::vector<std::vector<Extension>> chains{{options_of_16},
                                                   {{0, {0, 0, 1, 4, 0, 0, 0, 0}}, options_of_16},
                                                   {fragment_extension(0, false), options_of_16},
                                                   {{51, {0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}}}};
  std::uint64_t cut = 0;
  for (const auto& chain : chains) {
    const Octets whole = with_extensions(syn(), chain);
    for (std::size_t length = 40; length < whole.size() - 6; ++length, ++cut) {
      EXPECT_TRUE(out(cut_to(whole, length)).empty()) << length;
    }
    EXPECT_TRUE(out(whole).empty());
  }
  EXPECT_EQ(out_counters.dropped(Verdict::malformed), cut);
  EXPECT_EQ(out_counters.dropped(Verdict::source_rejected), chains.size());
}

TEST_F(Rejecting, WithoutRulesNobodyAsksWhatAHeaderChainSays) {
  const Octets packet = cut_to(with_extensions(syn(), {options_of_16}), 48);
  parameters.source_rules = std::make_shared<SourceRules>();
  EXPECT_EQ(out(packet), Packets{packet});
}

// A later fragment begins with payload, whatever its bytes look like.
TEST_F(Translation, ALaterFragmentIsNeverTooShort) {
  for (const std::uint8_t protocol :
       {std::uint8_t{6}, std::uint8_t{60}, std::uint8_t{44}, std::uint8_t{51}}) {
    Octets packet = with_extensions(from_near(), {fragment_extension(800, false)});
    packet[40] = protocol;
    packet[48] = packet[49] = 0xff;
    for (std::size_t length = 48; length < packet.size(); ++length) {
      EXPECT_EQ(out(cut_to(packet, length)).size(), 1U) << int{protocol} << ' ' << length;
    }
  }
}

TEST_F(Translation, AnErrorMayQuoteAPartOfAHeaderChain) {
  const Octets packet = with_extensions(from_near(), {options_of_16});
  EXPECT_EQ(out(packet).size(), 1U);
  for (std::size_t length = 40; length < packet.size(); ++length) {
    const Octets quoted{packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(length)};
    const Octets error = error_about(near_host, far_host, 3, quoted);
    EXPECT_EQ(out(error).size(), 1U) << length;
    EXPECT_EQ(in(error_about("2001:db8:2::fe", near_host, 3, quoted)).size(), 1U) << length;
  }
  EXPECT_EQ(out_counters.dropped(Verdict::malformed), 0U);
}

}  // namespace
}  // namespace sixin4::engine
