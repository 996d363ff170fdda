"""Publishes an event of DejaCode to Peal.

In DejaCode, publish stands in find_and_fire_hook (fire_webhooks in later releases,
notification/models.py), where the webhooks of the dataspace are looked up today. It
needs the standard library only. Run it with

    PEAL_URL=http://127.0.0.1:8420 PEAL_KEY=... PEAL_TENANT=dejacode python3 dejacode.py
"""

import json
import os
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone

PEAL_URL = os.environ["PEAL_URL"]
PEAL_KEY = os.environ["PEAL_KEY"]

# Worth another try: too many requests, or no server behind the proxy just now.
TRY_AGAIN = {429, 502, 503, 504}


def publish(event_name, data, subject="", tenant="default", event_id=None, tries=5):
    """Hand an event over and return what Peal says about it.

    The event has one id for all its tries, so none of them makes a second event. Give
    the id of the job where a queue calls this and may call it again.
    """
    body = {
        "id": event_id or str(uuid.uuid4()),
        "type": event_name,
        "subject": subject,
        "time": datetime.now(timezone.utc).isoformat(),
        "data": data,
    }
    request = urllib.request.Request(
        f"{PEAL_URL}/v1/events",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {PEAL_KEY}",
            "Content-Type": "application/json",
            "Peal-Tenant": tenant,
        },
    )
    for attempt in range(1, tries + 1):
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code not in TRY_AGAIN or attempt == tries:
                raise RuntimeError(f"{event_name}: {error.code} {error.read().decode()}") from error
        except OSError:
            if attempt == tries:
                raise
        time.sleep(2**attempt)


def main():
    # What serialize_hook puts into "data": RequestSerializer(request).data.
    data = {
        "uuid": "5b2f7c1e-2f0a-4d57-9a54-0d0d8a1f6c11",
        "title": "Review the licence of zlib – <new> version",
        "status": "open",
        "requester": "mika",
        "comments": [],
        "dataspace": "Example",
    }
    published = publish(
        "request.added",
        data,
        subject=f"request/{data['uuid']}",
        tenant=os.environ.get("PEAL_TENANT", "default"),
    )
    print(f"{published['id']} goes to {len(published['webhooks'])} webhooks")


if __name__ == "__main__":
    main()
