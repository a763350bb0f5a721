#include "flow_page.hpp"

#include <algorithm>
#include <string>

namespace sixin4::tunnel {

namespace {

// Slots of the table in one page: their flows fit into one answer of the control socket.
constexpr std::uint32_t flows_a_page = 2048;

std::string name_of(engine::FlowState state) {
  switch (state) {
    case engine::FlowState::opening:
      return "opening";
    case engine::FlowState::established:
      return "established";
    case engine::FlowState::closing:
      return "closing";
    case engine::FlowState::closed:
      return "closed";
  }
  return {};
}

control::FlowStatus status_of(const engine::FlowTable::Listed& flow) {
  return {.protocol = flow.inside.protocol,
          .source = flow.inside.local,
          .outside_source = flow.outside,
          .destination = flow.inside.remote,
          .source_port = flow.inside.local_port,
          .destination_port = flow.inside.remote_port,
          .state = name_of(flow.state),
          .rule = flow.rule,
          .begun_inside = flow.begun == engine::Direction::out,
          .idle_s = static_cast<std::uint32_t>(flow.idle.count())};
}

}  // namespace

control::FlowPage flow_page(const engine::FlowTable& table, std::uint32_t first, engine::Time now) {
  control::FlowPage page;
  for (const auto& flow : table.list(first, flows_a_page, now)) page.flows.push_back(status_of(flow));
  if (table.bound() - std::min(table.bound(), first) > flows_a_page) page.next = first + flows_a_page;
  return page;
}

}  // namespace sixin4::tunnel
