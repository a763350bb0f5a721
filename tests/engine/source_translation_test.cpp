// Packets through the source rules and back, with checksums checked by libtins.
#include "sixin4/engine/source_translation.hpp"

#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "translation.hpp"

namespace sixin4::engine {
namespace {

using namespace test_translation;

bool has_right_checksum(const Octets& packet, std::uint8_t protocol) {
  return reference_sum(wire::Bytes{packet}.subspan(40), reference_pseudo_sum(packet, 40, protocol)) == 0xffff;
}

TEST_F(Translation, APacketLeavesWithTheChosenSourceAndItsAnswerComesBack) {
  const auto left = out(from_near());
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0], from_near(payload_of(30), chosen_host));
  const auto back = in(udp_answer());
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].bytes, udp_answer(near_host));
}

TEST_F(Translation, TcpToo) {
  EXPECT_EQ(out(syn()), Packets{syn(chosen_host)});
  const auto back = in(tcp_answer(chosen_host, 0x12));
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].bytes, tcp_answer(near_host, 0x12));
}

TEST_F(Translation, AnEchoIsFollowedByItsIdentifier) {
  EXPECT_EQ(out(echo(near_host, far_host, 128)), Packets{echo(chosen_host, far_host, 128)});
  const auto back = in(echo(far_host, chosen_host, 129));
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].bytes, echo(far_host, near_host, 129));
  const auto other = in(echo(far_host, chosen_host, 129, 10));
  ASSERT_EQ(other.size(), 1U);
  EXPECT_EQ(other[0].bytes, echo(far_host, chosen_host, 129, 10)) << "nobody has asked for it";
}

TEST_F(Translation, AnEchoThatTheFarHostAsksForIsNotOurs) {
  (void)out(echo(near_host, far_host, 128));
  const auto asked = in(echo(far_host, chosen_host, 128));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].bytes, echo(far_host, chosen_host, 128));
  EXPECT_EQ(out(echo(near_host, far_host, 129)), Packets{echo(near_host, far_host, 129)});
}

TEST_F(Translation, AProtocolWithoutPortsHasOneFlowForTwoHosts) {
  Octets packet = serialized(near_host, far_host, 0, Tins::RawPDU(payload_of(40)));
  packet[6] = 50;
  const auto left = out(packet);
  ASSERT_EQ(left.size(), 1U);
  Octets expected = serialized(chosen_host, far_host, 0, Tins::RawPDU(payload_of(40)));
  expected[6] = 50;
  EXPECT_EQ(left[0], expected);
}

TEST_F(Translation, SuperPacketsAreCutWithTheChosenSource) {
  EXPECT_EQ(out(syn()).size(), 1U);
  const Tcp data{.flags = tcp_ack, .payload = payload_of(5000)};
  const auto left = out(super_packet(data, 1400));
  ASSERT_EQ(left.size(), 4U);
  for (const Octets& packet : left) {
    EXPECT_EQ(octets_of(wire::Bytes{packet}.subspan(8, 16)), octets_of(wire::Bytes{chosen.octets}));
    EXPECT_TRUE(has_right_checksum(packet, 6));
  }
}

TEST_F(Translation, AnUnfinishedChecksumGoesOnHoldingThePseudoHeadersSum) {
  const auto left = out(unfinished(Udp{.payload = payload_of(99)}));
  ASSERT_EQ(left.size(), 1U);
  EXPECT_TRUE(has_right_checksum(left[0], 17));
}

TEST_F(Translation, MergedSegmentsStayWhole) {
  (void)out(syn());
  Tins::TCP tcp(40000, 443);
  tcp.flags(tcp_ack);
  Octets merged = answer_to(chosen_host, tcp / Tins::RawPDU(payload_of(6000)));
  unfinish_checksum(merged, 40, 16, 6);
  Octets expected = answer_to(near_host, tcp / Tins::RawPDU(payload_of(6000)));
  unfinish_checksum(expected, 40, 16, 6);
  const auto back = in(merged);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].bytes, expected);
  EXPECT_EQ(back[0].offload.gso, wire::Gso::tcp6);
}

// In UDP 0 means "no checksum", and a checksum of 0 is sent as 0xffff.
TEST_F(Translation, NoUdpChecksumBecomesZero) {
  for (std::uint32_t word = 0; word <= 0xffff; word += 1) {
    Octets payload(2);
    put_word(payload, 0, word);
    const Octets expected = from_near(payload, chosen_host);
    if (word_at(expected, 46) != 0xffff) continue;
    EXPECT_EQ(out(from_near(payload)), Packets{expected});
    return;
  }
  FAIL() << "no payload found";
}

