"""A server that speaks TLS and answers every request with a redirect to another origin.

usage: tls_redirect.py PORT CERTIFICATE KEY ORIGIN
"""

import http.server
import ssl
import sys


class Redirect(http.server.BaseHTTPRequestHandler):
    """Sends everybody on to the same path at the origin."""

    def do_GET(self):
        """Answers any request."""
        self.send_response(307)
        self.send_header("Location", sys.argv[4] + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = do_GET


def main(port, certificate, key):
    """Never returns."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Redirect)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:4])
