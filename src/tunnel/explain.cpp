#include "explain.hpp"

#include <string>

#include "sixin4/engine/source.hpp"
#include "sixin4/engine/source_rules.hpp"
#include "sixin4/engine/source_translation.hpp"
#include "sixin4/engine/verdict.hpp"
#include "sixin4/netlink/source_selection.hpp"
#include "sixin4/wire/address_text.hpp"

namespace sixin4::tunnel {

namespace {

/// The reason for the source address, in the terms of RFC 6724.
std::string reason_of(const wire::Ipv6Address& source, const wire::Ipv6Address& destination, int link_index,
                      netlink::Netlink& netlink) {
  const auto reason =
      netlink::reason_for(source, destination, link_index, netlink.host_addresses(), netlink.policy_labels());
  if (!reason) return "a route names it";
  const std::string rival = to_string(reason->rival);
  if (reason->rival.is_unspecified()) return "the only address";
  if (reason->rule == 0) return "RFC 6724 prefers neither it nor " + rival;
  return "RFC 6724 rule " + std::to_string(reason->rule) + ", " + netlink::name_of_source_rule(reason->rule) +
         ", before " + rival;
}

std::string route_text(const netlink::Ipv6Path& path, netlink::Netlink& netlink) {
  const auto link = netlink.link(path.link_index);
  std::string text = path.prefix.length == 0 ? "default" : to_string(path.prefix);
  if (path.gateway) text += " via " + to_string(*path.gateway);
  text += " dev " + (link ? link->name : "if" + std::to_string(path.link_index));
  return text + " table " + (path.table == netlink::main_table ? "main" : std::to_string(path.table));
}

void explain_rules(const engine::FlowKey& flow, const Settings& settings, engine::Time now,
                   control::Explanation& explanation) {
  const engine::TunnelParameters parameters = parameters_of(settings);
  explanation.leaves_as = explanation.source;
  if (parameters.loops) {
    explanation.leaves_as.clear();
    explanation.verdict = engine::name_of(engine::Verdict::loop);
    return;
  }
  explanation.verdict = engine::name_of(engine::Verdict::pass);
  const auto allow = [&](const wire::Ipv6Address& source) {
    const bool may_leave =
        !parameters.egress_filter || source.is_link_local() || engine::is_ours(parameters, source);
    if (may_leave) return;
    explanation.leaves_as.clear();
    explanation.verdict = engine::name_of(engine::Verdict::source_not_ours);
  };
  if (!settings.source_rules || !engine::is_between_hosts(flow)) return allow(flow.local);
  const engine::SourceDecision decision = settings.source_rules->decide(flow, now, 0);
  explanation.rule = decision.rule;
  const auto& rules = settings.configuration.source_rules;
  if (decision.rule != 0) explanation.rule_text = to_string(rules[decision.rule - 1U]);
  switch (decision.action) {
    case engine::SourceAction::keep:
      return allow(flow.local);
    case engine::SourceAction::reject:
      explanation.leaves_as.clear();
      explanation.verdict = engine::name_of(engine::Verdict::source_rejected);
      return;
    case engine::SourceAction::use: {
      const config::SourceRuleText& rule = rules[decision.rule - 1U];
      const bool at_random = rule.mode == engine::PoolMode::random && decision.pool->size() > 1;
      if (at_random) {
        explanation.leaves_as.clear();
        explanation.pool = to_string(settings.configuration.pools[decision.pool_index]);
        return;
      }
      const wire::Ipv6Address source = decision.pool->at(decision.preferred);
      explanation.leaves_as = to_string(source);
      return allow(source);
    }
  }
}

}  // namespace

control::Explanation explain(const control::ExplainQuery& query, const Settings& settings, int link_index,
                             netlink::Netlink& netlink, engine::Time now) {
  control::Explanation explanation{.destination = to_string(query.destination)};
  const auto path = netlink.ipv6_path_to(query.destination, query.from);
  const auto source = query.from || !path ? query.from : path->source;
  if (source) explanation.source = to_string(*source);
  if (query.from) {
    explanation.source_reason = "as requested";
  } else if (source) {
    explanation.source_reason = reason_of(*source, query.destination, path->link_index, netlink);
  }
  if (!path) return explanation;
  explanation.route = route_text(*path, netlink);
  explanation.enters_tunnel = path->link_index == link_index;
  if (!explanation.enters_tunnel || !source) return explanation;
  explanation.mtu = parameters_of(settings).mtu;
  explain_rules({.local = *source,
                 .remote = query.destination,
                 .local_port = 0,
                 .remote_port = query.port,
                 .protocol = query.protocol},
                settings, now, explanation);
  if (!settings.underlay.no_path.empty() && explanation.verdict == engine::name_of(engine::Verdict::pass)) {
    explanation.leaves_as.clear();
    explanation.pool.clear();
    explanation.verdict = engine::name_of(engine::Verdict::wire_error);
    explanation.verdict_reason = settings.underlay.no_path;
  }
  return explanation;
}

}  // namespace sixin4::tunnel
