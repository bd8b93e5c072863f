"""Routes and nftables rules of a sandbox's network, as the netlink messages that ip(8) and nft(8) would send.

Written out here because both programs would cost several milliseconds for each sandbox, and need to be installed. In their words:

    ip link set lo up
    ip address add 192.0.0.8/32 dev lo
    ip route add local default dev lo src 192.0.0.8
    ip -6 route add local default dev lo
    table inet faas {
        chain capture {
            type filter hook prerouting priority mangle; policy accept;
            ip daddr 127.0.0.0/8 accept
            ip6 daddr ::1 accept
            meta nfproto ipv4 meta l4proto tcp tproxy ip to 127.0.0.1:PORT
            meta nfproto ipv6 meta l4proto tcp tproxy ip6 to [::1]:PORT
        }
    }
"""

import errno
import os
import socket
import struct

NLMSG_ERROR = 2
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE, NLM_F_APPEND = 1, 4, 0x200, 0x400, 0x800
NLA_F_NESTED = 0x8000
NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12

RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE = 16, 20, 24
LOOPBACK = 1
IFF_UP = 1
IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_OIF, RTA_PREFSRC = 4, 7
RT_TABLE_LOCAL, RTPROT_STATIC, RT_SCOPE_HOST, RTN_LOCAL = 255, 4, 254, 2

NFTABLES = 10
BATCH_BEGIN, BATCH_END = 0x10, 0x11
NEW_TABLE, NEW_CHAIN, NEW_RULE = (NFTABLES << 8 | message for message in (0, 3, 6))
INET, IPV4, IPV6 = 1, 2, 10
PREROUTING, MANGLE = 0, -150
ACCEPT = 1
VERDICT, REGISTER_1, REGISTER_2 = 0, 1, 2
NETWORK_HEADER = 1
META_PROTOCOL_FAMILY, META_TRANSPORT = 15, 16
NAME = b"faas\0"
CHAIN = b"capture\0"

# RFC 7600's dummy address: one that programs may see as their own, and that nobody on any network has.
SOURCE = "192.0.0.8"


def attribute(kind, value):
    size = 4 + len(value)
    return struct.pack("=HH", size, kind) + value + bytes(-size % 4)


def nested(kind, *attributes):
    return attribute(kind | NLA_F_NESTED, b"".join(attributes))


def number(kind, value):
    return attribute(kind, struct.pack(">i", value))


def message(kind, flags, body, sequence=0):
    return struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | flags, sequence, 0) + body


def exchange(protocol, messages, acknowledged):
    """Sends them all, and reads as many acknowledgements; the numbers of those that failed, with their errors."""
    failed = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as kernel:
        kernel.settimeout(5)
        kernel.send(b"".join(messages))
        while acknowledged > 0:
            answer = kernel.recv(64 << 10)
            while len(answer) >= 20:
                size, kind, _, sequence, _, code = struct.unpack_from("=IHHIIi", answer)
                if kind == NLMSG_ERROR:
                    acknowledged -= 1
                    if code:
                        failed[sequence] = -code
                answer = answer[size + 3 & ~3 :]
    return failed


def refuse(number, what):
    raise OSError(number, f"{what}: {os.strerror(number)}")


def route(ipv6, has_ipv6_source):
    source = socket.inet_aton(SOURCE)
    flags = NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL

    def default(family, *attributes):
        header = struct.pack("=BBBBBBBBI", family, 0, 0, 0, RT_TABLE_LOCAL, RTPROT_STATIC, RT_SCOPE_HOST, RTN_LOCAL, 0)
        return header + attribute(RTA_OIF, struct.pack("=I", LOOPBACK)) + b"".join(attributes)

    def address(family, length, value):
        return struct.pack("=BBBBI", family, length, 0, RT_SCOPE_HOST, LOOPBACK) + attribute(IFA_LOCAL, value) + attribute(IFA_ADDRESS, value)

    messages = [
        message(RTM_NEWLINK, NLM_F_ACK, struct.pack("=BxHiII", 0, 0, LOOPBACK, IFF_UP, IFF_UP), 1),
        message(RTM_NEWADDR, flags, address(socket.AF_INET, 32, source), 2),
        message(RTM_NEWROUTE, flags, default(socket.AF_INET, attribute(RTA_PREFSRC, source)), 3),
    ]
    if ipv6:
        messages.append(message(RTM_NEWROUTE, flags, default(socket.AF_INET6), 4))
    if ipv6 and has_ipv6_source:
        messages.append(message(RTM_NEWADDR, flags, address(socket.AF_INET6, 128, socket.inet_pton(socket.AF_INET6, "fd66:6161:7300::8")), 5))
    failed = exchange(NETLINK_ROUTE, messages, len(messages))
    for sequence, code in failed.items():
        if code != errno.EEXIST:
            refuse(code, f"routing, message {sequence}")


