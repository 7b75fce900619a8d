"""Pushes each line of standard input to a list, with nothing but Python.

    python3 push.py redis://:password@localhost:6379 emails < lines.ndjson

With the redis package it is one call: redis.Redis.from_url(url).lpush("emails", payload)
"""

import socket
import sys
from urllib.parse import unquote, urlsplit


def command(*words: bytes) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


def ask(connection, *words: bytes) -> bytes:
    connection.write(command(*words))
    connection.flush()
    reply = connection.readline()
    if not reply.startswith((b"+", b":")):
        sys.exit("Redis answered: " + reply.decode(errors="replace").strip())
    return reply


def main(url: str, name: str) -> None:
    where = urlsplit(url)
    address = (where.hostname or "localhost", where.port or 6379)
    with socket.create_connection(address, timeout=10) as opened:
        connection = opened.makefile("rwb")
        if where.password:
            ask(connection, b"AUTH", unquote(where.password).encode())
        count = 0
        for line in sys.stdin.buffer:
            ask(connection, b"LPUSH", name.encode(), line.rstrip(b"\r\n"))
            count += 1
    print(f"Pushed {count} messages to {name}.")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Usage: python3 push.py <redis URL> <list>")
    main(sys.argv[1], sys.argv[2])
