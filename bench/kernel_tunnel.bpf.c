/* A 6in4 tunnel in the kernel, the contestant `kernel` of `sixin4 bench`: the upper bound for a tunnel in user space.
 * There is one program for each direction and side; tc(8) attaches them to the links of the testbed. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* The IPv4 addresses of the testbed (src/testbed/bed.cpp) in network byte order. */
static const __be32 near_end = bpf_htonl(0xc0000201); /* 192.0.2.1 */
static const __be32 far_end = bpf_htonl(0xc0000202);  /* 192.0.2.2 */

/* A flag of Linux 6.3, which older headers do not define. */
static const __u64 decapsulate_to_ipv6 = 1ULL << 8; /* BPF_F_ADJ_ROOM_DECAP_L3_IPV6 */

struct outer {
  struct ethhdr ethernet;
  struct iphdr ipv4;
} __attribute__((packed, aligned(2)));

static __u32 identification;

/* RFC 1071, over a header without options whose checksum field is 0. */
static __always_inline __u16 header_checksum(const void* header) {
  const __u16* words = header;
  __u32 sum = 0;
  for (unsigned i = 0; i < sizeof(struct iphdr) / sizeof *words; ++i) sum += words[i];
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return (__u16)~sum;
}

static __always_inline int encapsulate(struct __sk_buff* skb, __be32 local, __be32 remote) {
  if (skb->protocol != bpf_htons(ETH_P_IPV6)) return TC_ACT_OK;
  /* A super-packet stays whole: the segments keep their size (BPF_F_ADJ_ROOM_FIXED_GSO), and the kernel segments it
   * after this program, including the outer header, as for the kernel's tunnels. */
  if (bpf_skb_adjust_room(skb, sizeof(struct iphdr), BPF_ADJ_ROOM_MAC,
                          BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_FIXED_GSO) < 0) {
    return TC_ACT_SHOT;
  }
  if (bpf_skb_pull_data(skb, sizeof(struct outer)) < 0) return TC_ACT_SHOT;
  struct outer* outer = (struct outer*)(long)skb->data;
  if ((void*)(outer + 1) > (void*)(long)skb->data_end) return TC_ACT_SHOT;

  /* Each segment has an identification, because receive offload joins packets with consecutive identifications. */
  const __u32 packets = skb->gso_segs > 1 ? skb->gso_segs : 1;
  const __u32 first = __sync_fetch_and_add(&identification, packets);
  outer->ethernet.h_proto = bpf_htons(ETH_P_IP);
  outer->ipv4 = (struct iphdr){
      .version = 4,
      .ihl = sizeof(struct iphdr) / 4,
      .tot_len = bpf_htons((__u16)(skb->len - sizeof(struct ethhdr))),
      .id = bpf_htons((__u16)first),
      .ttl = 64,
      .protocol = IPPROTO_IPV6,
      .saddr = local,
      .daddr = remote,
  };
  outer->ipv4.check = header_checksum(&outer->ipv4);
  return TC_ACT_OK;
}

static __always_inline int decapsulate(struct __sk_buff* skb, __be32 local, __be32 remote) {
  if (skb->protocol != bpf_htons(ETH_P_IP)) return TC_ACT_OK;
  if (bpf_skb_pull_data(skb, sizeof(struct outer)) < 0) return TC_ACT_SHOT;
  struct outer* outer = (struct outer*)(long)skb->data;
  if ((void*)(outer + 1) > (void*)(long)skb->data_end) return TC_ACT_SHOT;
  const struct iphdr ipv4 = outer->ipv4;
  if (ipv4.protocol != IPPROTO_IPV6 || ipv4.saddr != remote || ipv4.daddr != local) return TC_ACT_OK;
  /* No options, no fragments: the link's MTU is large enough for every packet of the testbed. */
  if (ipv4.ihl != sizeof ipv4 / 4 || (ipv4.frag_off & bpf_htons(0x3fff)) != 0) return TC_ACT_SHOT;

  outer->ethernet.h_proto = bpf_htons(ETH_P_IPV6);
  /* A packet that receive offload has joined must keep its segment size. */
  if (bpf_skb_adjust_room(skb, -(__s32)sizeof(struct iphdr), BPF_ADJ_ROOM_MAC,
                          BPF_F_ADJ_ROOM_FIXED_GSO | decapsulate_to_ipv6) < 0) {
    return TC_ACT_SHOT;
  }
  return TC_ACT_OK;
}

SEC("near/egress") int near_egress(struct __sk_buff* skb) { return encapsulate(skb, near_end, far_end); }
SEC("near/ingress") int near_ingress(struct __sk_buff* skb) { return decapsulate(skb, near_end, far_end); }
SEC("far/egress") int far_egress(struct __sk_buff* skb) { return encapsulate(skb, far_end, near_end); }
SEC("far/ingress") int far_ingress(struct __sk_buff* skb) { return decapsulate(skb, far_end, near_end); }

char licence[] SEC("license") = "Dual BSD/GPL";
