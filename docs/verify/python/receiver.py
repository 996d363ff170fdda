"""A small receiver that verifies every POST: 204 when it is right, 401 and the reason
when it is not. Run it with

    WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… python3 receiver.py 8000

and WEBHOOK_OLD_SECRET too while a secret is rotated.
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import verify

FORMATS = {
    "standard": verify.verify_standard,
    "x-webhook": verify.verify_x_webhook,
    "vikunja": verify.verify_vikunja,
    "github": verify.verify_github,
    "stripe": verify.verify_stripe,
}

FORMAT = os.environ.get("WEBHOOK_FORMAT")
SECRETS = [secret for secret in map(os.environ.get, ("WEBHOOK_SECRET", "WEBHOOK_OLD_SECRET")) if secret]
if FORMAT not in FORMATS or not SECRETS or len(sys.argv) != 2:
    sys.exit("usage: WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… python3 receiver.py PORT")


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            FORMATS[FORMAT](self.headers, body, *SECRETS)
        except verify.VerificationError as error:
            print(f"refused {FORMAT}: {error}", flush=True)
            self.answer(401, str(error).encode())
        else:
            print(f"verified {FORMAT}: {len(body)} bytes", flush=True)
            self.answer(204)

    def answer(self, status, text=b""):
        self.send_response(status)
        if text:
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass  # do_POST says it all


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