TEST_F(Translation, ADatagramWithoutChecksumGetsNone) {
  Octets packet = from_near();
  put_word(packet, 46, 0);
  const auto left = out(packet);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(word_at(left[0], 46), 0);
}

TEST_F(Translation, FragmentsFollowTheirFirstFragment) {
  const Octets whole = from_near(payload_of(2000));
  const auto fragment = [](const Octets& packet, std::size_t from, std::size_t length, bool more) {
    Octets piece{packet.begin(), packet.begin() + 40};
    piece.insert(piece.end(), packet.begin() + static_cast<std::ptrdiff_t>(40 + from),
                 packet.begin() + static_cast<std::ptrdiff_t>(40 + from + length));
    put_word(piece, 4, length);
    return with_extensions(piece, {fragment_extension(from, more)});
  };
  const Octets outside = from_near(payload_of(2000), chosen_host);
  EXPECT_EQ(out(fragment(whole, 0, 1000, true)), Packets{fragment(outside, 0, 1000, true)});
  EXPECT_EQ(out(fragment(whole, 1000, 1008, false)), Packets{fragment(outside, 1000, 1008, false)});
  const Octets answer = answer_to(chosen_host, Tins::UDP(40000, 53) / Tins::RawPDU(payload_of(2000)));
  const Octets expected = answer_to(near_host, Tins::UDP(40000, 53) / Tins::RawPDU(payload_of(2000)));
  EXPECT_EQ(in(fragment(answer, 0, 1000, true)).at(0).bytes, fragment(expected, 0, 1000, true));
  EXPECT_EQ(in(fragment(answer, 1000, 1008, false)).at(0).bytes, fragment(expected, 1000, 1008, false));
  EXPECT_EQ(out(fragment(whole, 1000, 1008, false), start + 61s), Packets{fragment(whole, 1000, 1008, false)})
      << "too late";
}

TEST_F(Translation, ARoutersErrorFindsTheSender) {
  const Octets left = out(from_near()).at(0);
  const auto told = in(error_about("2001:db8:2::fe", chosen_host, 1, left));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].bytes, error_about("2001:db8:2::fe", near_host, 1, from_near()));
}

TEST_F(Translation, AnErrorThatQuotesLittleFindsTheSenderToo) {
  Octets left = out(syn()).at(0);
  left.resize(48);
  Octets expected = syn();
  expected.resize(48);
  const auto told = in(error_about("2001:db8:2::fe", chosen_host, 3, left));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].bytes, error_about("2001:db8:2::fe", near_host, 3, expected));
}

TEST_F(Translation, OurErrorAboutAnAnswerQuotesWhatTheFarHostHasSent) {
  (void)out(from_near());
  const Octets received = in(udp_answer()).at(0).bytes;
  EXPECT_EQ(out(error_about(near_host, far_host, 1, received)),
            Packets{error_about(chosen_host, far_host, 1, udp_answer())});
  EXPECT_EQ(out(error_about("2001:db8:1::fe", far_host, 1, received)),
            Packets{error_about("2001:db8:1::fe", far_host, 1, udp_answer())})
      << "a router of ours keeps its own address";
}

TEST_F(Translation, AnErrorFromTheIpv4SideFindsTheSender) {
  const Octets left = out(from_near()).at(0);
  const Octets outer = outer_packet(left, {.source = "192.0.2.1", .destination = "198.51.100.2"});
  wire.errors.push_back({{.type = 3, .code = 1}, outer});
  near_tun.written.clear();
  (void)inbound->turn(parameters, start);
  ASSERT_EQ(near_tun.written.size(), 1U);
  const Octets& error = near_tun.written[0].bytes;
  EXPECT_EQ(octets_of(wire::Bytes{error}.subspan(24, 16)),
            octets_of(wire::Bytes{from_near()}.subspan(8, 16)));
  EXPECT_EQ(octets_of(wire::Bytes{error}.subspan(48)), from_near());
  EXPECT_TRUE(has_right_checksum(error, 58));
}

TEST_F(Translation, WhoIsToldOfARefusalFindsItsOwnPacketInIt) {
  parameters.mtu = 1280;
  const Octets large = from_near(payload_of(1300));
  near_tun.written.clear();
  EXPECT_TRUE(out(large).empty());
  ASSERT_EQ(near_tun.written.size(), 1U);
  const Octets& error = near_tun.written[0].bytes;
  EXPECT_EQ(octets_of(wire::Bytes{error}.subspan(48)), octets_of(wire::Bytes{large}.first(1232)));
}

