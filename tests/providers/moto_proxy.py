"""moto's server, behind one of ours that loses and spoils its answers, and looks at keys, which moto does not."""

import http.client
import threading
from urllib.parse import urlsplit

from moto.server import ThreadedMotoServer

from tests.providers.aws_signature import is_signed_by_us
from tests.providers.loopback import Reply

HOP_BY_HOP = ("connection", "content-length", "transfer-encoding", "keep-alive", "date", "server")


class Moto:
    """A server of moto's for the tests of a file."""

    def __init__(self):
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)

    def __enter__(self):
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.address = (host, port)
        return self

    def __exit__(self, *_):
        self._server.stop()

    def reset(self):
        self.ask("POST", "/moto-api/reset", b"", {})

    def ask(self, method, path, body, headers):
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP}
            return Reply(answer.status, answer.read(), kept)
        finally:
            connection.close()


class MotoProxy:
    """A fake of Loopback that asks moto. A subclass says how its service refuses."""

    def __init__(self, moto):
        self.moto = moto
        self.refused_addresses = set()
        self.turn = threading.Lock()

    def answer(self, request):
        if not is_signed_by_us(request):
            return self.unknown_key()
        refused = self.refusal_of(request)
        if refused is not None:
            return refused
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        with self.turn:
            return self.moto.ask(request.method, urlsplit(request.path).path, request.body, headers)

    def unknown_key(self):
        raise NotImplementedError

    def refusal_of(self, request):
        return None
