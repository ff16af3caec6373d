# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's protocol on a bare socket: messages in and out, no driver between."""
import base64
import hashlib
import hmac
import os
import select
import socket
import struct

PROTOCOL_3 = 196608
CANCEL = 80877102


def cstring(text):
    return text.encode() + b"\0"


def as_bytes(value):
    return value if isinstance(value, bytes) else value.encode()


def message(kind, body=b""):
    return kind.encode() + struct.pack(">I", len(body) + 4) + body


def codes(formats):
    return struct.pack(">H", len(formats)) + b"".join(struct.pack(">h", code) for code in formats)


def parameter(value):
    if value is None:
        return struct.pack(">i", -1)
    value = as_bytes(value)
    return struct.pack(">i", len(value)) + value


# What a script may send, by the names of PostgreSQL's documentation.
SENDERS = {
    "Query": lambda sql: message("Q", cstring(sql)),
    "Parse": lambda sql, name="", types=(): message(
        "P", cstring(name) + cstring(sql) + struct.pack(">H", len(types)) + b"".join(struct.pack(">I", t) for t in types)
    ),
    "Bind": lambda portal="", statement="", formats=(), params=(), results=(): message(
        "B",
        cstring(portal)
        + cstring(statement)
        + codes(formats)
        + struct.pack(">H", len(params))
        + b"".join(parameter(p) for p in params)
        + codes(results),
    ),
    "Describe": lambda kind, name="": message("D", kind.encode() + cstring(name)),
    "Close": lambda kind, name="": message("C", kind.encode() + cstring(name)),
    "Execute": lambda portal="", max_rows=0: message("E", cstring(portal) + struct.pack(">i", max_rows)),
    "Sync": lambda: message("S"),
    "Flush": lambda: message("H"),
    "Terminate": lambda: message("X"),
    "CopyData": lambda data: message("d", as_bytes(data)),
    "CopyDone": lambda: message("c"),
    "CopyFail": lambda reason: message("f", cstring(reason)),
    "Message": lambda kind, body=b"": message(kind, as_bytes(body)),
    "Bytes": as_bytes,
}

NAMES = {
    "R": "Authentication", "S": "ParameterStatus", "K": "BackendKeyData", "Z": "ReadyForQuery", "T": "RowDescription",
    "D": "DataRow", "C": "CommandComplete", "E": "ErrorResponse", "N": "NoticeResponse", "1": "ParseComplete",
    "2": "BindComplete", "3": "CloseComplete", "n": "NoData", "t": "ParameterDescription", "s": "PortalSuspended",
    "I": "EmptyQueryResponse", "G": "CopyInResponse", "H": "CopyOutResponse", "d": "CopyData", "c": "CopyDone",
    "v": "NegotiateProtocolVersion", "A": "NotificationResponse",
}