TEST_F(Translation, AConnectionFromOutsideKeepsItsAddress) {
  EXPECT_EQ(in(tcp_answer("2001:db8:1::a", 0x02)).size(), 1U);
  const Octets syn_ack = packet_of(Tcp{.flags = 0x12});
  EXPECT_EQ(out(syn_ack), Packets{syn_ack});
  const auto state = [this] { return parameters.flows->table.list(0, 1000, start).at(0).state; };
  EXPECT_EQ(out(syn_ack), Packets{syn_ack}) << "sent again";
  EXPECT_EQ(state(), FlowState::opening) << "the SYN may have come from anywhere";
  EXPECT_EQ(in(tcp_answer("2001:db8:1::a", 0x10)).size(), 1U);
  EXPECT_EQ(state(), FlowState::opening) << "and so may this";
  const Octets data = packet_of(Tcp{.payload = payload_of(10)});
  EXPECT_EQ(out(data), Packets{data});
  EXPECT_EQ(state(), FlowState::established);
}

TEST_F(Translation, AConnectionIsEstablishedByAnAnswerThatIsNoSyn) {
  const auto state = [this] { return parameters.flows->table.list(0, 1000, start).at(0).state; };
  (void)out(syn());
  (void)in(tcp_answer(chosen_host, 0x02));
  EXPECT_EQ(state(), FlowState::opening);
  (void)in(tcp_answer(chosen_host, 0x12));
  EXPECT_EQ(state(), FlowState::established);
}

TEST_F(Translation, AnAnswerToADatagramFromOutsideKeepsItsAddress) {
  EXPECT_EQ(in(udp_answer(near_host)).size(), 1U);
  EXPECT_EQ(out(from_near()), Packets{from_near()});
}

TEST_F(Translation, TheMiddleOfAnUnknownConnectionKeepsItsAddress) {
  const Octets data = packet_of(Tcp{.payload = payload_of(10)});
  EXPECT_EQ(out(data), Packets{data});
  EXPECT_EQ(parameters.flows->table.size(), 0U);
}

TEST_F(Translation, WhatDoesNotGoFromHostToHostIsNotJudged) {
  parameters.egress_filter = false;
  for (const auto& [source, destination] : std::vector<std::pair<std::string, std::string>>{
           {"fe80::1", far_host}, {near_host, "fe80::2"}, {near_host, "ff0e::1"}, {"::", far_host}}) {
    const Octets packet =
        packet_of(Udp{.payload = payload_of(8), .source = source, .destination = destination});
    EXPECT_EQ(out(packet), Packets{packet}) << source << " > " << destination;
  }
  EXPECT_EQ(parameters.flows->table.size(), 0U);
}

TEST_F(Translation, AFlowKeepsItsAddressWhenTheRulesChange) {
  EXPECT_EQ(out(syn()), Packets{syn(chosen_host)});
  parameters.source_rules = std::make_shared<SourceRules>();
  const Octets data = packet_of(Tcp{.payload = payload_of(10)});
  EXPECT_EQ(out(data), Packets{packet_of(Tcp{.payload = payload_of(10), .source = chosen_host})});
  EXPECT_EQ(in(tcp_answer(chosen_host, 0x12)).at(0).bytes, tcp_answer(near_host, 0x12));
}

TEST_F(Translation, PortsThatAreUsedAgainBeginAnotherConnection) {
  (void)out(syn());
  (void)in(tcp_answer(chosen_host, 0x12));
  (void)out(packet_of(Tcp{.flags = 0x11}));
  (void)in(tcp_answer(chosen_host, 0x11));
  parameters.source_rules = std::make_shared<SourceRules>(
      std::vector{rule_with(SourceAction::keep)}, std::vector<AddressPool>{}, std::vector<SourceTable>{});
  EXPECT_EQ(out(syn()), Packets{syn()});
}

// It may be forged.
TEST_F(Translation, AConnectionThatOutlivesAResetKeepsItsAddress) {
  (void)out(syn());
  (void)in(tcp_answer(chosen_host, 0x12));
  (void)in(tcp_answer(chosen_host, 0x04));
  const Octets data = packet_of(Tcp{.payload = payload_of(10)});
  const Packets left{packet_of(Tcp{.payload = payload_of(10), .source = chosen_host})};
  EXPECT_EQ(out(data), left);
  parameters.flows->table.expire(start + 1h);
  EXPECT_EQ(out(data, start + 1h), left);
}

TEST_F(Translation, WhatTheEgressFilterRefusesTakesNoRoom) {
  parameters.source_rules = std::make_shared<SourceRules>(
      std::vector{rule_with(SourceAction::keep)}, std::vector<AddressPool>{}, std::vector<SourceTable>{});
  EXPECT_TRUE(out(from_near(payload_of(30), "2001:db8:9::1")).empty());
  EXPECT_EQ(out_counters.dropped(Verdict::source_not_ours), 1U);
  EXPECT_EQ(parameters.flows->table.size(), 0U);
}

