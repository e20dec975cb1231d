"""A provider of Summon that knows legacy mode alone, written after its published protocol
(github.com/cyberark/summon, pkg/provider/provider.go): started with one id it prints its value; without
one it prints how it is used on standard error, and fails.

It finds values in `values.json` beside the program, and notes each start in `starts`.
"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))


def main():
    with open(os.path.join(HERE, "starts"), "a", encoding="utf-8") as file:
        file.write(json.dumps({"argv": sys.argv[1:], "environment": dict(os.environ)}) + "\n")
    if len(sys.argv) != 2:
        sys.exit("usage: summon-legacy <variable>")
    with open(os.path.join(HERE, "values.json"), encoding="utf-8") as file:
        values = json.load(file)
    if sys.argv[1] not in values:
        sys.exit(f"no variable {sys.argv[1]}")
    print(values[sys.argv[1]])


if __name__ == "__main__":
    main()