class Connection:
    def __init__(self, target):
        self.target = target
        self.socket = socket.create_connection((target.host, target.port), timeout=target.timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.key = (0, 0)
        self.parameters = {}

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def take(self, size):
        while len(self.received) < size:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.received += more
        taken, self.received = self.received[:size], self.received[size:]
        return taken

    def receive(self):
        """The next message's type and body; (None, b"") once the server has closed."""
        head = self.take(5)
        if head is None:
            return None, b""
        kind = chr(head[0])
        body = self.take(struct.unpack(">I", head[1:])[0] - 4)
        if body is None:
            return None, b""
        if kind == "K":
            self.key = struct.unpack(">ii", body)
        if kind == "S":
            name, value = body.split(b"\0")[:2]
            self.parameters[name.decode()] = value.decode()
        return kind, body

    def startup(self, **parameters):
        body = struct.pack(">I", PROTOCOL_3)
        for name, value in parameters.items():
            body += cstring(name) + cstring(value)
        self.send(struct.pack(">I", len(body) + 5) + body + b"\0")

    def log_in(self):
        self.startup(user=self.target.user, database=self.target.database)
        while True:
            kind, body = self.receive()
            if kind == "R":
                self.authenticate(struct.unpack(">I", body[:4])[0], body[4:])
            elif kind == "Z":
                return
            elif kind in ("E", None):
                raise RuntimeError(f"login failed: {body!r}")

    def authenticate(self, code, data):
        if code == 10:
            self.nonce = base64.b64encode(os.urandom(18)).decode()
            self.first = f"n=,r={self.nonce}"
            answer = f"n,,{self.first}".encode()
            self.send(message("p", b"SCRAM-SHA-256\0" + struct.pack(">I", len(answer)) + answer))
        elif code == 11:
            fields = dict(part.split("=", 1) for part in data.decode().split(","))
            salted = hashlib.pbkdf2_hmac(
                "sha256", self.target.password.encode(), base64.b64decode(fields["s"]), int(fields["i"])
            )
            client_key = hmac.digest(salted, b"Client Key", "sha256")
            last = f"c=biws,r={fields['r']}"
            said = f"{self.first},{data.decode()},{last}".encode()
            signature = hmac.digest(hashlib.sha256(client_key).digest(), said, "sha256")
            proof = bytes(a ^ b for a, b in zip(client_key, signature))
            self.expected = base64.b64encode(hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), said, "sha256"))
            self.send(message("p", f"{last},p={base64.b64encode(proof).decode()}".encode()))
        elif code == 12:
            if data != b"v=" + self.expected:
                raise RuntimeError("the server does not know the password")
        elif code != 0:
            raise RuntimeError(f"authentication request {code}")

    def cancel_request(self):
        other = Connection(self.target)
        other.send(struct.pack(">IIii", 16, CANCEL, *self.key))
        other.take(1)
        other.close()

    def cancel_until_answered(self):
        """A request that comes before its statement has begun cancels nothing: asks again until an answer comes."""
        for _ in range(100):
            self.cancel_request()
            if self.received or select.select([self.socket], [], [], 0.1)[0]:
                return


def fields_of(body):
    """ErrorResponse and NoticeResponse: {code: text}."""
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}


def shown_bytes(value):
    if value is None:
        return "None"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return repr(value)
    return repr(text) if text.isprintable() or all(c in "\n\t" or c.isprintable() for c in text) else repr(value)


def render(kind, body):
    """A message as a script writes it."""
    if kind is None:
        return "Closed"
    name = NAMES.get(kind, f"Unknown_{kind}")
    if kind == "Z":
        return f"{name} {body.decode()}"
    if kind == "A":
        channel, payload = body[4:-1].split(b"\0")
        return f"{name} {channel.decode()} {shown_bytes(payload)}"
    if kind == "C":
        return f"{name} {body[:-1].decode()}"
    if kind == "T":
        count = struct.unpack(">H", body[:2])[0]
        at, columns = 2, []
        for _ in range(count):
            end = body.index(b"\0", at)
            column = body[at:end].decode(errors="backslashreplace")
            _, _, oid, _, typmod, code = struct.unpack(">IhIhih", body[end + 1 : end + 19])
            columns.append(f"{column}:{oid}" + (f"({typmod})" if typmod != -1 else "") + (":binary" if code else ""))
            at = end + 19
        return " ".join([name] + columns)
    if kind == "D":
        count = struct.unpack(">H", body[:2])[0]
        at, values = 2, []
        for _ in range(count):
            size = struct.unpack(">i", body[at : at + 4])[0]
            at += 4
            values.append(None if size < 0 else body[at : at + size])
            at += max(size, 0)
        return " ".join([name] + [shown_bytes(value) for value in values])
    if kind == "t":
        return " ".join([name] + [str(oid) for (oid,) in struct.iter_unpack(">I", body[2:])])
    if kind == "S":
        return " ".join([name] + [part.decode() for part in body.split(b"\0")[:2]])
    if kind in "EN":
        fields = fields_of(body)
        return " ".join([name] + [f"{code}={fields[code]!r}" for code in "SCMDHPWstcn" if code in fields])
    if kind in "GH":
        formats = [code for (code,) in struct.iter_unpack(">h", body[3:])]
        return f"{name} {body[0]} {formats}"
    if kind == "d":
        return f"{name} {shown_bytes(body)}"
    return name if not body else f"{name} {body!r}"
