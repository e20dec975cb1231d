"""A stand-in for a 1Password Connect server: the part of its REST interface that reads and patches
items.

usage: connect.py CONFIG RECORD

It listens on a free port of 127.0.0.1, prints the port, and appends `METHOD PATH` of each request
to RECORD. Paths, parameters, schemas, statuses and messages are those of the published OpenAPI
document (github.com/1Password/connect, docs/openapi/spec.yaml, version 1.7.1), with which its
answers were compared:

- `/v1/vaults[?filter=name eq "..."]`, `/v1/vaults/{id}`: Vault, 401, 403 `vault ... is not in scope`,
  404 `vault ... not found`
- `/v1/vaults/{id}/items[?filter=title eq "..."]`: Item, without sections, fields and files
- `/v1/vaults/{id}/items/{id}`: FullItem; PATCH with `add` and `replace` of `/fields` and
  `/fields/{id}/value`
- `/v1/vaults/{id}/items/{id}/files/{id}/content`: bytes
- errors `{"status": 401, "message": "Invalid token signature"}`

CONFIG holds `token`, `vaults` (a Vault each, with `items`: FullItems, whose files have `content` as
text), and `faults`: statuses that are answered first, one a request; a status of 3xx sends
elsewhere.
"""

import http.server
import json
import re
import sys
import urllib.parse

FULL = ("sections", "fields", "files")


class Refusal(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer()

    def do_PATCH(self):
        self.answer()

    def answer(self):
        with open(sys.argv[2], "a", encoding="utf-8") as file:
            file.write(f"{self.command} {urllib.parse.unquote_plus(self.path)}\n")
        length = int(self.headers.get("Content-Length", 0))
        self.body = self.rfile.read(length)
        config = self.server.config
        try:
            if config.get("faults"):
                raise Refusal(config["faults"].pop(0), "as the test wants it")
            if self.headers.get("Authorization") != f"Bearer {config['token']}":
                raise Refusal(401, "Invalid token signature")
            self.send(200, self.found(config))
        except Refusal as refusal:
            self.send(refusal.status, {"status": refusal.status, "message": str(refusal)})

    def found(self, config):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        parts = url.path.strip("/").split("/")
        if parts[:2] != ["v1", "vaults"]:
            raise Refusal(404, "not found")
        if len(parts) == 2:
            vaults = filtered(config["vaults"], "name", query)
            return [without(vault, ("items",)) for vault in vaults]
        vault = by_id(config["vaults"], parts[2], "vault")
        if len(parts) == 3:
            return without(vault, ("items",))
        if len(parts) == 4:
            return [without(item, FULL) for item in filtered(vault["items"], "title", query)]
        item = by_id(vault["items"], parts[4], "item")
        if len(parts) == 5:
            return self.patched(item) if self.command == "PATCH" else shown(item)
        if parts[5] == "files" and parts[7:] == ["content"]:
            return by_id(item.get("files", []), parts[6], "file")["content"].encode("utf-8")
        raise Refusal(404, "not found")

    def patched(self, item):
        for change in json.loads(self.body):
            path = change["path"].split("/")[1:]
            if change["op"] == "add" and path == ["fields"]:
                item.setdefault("fields", []).append({"id": "new", **change["value"]})
            elif change["op"] == "replace" and path[0] == "fields" and path[2:] == ["value"]:
                by_id(item["fields"], path[1], "field")["value"] = change["value"]
            else:
                raise Refusal(400, "Invalid patch")
        item["version"] = item.get("version", 1) + 1
        return shown(item)

    def send(self, status, body):
        is_bytes = isinstance(body, bytes)
        data = body if is_bytes else json.dumps(body).encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream" if is_bytes else "application/json")
        self.send_header("Content-Length", str(len(data)))
        if 300 <= status < 400:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def without(thing, keys):
    return {key: value for key, value in thing.items() if key not in keys}


def shown(item):
    files = [without(file, ("content",)) for file in item.get("files", [])]
    return {**item, "files": files}


def by_id(things, wanted, kind):
    for thing in things:
        if thing["id"] == wanted:
            if thing.get("out_of_scope"):
                raise Refusal(403, f"{kind} {wanted} is not in scope")
            return thing
    raise Refusal(404, f"{kind} {wanted} not found")


def filtered(things, key, query):
    things = [thing for thing in things if not thing.get("out_of_scope")]
    if "filter" not in query:
        return things
    match = re.fullmatch(key + r' eq "(.*)"', query["filter"][0])
    if not match:
        raise Refusal(400, "Invalid filter")
    return [thing for thing in things if thing[key] == match[1]]


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with open(sys.argv[1], encoding="utf-8") as file:
        server.config = json.load(file)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
