"""The part of a service manager that starts a service of `Type=notify`.

usage: service_manager.py SOCKET PROGRAM [ARGUMENT]...

Starts the program with NOTIFY_SOCKET, and waits until it says that it is ready. What counts is
the sender that the kernel names, as with `NotifyAccess=main`. Ends the program and prints what
it heard.
"""

import os
import signal
import socket
import struct
import subprocess
import sys

CREDENTIALS = struct.Struct("3i")
LONGEST_WAIT = 20


def main(path, command):
    """Returns the exit status."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        listener.settimeout(LONGEST_WAIT)
        listener.bind(path)
        service = subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": path})
        try:
            message, ancillary, _, _ = listener.recvmsg(4096, socket.CMSG_SPACE(CREDENTIALS.size))
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait()
    sender = CREDENTIALS.unpack(ancillary[0][2])[0]
    is_main = "the main process" if sender == service.pid else f"{sender}, not {service.pid}"
    print(f"{message.decode()} from {is_main}, ended by {-service.returncode}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
