// Copy this file into your receiver to verify the webhooks that Peal sends. It needs
// Node alone.
//
// Each function takes the headers with names in lower case (request.headers), the
// body's bytes as they came (a Buffer, before anything parses it), and an array of
// every secret that may have signed: two while you rotate, otherwise one. It throws
// when the request is not to be trusted: answer 401.
import { createHmac, timingSafeEqual } from "node:crypto";

// How far a signed time may be from now, in both directions, in seconds.
const TOLERANCE = 5 * 60;

export class VerificationError extends Error {}

export function verifyStandard(headers, body, secrets) {
  const id = need(headers, "webhook-id");
  const timestamp = need(headers, "webhook-timestamp");
  const signatures = need(headers, "webhook-signature").split(" "); // several while the sender rotates
  checkTime(timestamp);
  for (const secret of secrets) {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    const want = "v1," + sign(key, `${id}.${timestamp}.`, body).toString("base64");
    if (signatures.some((signature) => equal(signature, want))) return;
  }
  throw wrong();
}

export function verifyXWebhook(headers, body, secrets) {
  // The signature does not cover the time: this stops honest mistakes only.
  const timestamp = headers["x-webhook-timestamp"];
  if (timestamp) checkTime(timestamp);
  verifyHex(headers, "x-webhook-signature", "sha256=", body, secrets);
}

export function verifyVikunja(headers, body, secrets) {
  verifyHex(headers, "x-vikunja-signature", "", body, secrets);
}

export function verifyGitHub(headers, body, secrets) {
  verifyHex(headers, "x-hub-signature-256", "sha256=", body, secrets);
}

export function verifyStripe(headers, body, secrets) {
  let timestamp = "";
  const signatures = [];
  for (const part of need(headers, "stripe-signature").split(",")) {
    const [name, text = ""] = part.trim().split("=", 2);
    if (name === "t") timestamp = text;
    if (name === "v1") signatures.push(text);
  }
  checkTime(timestamp);
  for (const secret of secrets) {
    const want = sign(secret, `${timestamp}.`, body).toString("hex"); // whsec_ belongs to the key here
    if (signatures.some((signature) => equal(signature, want))) return;
  }
  throw wrong();
}

// A signature in hexadecimal over the body alone.
function verifyHex(headers, name, prefix, body, secrets) {
  const signature = need(headers, name);
  for (const secret of secrets) {
    if (equal(signature, prefix + sign(secret, "", body).toString("hex"))) return;
  }
  throw wrong();
}

function need(headers, name) {
  if (!headers[name]) throw new VerificationError(`the header ${name} is missing`);
  return headers[name];
}

function checkTime(text) {
  if (!/^[0-9]{1,12}$/.test(text)) throw new VerificationError("the timestamp is no number of unix seconds");
  if (Math.abs(Date.now() / 1000 - Number(text)) > TOLERANCE) {
    throw new VerificationError("the timestamp is more than 5 minutes from now");
  }
}

// Refuses an empty key, with which anybody can sign.
function sign(key, before, body) {
  if (key.length === 0) throw new VerificationError("a secret is empty, or not whsec_ and base64");
  return createHmac("sha256", key).update(before).update(body).digest();
}

// Takes the same time wherever the texts differ. timingSafeEqual throws when the
// lengths differ, which are no secret.
function equal(a, b) {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}

function wrong() {
  return new VerificationError("no signature fits: another secret signed, or the body is not what was sent");
}
