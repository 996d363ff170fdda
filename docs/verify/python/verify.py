"""Copy this file into your receiver to verify the webhooks that Peal sends. It needs
the standard library alone (Python 3.8 or later).

Each function takes the headers (anything whose get() ignores case: those of Flask,
Django, http.server), the body's bytes as they came, before anything parses them, and
every secret that may have signed: two while you rotate, otherwise one. It raises
VerificationError when the request is not to be trusted: answer 401.
"""

import base64
import binascii
import hashlib
import hmac
import re
import time

# How far a signed time may be from now, in both directions, in seconds.
TOLERANCE = 5 * 60


class VerificationError(Exception):
    pass


def verify_standard(headers, body, *secrets):
    id = need(headers, "webhook-id")
    timestamp = need(headers, "webhook-timestamp")
    signatures = need(headers, "webhook-signature").split(" ")  # several while the sender rotates
    check_time(timestamp)
    for secret in secrets:
        text = secret[len("whsec_"):] if secret.startswith("whsec_") else secret
        try:
            key = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise VerificationError("a secret is not whsec_ and base64") from None
        mac = sign(key, f"{id}.{timestamp}.", body)
        want = "v1," + base64.b64encode(mac.digest()).decode()
        if any(equal(signature, want) for signature in signatures):
            return
    raise wrong()


def verify_x_webhook(headers, body, *secrets):
    # The signature does not cover the time: this stops honest mistakes only.
    timestamp = headers.get("X-Webhook-Timestamp")
    if timestamp:
        check_time(timestamp)
    verify_hex(headers, "X-Webhook-Signature", "sha256=", body, secrets)


def verify_vikunja(headers, body, *secrets):
    verify_hex(headers, "X-Vikunja-Signature", "", body, secrets)


def verify_github(headers, body, *secrets):
    verify_hex(headers, "X-Hub-Signature-256", "sha256=", body, secrets)


def verify_stripe(headers, body, *secrets):
    timestamp, signatures = "", []
    for part in need(headers, "Stripe-Signature").split(","):
        name, _, text = part.strip().partition("=")
        if name == "t":
            timestamp = text
        elif name == "v1":
            signatures.append(text)
    check_time(timestamp)
    for secret in secrets:
        want = sign(secret.encode(), f"{timestamp}.", body).hexdigest()  # whsec_ belongs to the key here
        if any(equal(signature, want) for signature in signatures):
            return
    raise wrong()


def verify_hex(headers, name, prefix, body, secrets):
    """Checks a signature in hexadecimal over the body alone."""
    signature = need(headers, name)
    for secret in secrets:
        if equal(signature, prefix + sign(secret.encode(), "", body).hexdigest()):
            return
    raise wrong()


def need(headers, name):
    value = headers.get(name)
    if not value:
        raise VerificationError(f"the header {name} is missing")
    return value


def check_time(text):
    if not re.fullmatch("[0-9]{1,12}", text):
        raise VerificationError("the timestamp is no number of unix seconds")
    if abs(time.time() - int(text)) > TOLERANCE:
        raise VerificationError("the timestamp is more than 5 minutes from now")


def sign(key, before, body):
    """Refuses an empty key, with which anybody can sign."""
    if not key:
        raise VerificationError("a secret is empty")
    return hmac.new(key, before.encode() + body, hashlib.sha256)


def equal(a, b):
    """Takes the same time wherever the texts differ."""
    return hmac.compare_digest(a.encode(), b.encode())


def wrong():
    return VerificationError("no signature fits: another secret signed, or the body is not what was sent")
