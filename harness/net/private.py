"""A network of this process's own: loopback and one interface that leads nowhere, shared with nobody.

Runs that go on side by side then don't see each other's packets and can't meet at a port.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from typing import Final

__all__ = ["enter_private_network"]

_CLONE_NEWNET: Final = 0x40000000
# Endpoints gather from an interface only where a default route leads out of it. These addresses are for documentation;
# what is sent to a gateway vanishes, instead of being an error at once. No link-local address comes up later on.
_COMMANDS: Final = (
    "link set lo up",
    "link add eth0 type veth peer name nowhere",
    "link set nowhere addrgenmode none",
    "link set nowhere up",
    "link set eth0 addrgenmode none",
    "link set eth0 up",
    "addr add 192.0.2.2/24 dev eth0",
    "addr add 2001:db8::2/64 dev eth0 nodad",
    "neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev eth0",
    "neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev eth0",
    "route add default via 192.0.2.1 dev eth0",
    "route add ::/0 via 2001:db8::1 dev eth0",
)


def enter_private_network() -> str:
    """Put this thread, and every thread and process it starts from now on, into a network of its own.

    Returns why that can't be done (then nothing has changed); empty when it is done.
    """
    library = ctypes.CDLL(None, use_errno=True)
    try:
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    except OSError as error:
        return f"this system has no network namespaces: {error}"
    try:
        if library.unshare(_CLONE_NEWNET) != 0:
            return f"a network namespace is refused: {os.strerror(ctypes.get_errno())}"
        try:
            subprocess.run(
                ["ip", "-batch", "-"],  # noqa: S607 - from the path, as every tool of the network
                input="\n".join(_COMMANDS),
                capture_output=True,
                text=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            library.setns(before, _CLONE_NEWNET)
            return f"the network namespace could not be furnished: {getattr(error, 'stderr', '') or error}"
    finally:
        os.close(before)
    return ""
