"""A stand-in for `op`, 1Password's command-line tool, version 2.

It is installed under that name in a directory of the test, reads `op.json` beside itself, and
appends what it was given (words, environment, standard input) to `op.jsonl` there. What it does
is what `op` is known to do; each fact and where it comes from:

- reference grammar, `?attribute=`, `?ssh-format=`: developer.1password.com, secret reference syntax
- templates (`{{ op://... }}`, bare references, `$VAR` and `${VAR}` expanded): the same site, secrets
  template syntax
- one exit status 1 for every failure, with one line `[ERROR] YYYY/MM/DD HH:MM:SS text` on standard
  error and nothing on standard output: observed with op 2.34; parsed so by 1Password's own op-js
- the texts of failures: recordings of zcutlip/pyonepassword (tests/config/mock-op), and observed
- some texts come without the prefix (`No accounts configured ...`): observed
- standard input must be a pipe (`os.ModeNamedPipe`), else `expected data on stdin but none found`:
  observed
- `op inject` ends its output with exactly one newline more than the text, drops control characters
  (NUL and 0x1e were seen to be dropped), replaces text without knowing JSON, names only the first
  bad reference: observed by varlock and secretspec
- a session variable OP_SESSION_* that is stale gives `account is not signed in`: secretspec issue 80
- OP_CONNECT_HOST with OP_CONNECT_TOKEN wins over OP_SERVICE_ACCOUNT_TOKEN: developer.1password.com,
  use with 1Password CLI; this stand-in has no Connect server to talk to and fails
- `op item get`, `op item list` and `op item edit` print JSON with `--format json`, and `edit` takes an
  item as JSON on standard input: developer.1password.com, item reference, and recordings of
  pyonepassword; `--fields type=...` filters fields by type, and one field is printed without a list
- an approval blocks until it is given; dismissed and expired ones have one text: observed
- without a terminal the desktop app is said to time out: observed

`op.json` holds `vaults` (id, name, items with fields as `op item get` prints them), and how to
misbehave: `message` (fail with it), `raw_message` (without the prefix), `hang`, `prompt` (ask on the
terminal, and go on after `y`), `approval_seconds` (block for so long), `limit` (so many runs, then
429), `session` (one that is not stale), `account` (the only one known), `token` (of a service
account), `garbage` (print that instead of the text), `approved_by` (a file that, once there, is
an approval for everybody).
"""

import datetime
import fcntl
import json
import os
import re
import stat
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ID = re.compile(r"[\da-z]{26}")
BARE = r"(?<![A-Za-z0-9\-+\\.])op://[A-Za-z0-9\-?_./=&]+"
TEMPLATE = re.compile(r"\{\{\s*(op://[^}]*?)\s*\}\}|(" + BARE + ")")
VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)(?::-([^}]*))?\}|([A-Za-z_]\w*))")


class Failure(Exception):
    """Ends with status 1 and this text."""


def fail(text, has_stamp=True):
    stamp = datetime.datetime.now().strftime("%Y/%m/%d %H:%M:%S")
    sys.stderr.write(f"[ERROR] {stamp} {text}\n" if has_stamp else f"{text}\n")
    sys.exit(1)


def record(stdin):
    line = json.dumps({
        "argv": sys.argv[1:],
        "environment": dict(os.environ),
        "stdin": stdin,
        "directory": os.getcwd(),
        "pid": os.getpid(),
        "leads_group": os.getpgrp() == os.getpid(),
        "at": time.monotonic(),
    })
    with open(os.path.join(HERE, "op.jsonl"), "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(line + "\n")


def runs():
    with open(os.path.join(HERE, "op.jsonl"), encoding="utf-8") as file:
        return len(file.readlines())


def read_stdin():
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return None
    return sys.stdin.buffer.read().decode("utf-8")


def same(one, other):
    return one.lower() == other.lower()


def find_vault(config, name):
    for vault in config["vaults"]:
        if vault["id"] == name or same(vault["name"], name):
            return vault
    raise Failure(
        f'"{name}" isn\'t a vault in this account. Specify the vault with its ID or name.'
    )


def find_item(vault, name, missing):
    by_id = [item for item in vault["items"] if item["id"] == name]
    found = by_id or [item for item in vault["items"] if same(item["title"], name)]
    if not found:
        raise Failure(missing)
    if len(found) > 1:
        lines = [f'\t* for the item "{item["title"]}" in vault {vault["name"]}: {item["id"]}' for item in found]
        raise Failure(
            f'More than one item matches "{name}". Try again and specify the item by its ID:\n'
            + "\n".join(lines)
        )
    return found[0]


def find_field(item, section, field, missing):
    for candidate in item.get("fields", []):
        own = candidate.get("section") or {}
        in_section = section is None or section in (own.get("id"), own.get("label")) or (
            own.get("label") and same(own["label"], section)
        )
        if in_section and (candidate["id"] == field or same(candidate.get("label", ""), field)):
            return candidate
    for file in item.get("files", []):
        if section is None and same(file["name"], field):
            return {"id": file["id"], "type": "FILE", "label": file["name"], "value": file["content"]}
    raise Failure(missing)


def resolve(config, reference):
    path, _, query = reference[len("op://"):].partition("?")
    bad = re.search(r"[^A-Za-z0-9\-_. /]", path)
    if bad:
        raise Failure(
            f"invalid secret reference '{reference}': invalid character in secret reference: '{bad[0]}'"
        )
    parts = path.split("/")
    if len(parts) > 4:
        raise Failure(
            f"invalid secret reference '{reference}': too many '/': secret references should match "
            "op://<vault>/<item>[/<section>]/<field>"
        )
    if len(parts) < 3:
        raise Failure(f"invalid secret reference '{reference}': secret reference has invalid format")
    section = parts[2] if len(parts) == 4 else None
    name = parts[-1] if section is None else f"{section}.{parts[-1]}"
    vault = find_vault(config, parts[0])
    item = find_item(vault, parts[1], f"could not find item {parts[1]} in vault {parts[0]}")
    field = find_field(
        item, section, parts[-1],
        f"item '{parts[0]}/{parts[1]}' does not have a field '{name}'",
    )
    options = dict(option.split("=", 1) for option in query.split("&") if option)
    if options.get("ssh-format") == "openssh":
        return field["openssh"]
    attribute = options.get("attribute", "value")
    return str(field.get({"otp": "totp", "title": "label"}.get(attribute, attribute), ""))


def inject(config, text):
    if text is None:
        raise Failure("expected data on stdin but none found")

    def variable(match):
        name = match[1] or match[3]
        return os.environ.get(name, match[2] or "")

    text = VARIABLE.sub(variable, text)
    text = TEMPLATE.sub(lambda match: resolve(config, match[1] or match[2]), text)
    if "garbage" in config:
        text = config["garbage"]
    # Newline, return and tab are what makes lines; every other control character is dropped.
    text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text)
    return text + "\n"


