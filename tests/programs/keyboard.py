"""Runs a program on a terminal of its own, and types there.

usage: keyboard.py [--when TEXT --type TEXT]... -- PROGRAM [ARGUMENT]...

The program leads a session whose terminal is new, and its group is in the foreground. Each text is
typed when the one before it has been shown, in their order; `^C`, `^Z` and `\\n` are the keys. All
that the terminal shows goes to standard output; the exit status is the program's, 128+n for a
signal.
"""

import os
import pty
import select
import sys
import time

LONGEST = 30
KEYS = {"^C": "\x03", "^Z": "\x1a", "\\n": "\n"}


def parse(words):
    script = []
    while words[0] != "--":
        when, shown, kind, typed = words[:4]
        assert (when, kind) == ("--when", "--type"), words
        for name, key in KEYS.items():
            typed = typed.replace(name, key)
        script.append((shown.encode(), typed.encode()))
        words = words[4:]
    return script, words[1:]


def main(words):
    script, program = parse(words)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(program[0], program)
    shown, seen, until = b"", 0, time.monotonic() + LONGEST
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            # Nobody has the terminal open any more.
            break
        if not piece:
            break
        shown += piece
        while script and script[0][0] in shown[seen:]:
            seen = shown.index(script[0][0], seen) + len(script[0][0])
            os.write(terminal, script.pop(0)[1])
    sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
    sys.stdout.flush()
    if time.monotonic() >= until:
        os.kill(pid, 9)
        return "keyboard.py: it did not end"
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
