"""Runs a program on a terminal of its own, as its session's leader, and talks to it.

usage: terminal.py [STEP]... -- PROGRAM [ARGUMENT]...

  expect=TEXT     wait until the terminal shows TEXT after what was expected before
  send=TEXT       type TEXT
  size=ROWSxCOLS  change the size
  signal=NAME     send a signal to the program
  never=TEXT      TEXT must not have been shown so far

In TEXT, escapes are Python's: \\x03 is Ctrl-C. The size is 24x80 at first. At the end everything
that was shown is printed, then `status N`; a step that fails says so and ends with 1.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

LONGEST_WAIT = 20


def resize(descriptor, text):
    rows, columns = (int(part) for part in text.split("x"))
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Session:
    def __init__(self, words):
        start, wait = os.pipe()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.close(wait)
            os.read(start, 1)
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_DFL)
            os.execvp(words[0], words)
        resize(self.terminal, "24x80")
        os.close(wait)
        os.close(start)
        self.shown = b""
        self.seen = 0

    def read(self, timeout):
        """Whether there can be more."""
        if not select.select([self.terminal], [], [], timeout)[0]:
            return True
        try:
            data = os.read(self.terminal, 65536)
        except OSError:
            return False
        self.shown += data
        return bool(data)

    def expect(self, text):
        end = time.monotonic() + LONGEST_WAIT
        while (at := self.shown.find(text, self.seen)) < 0:
            if time.monotonic() > end or not self.read(0.1):
                if self.shown.find(text, self.seen) < 0:
                    self.fail(b"was not shown: " + text)
        self.seen = at + len(text)

    def fail(self, text):
        sys.stdout.buffer.write(self.shown + b"\n-- " + text + b"\n")
        sys.stdout.flush()
        os.kill(self.pid, signal.SIGKILL)
        sys.exit(1)

    def step(self, step):
        name, _, text = step.partition("=")
        data = text.encode().decode("unicode_escape").encode("latin-1")
        if name == "expect":
            self.expect(data)
        elif name == "send":
            os.write(self.terminal, data)
        elif name == "size":
            resize(self.terminal, text)
        elif name == "signal":
            os.kill(self.pid, getattr(signal, text))
        elif name == "never":
            if data in self.shown:
                self.fail(b"was shown: " + data)
        else:
            self.fail(b"no step: " + step.encode())

    def end(self):
        end = time.monotonic() + LONGEST_WAIT
        while self.read(0.1):
            if time.monotonic() > end:
                self.fail(b"it does not end")
        sys.stdout.buffer.write(self.shown)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        sys.stdout.buffer.write(b"status %d\n" % status)


def main(words):
    at = words.index("--")
    session = Session(words[at + 1 :])
    for step in words[:at]:
        session.step(step)
    session.end()


if __name__ == "__main__":
    main(sys.argv[1:])
