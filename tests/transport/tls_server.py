"""A TLS server for HTTP/1.1 and HTTP/2 that tells what it saw: ``tls_server.py FD CERT [CLIENT_CA]``."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from urllib.parse import parse_qs

from hypercorn.asyncio import serve
from hypercorn.config import Config


async def app(scope, receive, send):
    """Answer with the version, the client's port (one per connection) and the headers."""
    if scope["type"] != "http":
        return
    url = parse_qs(scope["query_string"].decode()).get("url")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    seen = {"version": scope["http_version"], "connection": scope["client"][1], "headers": headers}
    body = b"" if url else json.dumps(seen).encode()
    sent = [(b"content-length", str(len(body)).encode())] + ([(b"location", url[0].encode())] if url else [])
    await send({"type": "http.response.start", "status": 302 if url else 200, "headers": sent})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    config = Config()
    config.bind = [f"fd://{sys.argv[1]}"]
    config.certfile = config.keyfile = sys.argv[2]
    if sys.argv[3]:
        config.ca_certs = sys.argv[3]
        config.verify_mode = ssl.CERT_REQUIRED
    config.loglevel = "CRITICAL"
    asyncio.run(serve(app, config))