// RFC 7112. Else the first fragment would hide the header from a rule that rejects it.
TEST_F(Translation, WhatEndsBeforeItsFlowIsKnownIsRefused) {
  Octets packet = syn();
  packet.resize(48);
  put_word(packet, 4, 8);
  EXPECT_TRUE(out(packet).empty());
  EXPECT_TRUE(out(with_extensions(packet, {fragment_extension(0, true)})).empty());
  EXPECT_EQ(out_counters.dropped(Verdict::malformed), 2U);
  parameters.source_rules = std::make_shared<SourceRules>();
  EXPECT_EQ(out(packet).size(), 1U) << "without rules nobody asks";
}

TEST_F(Translation, AnErrorAboutALaterFragmentFindsTheSender) {
  const Octets first = with_extensions(from_near(), {fragment_extension(0, true)});
  const Octets later = with_extensions(from_near(), {fragment_extension(800, false)});
  (void)out(first);
  const Octets left = out(later).at(0);
  const auto told = in(error_about("2001:db8:2::fe", chosen_host, 2, left));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].bytes, error_about("2001:db8:2::fe", near_host, 2, later));
  const Octets answer = with_extensions(udp_answer(), {fragment_extension(0, true)});
  const Octets rest = with_extensions(udp_answer(), {fragment_extension(800, false)});
  (void)in(answer);
  const Octets received = in(rest).at(0).bytes;
  EXPECT_EQ(out(error_about(near_host, far_host, 1, received)),
            Packets{error_about(chosen_host, far_host, 1, rest)});
}

TEST_F(Translation, AForeignSourceMayBeBroughtIntoTheTunnel) {
  EXPECT_EQ(out(from_near(payload_of(30), "2001:db8:9::1")), Packets{from_near(payload_of(30), chosen_host)});
  EXPECT_EQ(out_counters.dropped(Verdict::source_not_ours), 0U);
}

TEST_F(Rejecting, TheSenderHearsThatItIsProhibited) {
  EXPECT_TRUE(out(syn()).empty());
  EXPECT_EQ(out_counters.dropped(Verdict::source_rejected), 1U);
  ASSERT_EQ(near_tun.written.size(), 1U);
  EXPECT_EQ(near_tun.written[0].bytes.at(40), 1);
  EXPECT_EQ(near_tun.written[0].bytes.at(41), 1);
}

TEST_F(Rejecting, LaterFragmentsShareTheFate) {
  Octets packet = from_near();
  EXPECT_TRUE(out(with_extensions(packet, {fragment_extension(0, true)})).empty());
  EXPECT_TRUE(out(with_extensions(packet, {fragment_extension(800, false)})).empty());
  EXPECT_EQ(out_counters.dropped(Verdict::source_rejected), 2U);
}

class SmallTable : public Translation {
 protected:
  SmallTable() : Translation(rule_with(SourceAction::use), 1) {}
};

TEST_F(SmallTable, AFlowThatFindsNoRoomIsRefusedAndItsSenderTold) {
  EXPECT_EQ(out(from_near()).size(), 1U);
  EXPECT_EQ(in(udp_answer()).size(), 1U);
  near_tun.written.clear();
  EXPECT_TRUE(out(syn()).empty());
  EXPECT_EQ(out_counters.dropped(Verdict::flow_table_full), 1U);
  ASSERT_EQ(near_tun.written.size(), 1U);
  EXPECT_EQ(near_tun.written[0].bytes.at(40), 1);
  EXPECT_EQ(near_tun.written[0].bytes.at(41), 3);
  EXPECT_EQ(out(from_near()).size(), 1U) << "the other one goes on";
}

TEST_F(SmallTable, AFlowThatIsNotAnsweredMakesRoomAtOnce) {
  EXPECT_EQ(out(from_near()).size(), 1U);
  EXPECT_EQ(out(syn()), Packets{syn(chosen_host)});
  EXPECT_EQ(in(tcp_answer(chosen_host, 0x12)).size(), 1U);
  EXPECT_TRUE(out(from_near()).empty());
  EXPECT_EQ(out_counters.dropped(Verdict::flow_table_full), 1U);
}

TEST_F(Translation, AFlowThatWouldBeAnothersIsRefused) {
  EXPECT_EQ(out(from_near()).size(), 1U);
  EXPECT_TRUE(out(from_near(payload_of(30), "2001:db8:1::b")).empty());
  EXPECT_EQ(out_counters.dropped(Verdict::pool_exhausted), 1U);
}

}  // namespace
}  // namespace sixin4::engine
