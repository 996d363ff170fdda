// A small receiver that verifies every POST: 204 when it is right, 401 and the
// reason when it is not. Run it with
//
//   WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… node receiver.mjs 8000
//
// and WEBHOOK_OLD_SECRET too while a secret is rotated.
import { createServer } from "node:http";
import * as verify from "./verify.mjs";

const formats = {
  standard: verify.verifyStandard,
  "x-webhook": verify.verifyXWebhook,
  vikunja: verify.verifyVikunja,
  github: verify.verifyGitHub,
  stripe: verify.verifyStripe,
};

const { WEBHOOK_FORMAT: format, WEBHOOK_SECRET: secret, WEBHOOK_OLD_SECRET: old } = process.env;
const port = process.argv[2];
if (!formats[format] || !secret || !port) {
  console.error("usage: WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… node receiver.mjs PORT");
  process.exit(2);
}
const secrets = old ? [secret, old] : [secret];

const server = createServer(async (request, response) => {
  if (request.method !== "POST") {
    response.writeHead(405).end();
    return;
  }
  try {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks); // bytes, not a string and not parsed
    formats[format](request.headers, body, secrets);
    console.log(`verified ${format}: ${body.length} bytes`);
    response.writeHead(204).end();
  } catch (error) {
    const refused = error instanceof verify.VerificationError;
    console.log(`${refused ? "refused" : "failed"} ${format}: ${error.message}`);
    response.writeHead(refused ? 401 : 500).end(refused ? error.message : "");
  }
});
server.listen(Number(port), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
