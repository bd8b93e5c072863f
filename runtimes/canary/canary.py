"""Tries what no function may ever do. Run by the worker at its start, through the launcher that runs users' code.

Reads from standard input where the worker has planted what must not be reachable; prints what held and what did not.
"""

import ctypes
import errno
import json
import os
import re
import socket
import sys
import time

CLONE_NEWUSER = 0x10000000
libc = ctypes.CDLL(None, use_errno=True)
plan = json.load(sys.stdin)

# READY (see ../PROTOCOL.md), and then the worker's word that the network is there.
os.write(3, b"\0\0\0\4\1\0\0\0\0")
os.read(3, 1)
held, broken = [], {}

# What is refused is so at once, unless the worker has no time for it now. So long for all connections together: the worker gives up later.
give_up = time.monotonic() + 20


def patience():
    return max(1, give_up - time.monotonic())


def attempt(name):
    """The function tells what it got hold of; nothing, or an error of the system, is what is wanted."""

    def run(function):
        try:
            gained = function()
        except OSError:
            gained = None
        if gained:
            broken[name] = str(gained)[:500]
        else:
            held.append(name)

    return run


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def processes():
    return [entry for entry in os.listdir("/proc") if entry.isdigit()]


@attempt("environment of other processes")
def _():
    allowed = {f"{name}={value}" for name, value in os.environ.items()}
    for process in processes():
        try:
            variables = contents(f"/proc/{process}/environ").split(b"\0")
        except OSError:
            continue
        foreign = [v for v in variables if v and v.decode(errors="surrogateescape") not in allowed]
        if foreign:
            return f"/proc/{process}/environ holds {len(foreign)} variables that are not this program's"


@attempt("processes of the host")
def _():
    seen = processes()
    # The first and this one.
    if len(seen) > 2 or os.getppid() not in (0, 1):
        return f"{len(seen)} processes: {' '.join(seen)}"


@attempt("files of the worker")
def _():
    for root in ["", *(f"/proc/{process}/{link}" for process in processes() for link in ("root", "cwd"))]:
        try:
            if plan["secret"].encode() in contents(root + plan["file"]):
                return root + plan["file"]
        except OSError:
            continue


@attempt("packages of other sandboxes")
def _():
    return os.listdir(plan["otherTask"]) or plan["otherTask"]


@attempt("writing outside /tmp")
def _():
    wrote = []
    for directory in ("/", "/usr", "/usr/lib", "/etc", "/var", "/var/task", "/var/runtime", "/run", "/dev", "/proc"):
        try:
            with open(f"{directory}/canary", "w"):
                wrote.append(directory)
        except OSError:
            pass
    return " ".join(wrote)


@attempt("writing kernel settings")
def _():
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches"):
        try:
            os.close(os.open(path, os.O_WRONLY))
            return path
        except OSError:
            pass


@attempt("the host's loopback")
def _():
    with socket.socket() as client:
        client.settimeout(patience())
        client.connect(("127.0.0.1", plan["port"]))
        return f"127.0.0.1:{plan['port']}"


@attempt("the host's abstract sockets")
def _():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + plan["abstract"])
        return plan["abstract"]


def reaches(host, port):
    """What was captured is accepted first and reset when it is refused; anything but that has reached something."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as client:
        client.settimeout(patience())
        try:
            client.connect((host, port))
            client.send(b"GET / HTTP/1.0\r\n\r\n")
            client.recv(1)
        except TimeoutError:
            pass
        except OSError:
            return None
        return f"{host}:{port}"


@attempt("the host's own addresses")
def _():
    return " ".join(filter(None, (reaches(address, plan["port"]) for address in plan["addresses"])))


@attempt("metadata services")
def _():
    return " ".join(filter(None, (reaches(address, 80) for address in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200"))))


@attempt("the platform's servers")
def _():
    return " ".join(filter(None, (reaches(address, port) for address, port in plan["platform"])))


@attempt("any network but loopback")
def _():
    interfaces = [name for _, name in socket.if_nameindex() if name != "lo"]
    return " ".join(interfaces)


@attempt("new user namespaces")
def _():
    child = os.fork()
    if child == 0:
        os._exit(0 if libc.unshare(CLONE_NEWUSER) == 0 else 1)
    return os.waitpid(child, 0)[1] == 0 and "unshare(CLONE_NEWUSER) worked"


def call(number, *arguments):
    """Makes a system call, and tells the error's number if it is refused."""
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments))
    return 0 if result >= 0 else ctypes.get_errno()


