// Verifies a delivery with the library that receivers of its format use. Reads
// {"format", "secret", "headers", "body"} from standard input; prints the payload
// that the library gives. Ends with 1 and the library's reason when the delivery
// does not verify, with 2 for anything else.
import { text } from "node:stream/consumers";

const { format, secret, headers, body } = JSON.parse(await text(process.stdin));

const verifiers = {
  async standard() {
    const { Webhook } = await import("standardwebhooks");
    return new Webhook(secret).verify(body, headers);
  },
  async stripe() {
    const { default: Stripe } = await import("stripe");
    return Stripe.webhooks.constructEvent(body, headers["stripe-signature"], secret);
  },
  async github() {
    const { verify } = await import("@octokit/webhooks-methods");
    if (!(await verify(secret, body, headers["x-hub-signature-256"]))) throw new Error("the signature does not match");
    return JSON.parse(body);
  },
  async cloudevents() {
    const { HTTP } = await import("cloudevents");
    const event = HTTP.toEvent({ headers, body });
    event.validate();
    return event;
  },
};
verifiers["cloudevents-binary"] = verifiers.cloudevents;

const verifier = verifiers[format];
if (!verifier) {
  console.error(`no library is known for ${format}`);
  process.exit(2);
}
try {
  console.log(JSON.stringify(await verifier()));
} catch (error) {
  console.error(`refused: ${error.name}: ${error.message}`);
  process.exit(1);
}
