import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A small receiver that verifies every POST: 204 when it is right, 401 and the reason when it is
 * not. Run it with
 *
 * <pre>
 *   javac Verify.java Receiver.java
 *   WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… java Receiver 8000
 * </pre>
 *
 * and WEBHOOK_OLD_SECRET too while a secret is rotated.
 */
public final class Receiver {
    private interface Check {
        void verify(Function<String, String> header, byte[] body, String... secrets) throws Verify.VerificationException;
    }

    private static final Map<String, Check> FORMATS = Map.of(
            "standard", Verify::standard,
            "x-webhook", Verify::xWebhook,
            "vikunja", Verify::vikunja,
            "github", Verify::github,
            "stripe", Verify::stripe);

    private final String format;
    private final String[] secrets;

    private Receiver(String format, String[] secrets) {
        this.format = format;
        this.secrets = secrets;
    }

    public static void main(String[] arguments) throws IOException {
        String format = System.getenv().getOrDefault("WEBHOOK_FORMAT", "");
        String[] secrets = Stream.of("WEBHOOK_SECRET", "WEBHOOK_OLD_SECRET")
                .map(name -> System.getenv().getOrDefault(name, ""))
                .filter(secret -> !secret.isEmpty())
                .toArray(String[]::new);
        if (!FORMATS.containsKey(format) || secrets.length == 0 || arguments.length != 1) {
            System.err.println("usage: WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… java Receiver PORT");
            System.exit(2);
        }
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0]));
        HttpServer server = HttpServer.create(address, 0);
        server.createContext("/", new Receiver(format, secrets)::handle);
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
        System.out.println("listening on http://127.0.0.1:" + server.getAddress().getPort());
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            if (!exchange.getRequestMethod().equals("POST")) {
                exchange.sendResponseHeaders(405, -1);
                return;
            }
            try {
                FORMATS.get(format).verify(exchange.getRequestHeaders()::getFirst, body, secrets);
                System.out.println("verified " + format + ": " + body.length + " bytes");
                exchange.sendResponseHeaders(204, -1);
            } catch (Verify.VerificationException e) {
                System.out.println("refused " + format + ": " + e.getMessage());
                byte[] reason = e.getMessage().getBytes(StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(401, reason.length);
                exchange.getResponseBody().write(reason);
            }
        }
    }
}