def flag(words, name):
    return words[words.index(name) + 1] if name in words else None


def item_command(config, words, stdin):
    vault = find_vault(config, flag(words, "--vault"))
    if words[1] == "list":
        kept = ("id", "title", "version", "category", "tags", "last_edited_by", "created_at", "updated_at")
        summary = [{key: item[key] for key in kept if key in item} for item in vault["items"]]
        return json.dumps(summary)
    item = find_item(
        vault, words[2],
        f'"{words[2]}" isn\'t an item in the "{flag(words, "--vault")}" vault. '
        "Specify the item with its UUID, name, or domain.",
    )
    if words[1] == "get":
        filters = flag(words, "--fields")
        if filters is None:
            return json.dumps(item)
        types = [text.removeprefix("type=") for text in filters.split(",")]
        fields = [field for field in item.get("fields", []) if field["type"] in types]
        if not fields:
            raise Failure(f"\"{filters}\" isn't a field in the \"{item['title']}\" item")
        return json.dumps(fields[0] if len(fields) == 1 else fields)
    if words[1] == "edit":
        edited = json.loads(stdin)
        edited["version"] = item.get("version", 1) + 1
        for field in edited["fields"]:
            # A field without an id gets one.
            field.setdefault("id", "generated")
        vault["items"][vault["items"].index(item)] = edited
        with open(os.path.join(HERE, "op.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
        return json.dumps(edited)
    raise Failure(f"unknown command {words}")


def sign_in(config):
    environment = os.environ
    if "OP_CONNECT_HOST" in environment and "OP_CONNECT_TOKEN" in environment:
        raise Failure("error initializing client: connecting to Connect failed")
    words = sys.argv[1:]
    account = flag(words, "--account") or environment.get("OP_ACCOUNT")
    if "account" in config and account is not None and account != config["account"]:
        raise Failure(f'error initializing client: found no accounts for filter "{account}"')
    if "token" in config:
        if environment.get("OP_SERVICE_ACCOUNT_TOKEN") != config["token"]:
            raise Failure("account is not signed in")
        return
    sessions = {name: value for name, value in environment.items() if name.startswith("OP_SESSION_")}
    if sessions and config.get("session") not in sessions.values():
        raise Failure("account is not signed in")
    if "session" in config and not sessions:
        raise Failure("You are not currently signed in. Please run `op signin --help` for instructions")
    approve(config)


def approve(config):
    marker = config.get("approved_by")
    if marker and os.path.exists(marker):
        return
    if config.get("prompt"):
        try:
            terminal = os.open("/dev/tty", os.O_RDWR)
        except OSError:
            raise Failure(
                "error initializing client: connecting to desktop app timed out, make sure it is "
                "installed, running and CLI integration is enabled"
            ) from None
        os.write(terminal, b"approve? ")
        if os.read(terminal, 100).strip() != b"y":
            raise Failure(
                "error initializing client: authorization prompt dismissed, please try again"
            )
    if "approval_seconds" in config:
        time.sleep(config["approval_seconds"])
    if marker:
        with open(marker, "w", encoding="utf-8"):
            pass


def misbehave(config):
    if config.get("hang"):
        # Another process of the group, which must not outlive it.
        other = subprocess.Popen(["/bin/sleep", "600"])
        with open(os.path.join(HERE, "hanging.new"), "w", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {other.pid}")
        os.rename(os.path.join(HERE, "hanging.new"), os.path.join(HERE, "hanging"))
        time.sleep(600)
    if "limit" in config and runs() > config["limit"]:
        raise Failure(
            "(429) Too Many Requests: You've reached the maximum number of this type of requests "
            "this service account is allowed to make. Please retry in 17 minutes or try other requests."
        )
    if "raw_message" in config:
        fail(config["raw_message"], has_stamp=False)
    if "message" in config:
        raise Failure(config["message"])


def main():
    with open(os.path.join(HERE, "op.json"), encoding="utf-8") as file:
        config = json.load(file)
    stdin = read_stdin()
    record(stdin)
    words = sys.argv[1:]
    try:
        misbehave(config)
        sign_in(config)
        if words[0] == "inject":
            output = inject(config, stdin)
        elif words[0] == "item":
            output = item_command(config, words, stdin)
        elif words[:2] == ["vault", "list"]:
            output = json.dumps([{"id": vault["id"], "name": vault["name"]} for vault in config["vaults"]])
        else:
            raise Failure(f"unknown command {words}")
    except Failure as failure:
        fail(failure)
    sys.stdout.buffer.write(output.encode("utf-8"))


if __name__ == "__main__":
    main()
