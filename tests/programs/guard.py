"""Runs a server of the tests, and ends it when the tests end, however they do.

usage: guard.py [--unprivileged] DIRECTORY PROGRAM [ARGUMENT]...

Works in DIRECTORY, and writes what the server prints to DIRECTORY/log. The guard's standard input
is a pipe that the tests hold: the kernel closes it when they are gone, after a panic and SIGKILL
too. Then the server is killed and DIRECTORY removed. A guard that is killed itself takes the
server along.

With --unprivileged a server that refuses to run as root is run as the user `nobody`.
"""

import contextlib
import ctypes
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
PATIENCE = 5


def stop(server):
    """Ends it at once; to PostgreSQL this signal says to leave no shared memory behind."""
    server.send_signal(signal.SIGQUIT)
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    # Its workers, which outlive one that had no time to end them.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)


def main(words):
    """Returns the exit status: the server's own, where it ended by itself."""
    os.setsid()
    is_unprivileged = words[0] == "--unprivileged"
    if is_unprivileged:
        words.pop(0)
    directory, *command = words
    user = pwd.getpwnam("nobody") if is_unprivileged and os.geteuid() == 0 else None
    if user:
        os.chown(directory, user.pw_uid, user.pw_gid)
    linux = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare():
        os.setpgid(0, 0)
        if user:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
        if linux:
            linux.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    with open(os.path.join(directory, "log"), "ab") as log:
        server = subprocess.Popen(
            command,
            cwd=directory,
            env={"PATH": os.environ["PATH"], "HOME": directory, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=prepare,
        )
    has_ended, ended = os.pipe()
    os.set_blocking(ended, False)
    signal.set_wakeup_fd(ended, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while server.poll() is None:
        ready, _, _ = select.select([sys.stdin, has_ended], [], [])
        if sys.stdin in ready:
            stop(server)
            shutil.rmtree(directory, ignore_errors=True)
            return 0
        os.read(has_ended, 64)
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
