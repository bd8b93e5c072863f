"""Tries what no function may ever do. Run by the worker at its start, through the launcher that runs users' code.

Reads from standard input where the worker has planted what must not be reachable; prints what held and what did not.
"""

import ctypes
import json
import os
import re
import socket
import sys

CLONE_NEWUSER = 0x10000000
plan = json.load(sys.stdin)
held, broken = [], {}


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
    allowed = set(os.environ)
    for process in processes():
        try:
            variables = contents(f"/proc/{process}/environ").split(b"\0")
        except OSError:
            continue
        foreign = [v for v in variables if v and v.split(b"=")[0].decode(errors="replace") not in allowed]
        if foreign or (process == "1" and any(variables)):
            return f"/proc/{process}/environ holds {len(variables)} variables"


@attempt("processes of the host")
def _():
    seen = processes()
    # bubblewrap's own and this one.
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
        client.settimeout(5)
        client.connect(("127.0.0.1", plan["port"]))
        return f"127.0.0.1:{plan['port']}"


@attempt("the host's abstract sockets")
def _():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + plan["abstract"])
        return plan["abstract"]


@attempt("any network but loopback")
def _():
    interfaces = [name for _, name in socket.if_nameindex() if name != "lo"]
    return " ".join(interfaces)


@attempt("new user namespaces")
def _():
    child = os.fork()
    if child == 0:
        os._exit(0 if ctypes.CDLL(None).unshare(CLONE_NEWUSER) == 0 else 1)
    return os.waitpid(child, 0)[1] == 0 and "unshare(CLONE_NEWUSER) worked"


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
