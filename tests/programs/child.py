"""A child that says what happens to it.

usage: child.py record           prints its process id, then each signal that it is sent, by number
       child.py count            prints `ready`; on TERM or QUIT how many INT it was sent, and ends
                                 with 4
       child.py orphans COUNT    leaves so many grandchildren to whoever adopts them, waits until
                                 none of them is left, not even as a zombie, and says so
       child.py survivor FILE    ends with 5, and leaves a process in its group that writes FILE
                                 when it is sent TERM
"""

import os
import signal
import sys
import time

LONGEST_WAIT = 20


def say(text):
    os.write(1, f"{text}\n".encode())


def record():
    every = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    signal.pthread_sigmask(signal.SIG_BLOCK, every)
    say(os.getpid())
    while True:
        say(signal.sigwaitinfo(every).si_signo)


def count():
    waited_for = {signal.SIGCONT, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, waited_for)
    counted = 0
    say("ready")
    while True:
        number = signal.sigwaitinfo(waited_for).si_signo
        if number == signal.SIGCONT:
            say("continued")
        elif number == signal.SIGINT:
            counted += 1
            say("int")
        else:
            say(f"counted {counted}")
            sys.exit(4)


def children_of(parent):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(name))
    return found


def orphans(count):
    answers, answer = os.pipe()
    for _ in range(count):
        read, write = os.pipe()
        middle = os.fork()
        if middle == 0:
            if os.fork() == 0:
                # The read ends when the one in the middle is gone, and its parent is another.
                os.close(write)
                os.read(read, 1)
                os.write(answer, b"y" if os.getppid() == parent else b"n")
                os._exit(0)
            os._exit(0)
        os.waitpid(middle, 0)
        os.close(read)
        os.close(write)
    os.close(answer)
    adopted = 0
    while data := os.read(answers, 4096):
        adopted += data.count(b"y")
    end = time.monotonic() + LONGEST_WAIT
    while (left := set(children_of(parent)) - {os.getpid()}) and time.monotonic() < end:
        time.sleep(0.01)
    say(f"{adopted} orphans adopted, {len(left)} left")


def survivor(path):
    read, write = os.pipe()
    if os.fork() == 0:
        def end(*_):
            with open(path, "w") as file:
                file.write("terminated")
            os._exit(0)

        signal.signal(signal.SIGTERM, end)
        os.write(write, b"x")
        os.close(1)
        os.close(2)
        time.sleep(LONGEST_WAIT)
        os._exit(1)
    os.read(read, 1)
    os._exit(5)


if __name__ == "__main__":
    parent = os.getppid()
    mode, *rest = sys.argv[1:]
    if mode == "record":
        record()
    elif mode == "count":
        count()
    elif mode == "orphans":
        orphans(int(rest[0]))
    else:
        survivor(rest[0])
