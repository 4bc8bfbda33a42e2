"""Network namespaces on this machine, joined by bridges. They end with the process that made them,
however it ends: nothing but its descriptors and its children holds them."""
import ctypes
import os
import shutil
import signal
import subprocess

CLONE_NEWUSER, CLONE_NEWNET, PR_SET_PDEATHSIG = 0x10000000, 0x40000000, 1
IP = shutil.which("ip", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
_libc = ctypes.CDLL(None, use_errno=True)


class NotAllowed(Exception):
    """What this machine lacks or forbids."""


def _call(function, *arguments):
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _become_root_of_nothing():
    """A user namespace: there everybody may make networks."""
    user, group = os.getuid(), os.getgid()
    _call(_libc.unshare, CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"),
                       ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _open_network():
    return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Namespace:
    """One more network, empty. `with` it, what this thread starts lives there."""

    def __init__(self):
        self.home = _open_network()
        _call(_libc.unshare, CLONE_NEWNET)
        self.network = _open_network()
        self.__exit__()
        with self:
            ip("link", "set", "lo", "up")

    def __enter__(self):
        _call(_libc.setns, self.network, CLONE_NEWNET)

    def __exit__(self, *_):
        _call(_libc.setns, self.home, CLONE_NEWNET)

    def close(self):
        os.close(self.home)
        os.close(self.network)


def end_with_parent():
    """For a child that lasts, before it runs a program."""
    _call(_libc.prctl, PR_SET_PDEATHSIG, signal.SIGKILL)


def ip(*words):
    done = subprocess.run([IP, *map(str, words)], capture_output=True, check=False, timeout=30)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(map(str, words))}: {done.stderr.decode().strip()}")


def enter_own_network():
    """Moves this process, which has no threads yet, out of the machine's network."""
    if IP is None:
        raise NotAllowed("no ip: apt-get install iproute2")
    try:
        try:
            _call(_libc.unshare, CLONE_NEWNET)
        except PermissionError:
            _become_root_of_nothing()
            _call(_libc.unshare, CLONE_NEWNET)
        ip("link", "set", "lo", "up")
        ip("link", "add", "probe", "type", "bridge")
        ip("link", "add", "probe0", "type", "veth", "peer", "name", "probe1")
        ip("link", "del", "probe0")
        ip("link", "del", "probe")
    except OSError as error:
        raise NotAllowed(f"no network namespaces here: {error}") from error