def expression(name, *attributes):
    return nested(1, attribute(1, name.encode() + b"\0"), nested(2, *attributes))


def load_meta(key):
    return expression("meta", number(2, key), number(1, REGISTER_1))


def load_header(offset, size):
    return expression("payload", number(1, REGISTER_1), number(2, NETWORK_HEADER), number(3, offset), number(4, size))


def is_equal(value):
    return expression("cmp", number(1, REGISTER_1), number(2, 0), nested(3, attribute(1, value)))


def put(register, value):
    return expression("immediate", number(1, register), nested(2, attribute(1, value)))


def accept():
    return expression("immediate", number(1, VERDICT), nested(2, nested(2, number(1, ACCEPT))))


def table(port, ipv6):
    def part(kind, flags, *attributes, family=INET, resource=0, sequence=0):
        return message(kind, flags, struct.pack(">BBH", family, 0, resource) + b"".join(attributes), sequence)

    def rule(sequence, *expressions):
        return part(NEW_RULE, NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND, attribute(1, NAME), attribute(2, CHAIN), nested(4, *expressions), sequence=sequence)

    def take(sequence, family, address):
        return rule(
            sequence,
            load_meta(META_PROTOCOL_FAMILY),
            is_equal(bytes([family])),
            load_meta(META_TRANSPORT),
            is_equal(bytes([socket.IPPROTO_TCP])),
            put(REGISTER_1, address),
            put(REGISTER_2, struct.pack(">H", port)),
            expression("tproxy", number(1, family), number(2, REGISTER_1), number(3, REGISTER_2)),
        )

    rules = [
        # Whole first byte: 127.0.0.0/8.
        rule(3, load_meta(META_PROTOCOL_FAMILY), is_equal(bytes([IPV4])), load_header(16, 1), is_equal(b"\x7f"), accept()),
        rule(4, load_meta(META_PROTOCOL_FAMILY), is_equal(bytes([IPV6])), load_header(24, 16), is_equal(bytes(15) + b"\1"), accept()),
        take(5, IPV4, socket.inet_aton("127.0.0.1")),
    ]
    if ipv6:
        rules.append(take(6, IPV6, bytes(15) + b"\1"))
    messages = [
        part(BATCH_BEGIN, 0, family=0, resource=NFTABLES),
        part(NEW_TABLE, NLM_F_ACK | NLM_F_CREATE, attribute(1, NAME), sequence=1),
        part(
            NEW_CHAIN,
            NLM_F_ACK | NLM_F_CREATE,
            attribute(1, NAME),
            attribute(3, CHAIN),
            nested(4, number(1, PREROUTING), number(2, MANGLE)),
            number(5, ACCEPT),
            attribute(7, b"filter\0"),
            sequence=2,
        ),
        *rules,
        part(BATCH_END, 0, family=0, resource=NFTABLES),
    ]
    failed = exchange(NETLINK_NETFILTER, messages, 2 + len(rules))
    if failed:
        sequence, code = next(iter(failed.items()))
        refuse(code, f"nftables, message {sequence}")


def capture(port, ipv6, has_ipv6_source):
    """Leads every TCP connection that is not to the sandbox's own loopback to a transparent listener on the loopback's port."""
    route(ipv6, has_ipv6_source)
    table(port, ipv6)
