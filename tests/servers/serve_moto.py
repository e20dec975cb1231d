"""moto, with its requests one after another.

Its server answers each request in a thread of its own, and its stores are plain dictionaries: a search
in one of them fails with status 500 while another request adds to it.
"""

import threading

from moto import server

run_simple = server.run_simple
lock = threading.Lock()


def run_one_at_a_time(host, port, app, **settings):
    def locked(environ, start_response):
        with lock:
            return app(environ, start_response)

    run_simple(host, port, locked, **settings)


server.run_simple = run_one_at_a_time
server.main()