# Each with arguments for which an unfiltered kernel has another answer than EPERM: it carries it out, or finds the arguments wrong.
REFUSED = {
    "keyctl": ((250, 219), (0, -3, 0)),
    "add_key": ((248, 217), (0, 0, 0, 0, 0)),
    "ptrace": ((101, 117), (0x4206, 0x7FFFFFF0, 0, 0)),
    "process_vm_readv": ((310, 270), (0x7FFFFFF0, 0, 0, 0, 0, 0)),
    "personality": ((135, 92), (0x0040000,)),
    "io_uring_setup": ((425, 425), (0, 0)),
    "userfaultfd": ((323, 282), (0x40000000,)),
    "kcmp": ((312, 272), (0x7FFFFFF0, 0x7FFFFFF0, 0, 0, 0)),
    "clone with new namespaces": ((56, 220), (0x10000000 | 0x20000 | 0x200, 0, 0, 0, 0)),
    "ioctl TIOCSTI": ((16, 29), (0, 0x5412, 0)),
    "ioctl TIOCSTI with more bits": ((16, 29), (0, 0x1_0000_5412, 0)),
}


@attempt("forbidden system calls")
def _():
    machine = ("x86_64", "aarch64").index(os.uname().machine)
    answers = {name: call(numbers[machine], *arguments) for name, (numbers, arguments) in REFUSED.items()}
    open_calls = [f"{name} answered {error}" for name, error in answers.items() if error != errno.EPERM]
    for name, number in {"clone3": 435, "a call of the future": 1000}.items():
        if call(number, 0, 0) != errno.ENOSYS:
            open_calls.append(f"{name} exists")
    return ", ".join(open_calls)


@attempt("sockets of other families")
def _():
    for family in (17, 38, 40):  # AF_PACKET, AF_ALG, AF_VSOCK
        try:
            socket.socket(family, socket.SOCK_STREAM).close()
            return f"family {family}"
        except OSError as error:
            if error.errno != errno.EAFNOSUPPORT:
                return f"family {family}: {error}"


@attempt("capabilities")
def _():
    status = contents("/proc/self/status").decode()
    sets = dict(re.findall(r"^(Cap\w+|NoNewPrivs):\s*(\S+)", status, re.MULTILINE))
    if any(int(value, 16) for name, value in sets.items() if name.startswith("Cap")) or sets["NoNewPrivs"] != "1":
        return sets


@attempt("real root")
def _():
    # Whose files look like one's own is who one really is.
    if os.getuid() == 0 or os.stat("/usr").st_uid == os.getuid():
        return f"user {os.getuid()}, who owns /usr"
    os.setuid(0)
    return "setuid(0) worked"


@attempt("descriptors of the worker")
def _():
    # 0 to 2, the control socket, and the one that lists them.
    extra = []
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 3 and os.path.exists(f"/proc/self/fd/{name}") and not os.readlink(f"/proc/self/fd/{name}").endswith("/fd"):
            extra.append(f"{name} -> {os.readlink(f'/proc/self/fd/{name}')}")
    return ", ".join(extra)


@attempt("the kernel's /sys")
def _():
    return os.listdir("/sys")


with open("/tmp/canary", "w") as file:  # What must work, so that a sandbox in which nothing works does not pass.
    file.write("x")
held.append("a writable /tmp")
print(json.dumps({"held": held, "broken": broken}))
