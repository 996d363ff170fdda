// Verifies a delivery with the JavaScript library of Standard Webhooks. Reads
// {"secret", "headers", "body"} from standard input; prints the verified payload.
// Ends with 1 and the library's reason when the delivery does not verify.
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

const { secret, headers, body } = JSON.parse(await text(process.stdin));
try {
  console.log(JSON.stringify(new Webhook(secret).verify(body, headers)));
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exit(1);
}
