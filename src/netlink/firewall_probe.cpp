// Queries nfnetlink, xfrm and /proc for users of the IP layer.
#include "sixin4/netlink/firewall_probe.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>

#include "sixin4/base/system_failure.hpp"

#include "netlink_message.hpp"

namespace sixin4::netlink {

namespace {

/// Lists the objects of a kernel subsystem. A kernel without that subsystem has no objects.
void list(int protocol, const NetlinkRequest& request, const char* action,
          const NetlinkSocket::MessageHandler& on_message) {
  try {
    NetlinkSocket socket{protocol};
    const NetlinkOutcome outcome = socket.exchange(request, on_message);
    // nfnetlink answers EINVAL to requests for a subsystem that is not loaded.
    if (outcome.error == EINVAL || outcome.error == EOPNOTSUPP) return;
    if (outcome.error != 0) throw base::system_failure(action, outcome.error);
    // A list that changed during the dump may lack an object.
    if (outcome.interrupted) throw base::system_failure(action, EAGAIN);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::protocol_not_supported) throw;
  }
}

/// The first nftables table of family ip or inet, as nft(8) names it.
std::optional<std::string> nftables_table() {
  std::optional<std::string> found;
  const NetlinkRequest request(NFNL_SUBSYS_NFTABLES << 8U | NFT_MSG_GETTABLE, NLM_F_DUMP, nfgenmsg{});
  list(NETLINK_NETFILTER, request, "cannot list nftables tables", [&](const nlmsghdr& message) {
    const auto family = family_header<nfgenmsg>(message);
    if (!family || (family->nfgen_family != NFPROTO_IPV4 && family->nfgen_family != NFPROTO_INET)) return;
    const std::string name = NetlinkAttributes(message, sizeof *family).text(NFTA_TABLE_NAME);
    if (!found) found = (family->nfgen_family == NFPROTO_INET ? "inet " : "ip ") + name;
  });
  return found;
}

/// The first word of a file below /proc; nothing if the file is empty or does not exist. Throws
/// std::system_error if the file cannot be read.
std::optional<std::string> first_word_of(const std::filesystem::path& root, const char* name) {
  const std::filesystem::path path = root / name;
  const auto cannot_read = [&path](int error) {
    return base::system_failure("cannot read " + path.string(), error);
  };
  std::ifstream file{path};
  const int error = errno;
  // A kernel without the subsystem has no such file. If `root` does not exist either, /proc is not mounted
  // and the answer is unknown.
  if (!file && error == ENOENT && std::filesystem::exists(root)) return std::nullopt;
  if (!file) throw cannot_read(error);
  std::string word;
  file >> word;
  if (file.bad()) throw cannot_read(EIO);
  return word.empty() ? std::nullopt : std::optional{word};
}

}  // namespace

std::optional<std::string> packet_filter(const std::filesystem::path& proc) {
  if (const auto table = nftables_table()) return "the nftables table " + *table;
  if (const auto table = first_word_of(proc / "net", "ip_tables_names"))
    return "the iptables table " + *table;
  const auto connections = first_word_of(proc / "sys/net", "netfilter/nf_conntrack_count");
  if (connections && *connections != "0") return "connection tracking";
  return std::nullopt;
}

bool has_ipsec_policy() {
  bool found = false;
  const NetlinkRequest request(XFRM_MSG_GETPOLICY, NLM_F_DUMP, xfrm_userpolicy_id{});
  list(NETLINK_XFRM, request, "cannot list IPsec policies", [&](const nlmsghdr& message) {
    const auto policy = family_header<xfrm_userpolicy_info>(message);
    if (policy && policy->dir == XFRM_POLICY_OUT) found = true;
  });
  return found;
}

}  // namespace sixin4::netlink
