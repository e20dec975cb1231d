"""Starts a program in a state that no shell can arrange, by a raw execve.

usage: start.py [OPTION]... -- PROGRAM [ARGUMENT]...

  --environ FILE      the environment block, entries with their NULs, passed on as they are
  --ignore SIGNAL     with this signal ignored
  --block SIGNAL      with this signal blocked
  --close FD          with this descriptor closed
  --open FD=FILE      with a file open for reading
  --umask MODE        in octal
  --nice N            by so much
  --limit NAME=SOFT   a soft limit; `hard` means as much as the hard one
  --session new       as the leader of a session, which has no terminal

Everything else is a clean slate: default dispositions, an empty mask, no descriptor but the
first three, and the environment that it was started with, byte for byte.
"""

import ctypes
import os
import resource
import signal
import sys

NUMBERS = {name: int(number) for name, number in vars(signal).items() if name.startswith("SIG")}


def clean():
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def limit(text):
    name, soft = text.split("=")
    number = getattr(resource, f"RLIMIT_{name}")
    hard = resource.getrlimit(number)[1]
    resource.setrlimit(number, (hard if soft == "hard" else int(soft), hard))


def open_as(text):
    descriptor, path = text.split("=", 1)
    opened = os.open(path, os.O_RDONLY)
    os.dup2(opened, int(descriptor))
    if opened != int(descriptor):
        os.close(opened)
    os.set_inheritable(int(descriptor), True)


def strings(items):
    return (ctypes.c_char_p * (len(items) + 1))(*items, None)


def main(words):
    """Does not return where it succeeds."""
    clean()
    with open("/proc/self/environ", "rb") as file:
        environ = file.read()
    while (option := words.pop(0)) != "--":
        value = words.pop(0)
        if option == "--environ":
            with open(value, "rb") as file:
                environ = file.read()
        elif option == "--ignore":
            signal.signal(NUMBERS[value], signal.SIG_IGN)
        elif option == "--block":
            signal.pthread_sigmask(signal.SIG_BLOCK, [NUMBERS[value]])
        elif option == "--close":
            os.close(int(value))
        elif option == "--open":
            open_as(value)
        elif option == "--umask":
            os.umask(int(value, 8))
        elif option == "--nice":
            os.nice(int(value))
        elif option == "--limit":
            limit(value)
        elif option == "--session":
            os.setsid()
        else:
            return f"start.py: {option} is no option"
    words = [os.fsencode(word) for word in words]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.execve(words[0], strings(words), strings(environ.split(b"\0")[:-1]))
    return f"start.py: {os.strerror(ctypes.get_errno())}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
