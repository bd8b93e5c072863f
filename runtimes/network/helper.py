"""Makes sockets inside the network namespaces of sandboxes, and hands them to the worker.

Runs on the host, outside any sandbox, once per worker: a process of one thread, which alone can join another's namespaces. For
each request it forks; the child joins the sandbox's network, makes what is asked for, sends the descriptors and ends. Descriptor 0
is the worker's socket: each packet is one request in JSON with two descriptors, a socket for the answer and a pidfd of a process
in the sandbox. It needs no other program and no library, and knows nothing of functions.
"""

import ctypes
import fcntl
import json
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import rules

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
NS_GET_USERNS = 0xB701
CAP_SYS_ADMIN = 21
IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75
MOST_DESCRIPTORS = 16

libc = ctypes.CDLL(None, use_errno=True)


def check(result, call):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def may_join_any_namespace():
    with open("/proc/self/status") as status:
        effective = next(line for line in status if line.startswith("CapEff:"))
    return int(effective.split()[1], 16) >> CAP_SYS_ADMIN & 1


def enter(process, handle, user):
    """Joins the network namespace of a process of a sandbox; as its owner, where the worker has no power over it by itself."""
    is_admin = may_join_any_namespace()
    if user is not None and not is_admin:
        # Root without CAP_SYS_ADMIN, as in a container: the namespace belongs to the sandbox's own user.
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    network = os.open(f"/proc/{process}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    # Still there, so the number was its own when its namespace was opened.
    signal.pidfd_send_signal(handle, 0)
    if os.path.samestat(os.fstat(network), os.stat("/proc/self/ns/net")):
        raise RuntimeError(f"process {process} is in the host's network; expected one in a network of its own.")
    if not is_admin:
        owner = fcntl.ioctl(network, NS_GET_USERNS)
        check(libc.setns(owner, CLONE_NEWUSER), "setns(user)")
    check(libc.setns(network, CLONE_NEWNET), "setns(network)")


def listen(kind, host, port, transparent):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    if kind == "tcp":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if transparent:
        made.setsockopt(*((socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1) if family == socket.AF_INET6 else (socket.SOL_IP, IP_TRANSPARENT, 1)))
    made.bind((host, port))
    if kind == "tcp":
        made.listen(1024)
    return made


def serve(request, answer, handle):
    sockets = []
    try:
        enter(request["process"], handle, request.get("user"))
        if request.get("capture"):
            rules.capture(**request["capture"])
        sockets = [listen(**wanted) for wanted in request["sockets"]]
        text = {}
    except Exception as error:
        text, sockets = {"error": str(error) or repr(error)}, []
    socket.send_fds(answer, [json.dumps(text).encode()], [made.fileno() for made in sockets])
    # Before the end of the answer, for which the worker waits: when it closes a socket, nobody holds it any more.
    for made in sockets:
        made.close()
    answer.close()


def main():
    worker = socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, descriptors, _, _ = socket.recv_fds(worker, 64 << 10, MOST_DESCRIPTORS)
        if not message:
            return
        if os.fork() == 0:
            try:
                answer, handle = descriptors
                serve(json.loads(message), socket.socket(fileno=answer), handle)
            finally:
                os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


if __name__ == "__main__":
    main()
