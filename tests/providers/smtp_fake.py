"""A mail server on loopback, aiosmtpd's, that goes wrong as a test asks for."""

import asyncio
import email
import logging
import ssl
from collections import deque
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from tests.providers.loopback import free_port

USERNAME, PASSWORD = "shop", "secret-password-of-the-test"
# aiosmtpd's log tells addresses, in the process of the tests, which look for addresses in what is logged
logging.getLogger("mail.log").addFilter(lambda _: False)


class SmtpFake:
    """`accepted`: (address, message) of each mail that it has taken over.

    refusals: {address: reply to RCPT}. mail_replies, dot_replies: what the next commands are answered with.
    faults: what goes wrong after the next dots.
    """

    def __init__(self):
        self.accepted = []
        self.refused_addresses = set()
        self.refusals = {}
        self.mail_replies = deque()
        self.dot_replies = deque()
        self.faults = deque()
        self.connections = 0

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's names
        if self.mail_replies:
            reply = self.mail_replies.popleft()
            if reply is None:
                server.transport.abort()
            return reply or "421 4.3.2 gone"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address in self.refused_addresses:
            return f"550 5.1.1 <{address}>: no such user"
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        fault = self.faults.popleft() if self.faults else None
        if self.dot_replies:
            return self.dot_replies.popleft()
        if fault is None or fault.accepts:
            [address] = envelope.rcpt_tos
            self.accepted.append((address, email.message_from_bytes(envelope.content, policy=default)))
        if fault is None:
            return "250 2.0.0 queued as 4XyZ for somebody@example.com"
        if fault.kind == "garble":
            return "whatever this is"
        if fault.kind == "slow":
            await asyncio.sleep(1.5)
        server.transport.abort()
        return "421 gone"


class _Smtp(SMTP):
    def connection_made(self, transport):
        if not self.session:  # not once more after STARTTLS
            self.event_handler.connections += 1
        super().connection_made(transport)


class SmtpServer(Controller):
    """The fake on a port of its own."""

    def __init__(self, fake, *, authority=None, is_tls_at_once=False, **options):
        context = None
        if authority is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        self._options = {
            "authenticator": lambda *arguments: AuthResult(
                handled=False,
                success=(arguments[-1].login, arguments[-1].password) == (USERNAME.encode(), PASSWORD.encode()),
            ),
            "auth_required": True,
            "auth_require_tls": False,
            "enable_SMTPUTF8": True,
            "tls_context": None if is_tls_at_once else context,
            **options,
        }
        super().__init__(fake, hostname="127.0.0.1", port=free_port(), ssl_context=context if is_tls_at_once else None)

    def factory(self):
        return _Smtp(self.handler, **self._options)

    def __enter__(self):
        self.start()
        self.handler.connections = 0  # its controller has looked whether it answers
        return self

    def __exit__(self, *_):
        self.stop()
