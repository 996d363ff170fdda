import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Function;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Copy this file into your receiver to verify the webhooks that Peal sends. It needs the
 * Java platform alone (17 or later).
 *
 * <p>Each method takes a function that gives a header's value, or null ({@code request::getHeader}),
 * the body's bytes as they came, before anything parses them, and every secret that may have
 * signed: two while you rotate, otherwise one. It throws a VerificationException when the request
 * is not to be trusted: answer 401.
 */
public final class Verify {
    /** How far a signed time may be from now, in both directions, in seconds. */
    private static final long TOLERANCE = 5 * 60;

    public static final class VerificationException extends Exception {
        VerificationException(String message) {
            super(message);
        }
    }

    private Verify() {}

    public static void standard(Function<String, String> header, byte[] body, String... secrets)
            throws VerificationException {
        String id = need(header, "webhook-id");
        String timestamp = need(header, "webhook-timestamp");
        String[] signatures = need(header, "webhook-signature").split(" "); // several while the sender rotates
        checkTime(timestamp);
        List<String> wants = new ArrayList<>();
        for (String secret : secrets) {
            byte[] mac = sign(standardKey(secret), id + "." + timestamp + ".", body);
            wants.add("v1," + Base64.getEncoder().encodeToString(mac));
        }
        mustFit(List.of(signatures), wants);
    }

    public static void xWebhook(Function<String, String> header, byte[] body, String... secrets)
            throws VerificationException {
        // The signature does not cover the time: this stops honest mistakes only.
        String timestamp = header.apply("X-Webhook-Timestamp");
        if (timestamp != null && !timestamp.isEmpty()) {
            checkTime(timestamp);
        }
        hexadecimal(header, "X-Webhook-Signature", "sha256=", body, secrets);
    }

    public static void vikunja(Function<String, String> header, byte[] body, String... secrets)
            throws VerificationException {
        hexadecimal(header, "X-Vikunja-Signature", "", body, secrets);
    }

    public static void github(Function<String, String> header, byte[] body, String... secrets)
            throws VerificationException {
        hexadecimal(header, "X-Hub-Signature-256", "sha256=", body, secrets);
    }

    public static void stripe(Function<String, String> header, byte[] body, String... secrets)
            throws VerificationException {
        String timestamp = "";
        List<String> signatures = new ArrayList<>();
        for (String part : need(header, "Stripe-Signature").split(",")) {
            String text = part.strip();
            if (text.startsWith("t=")) {
                timestamp = text.substring("t=".length());
            } else if (text.startsWith("v1=")) {
                signatures.add(text.substring("v1=".length()));
            }
        }
        checkTime(timestamp);
        List<String> wants = new ArrayList<>();
        for (String secret : secrets) { // whsec_ belongs to the key here
            wants.add(HexFormat.of().formatHex(sign(bytes(secret), timestamp + ".", body)));
        }
        mustFit(signatures, wants);
    }

    /** A signature in hexadecimal over the body alone. */
    private static void hexadecimal(Function<String, String> header, String name, String prefix, byte[] body, String... secrets)
            throws VerificationException {
        String signature = need(header, name);
        List<String> wants = new ArrayList<>();
        for (String secret : secrets) {
            wants.add(prefix + HexFormat.of().formatHex(sign(bytes(secret), "", body)));
        }
        mustFit(List.of(signature), wants);
    }

    private static String need(Function<String, String> header, String name) throws VerificationException {
        String value = header.apply(name);
        if (value == null || value.isEmpty()) {
            throw new VerificationException("the header " + name + " is missing");
        }
        return value;
    }

    private static void checkTime(String text) throws VerificationException {
        if (!text.matches("[0-9]{1,12}")) {
            throw new VerificationException("the timestamp is no number of unix seconds");
        }
        if (Math.abs(Instant.now().getEpochSecond() - Long.parseLong(text)) > TOLERANCE) {
            throw new VerificationException("the timestamp is more than 5 minutes from now");
        }
    }

    private static byte[] standardKey(String secret) throws VerificationException {
        try {
            return Base64.getDecoder().decode(secret.startsWith("whsec_") ? secret.substring(6) : secret);
        } catch (IllegalArgumentException e) {
            throw new VerificationException("a secret is not whsec_ and base64");
        }
    }

    /** Refuses an empty key, with which anybody can sign. */
    private static byte[] sign(byte[] key, String before, byte[] body) throws VerificationException {
        if (key.length == 0) {
            throw new VerificationException("a secret is empty");
        }
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            mac.update(bytes(before));
            return mac.doFinal(body);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has HmacSHA256", e);
        }
    }

    /** Takes the same time wherever two texts differ. */
    private static void mustFit(List<String> signatures, List<String> wants) throws VerificationException {
        for (String want : wants) {
            for (String signature : signatures) {
                if (MessageDigest.isEqual(bytes(want), bytes(signature))) {
                    return;
                }
            }
        }
        throw new VerificationException("no signature fits: another secret signed, or the body is not what was sent");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
