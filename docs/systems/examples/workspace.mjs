// Publishes an event of the workspace product to Peal.
//
// publish stands where the product sends its webhooks today: after the change is
// committed, once for each event. It needs Node 18 or later and nothing else. Run it with
//
//   PEAL_URL=http://127.0.0.1:8420 PEAL_KEY=… PEAL_TENANT=acme node workspace.mjs

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const { PEAL_URL, PEAL_KEY, PEAL_TENANT = 'default' } = process.env;

// Worth another try: too many requests, or no server behind the proxy just now.
const TRY_AGAIN = [429, 502, 503, 504];

// Hands an event over and returns what Peal says about it. The event has one id for
// all its tries, so none of them makes a second event.
export async function publish(event, tenant, tries = 5) {
  const body = JSON.stringify({ id: randomUUID(), ...event });
  for (let attempt = 1; ; attempt++) {
    let problem;
    try {
      const response = await fetch(`${PEAL_URL}/v1/events`, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${PEAL_KEY}`,
          'Content-Type': 'application/json',
          'Peal-Tenant': tenant,
        },
        body,
        signal: AbortSignal.timeout(30_000),
      });
      if (response.ok) return await response.json();
      problem = new Error(`${event.type}: ${response.status} ${await response.text()}`);
      if (!TRY_AGAIN.includes(response.status)) attempt = tries;
    } catch (error) {
      problem = error;
    }
    if (attempt >= tries) throw problem;
    await sleep(1000 * 2 ** attempt);
  }
}

const task = {
  id: 'task_7Qm2',
  title: 'Publish the price list <v2> & tell “everyone”',
  status: 'done',
  project_id: 'project_3Fk9',
  completed_at: '2026-03-05T16:00:00Z',
  completed_by: 'user_b41',
};
const published = await publish(
  { type: 'task.completed', subject: task.id, time: task.completed_at, data: task },
  PEAL_TENANT,
);
console.log(`${published.id} goes to ${published.webhooks.length} webhooks`);
