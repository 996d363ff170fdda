// Copy this file into your receiver to verify the webhooks that Peal sends. It needs
// .NET 8 or later alone.
//
// Each method takes a function that gives a header's value or null
// (name => request.Headers[name] in ASP.NET Core), the body's bytes as they came, before
// anything parses them, and every secret that may have signed: two while you rotate,
// otherwise one. It throws a VerificationException when the request is not to be
// trusted: answer 401.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

public sealed class VerificationException : Exception
{
    public VerificationException(string message) : base(message) { }
}

public static class Verify
{
    // How far a signed time may be from now, in both directions, in seconds.
    private const long Tolerance = 5 * 60;

    public static void Standard(Func<string, string?> header, byte[] body, params string[] secrets)
    {
        var id = Need(header, "webhook-id");
        var timestamp = Need(header, "webhook-timestamp");
        var signatures = Need(header, "webhook-signature").Split(' '); // several while the sender rotates
        CheckTime(timestamp);
        MustFit(signatures, secrets.Select(secret =>
            "v1," + Convert.ToBase64String(Sign(StandardKey(secret), $"{id}.{timestamp}.", body))));
    }

    public static void XWebhook(Func<string, string?> header, byte[] body, params string[] secrets)
    {
        // The signature does not cover the time: this stops honest mistakes only.
        var timestamp = header("X-Webhook-Timestamp");
        if (!string.IsNullOrEmpty(timestamp))
        {
            CheckTime(timestamp);
        }
        Hexadecimal(header, "X-Webhook-Signature", "sha256=", body, secrets);
    }

    public static void Vikunja(Func<string, string?> header, byte[] body, params string[] secrets) =>
        Hexadecimal(header, "X-Vikunja-Signature", "", body, secrets);

    public static void GitHub(Func<string, string?> header, byte[] body, params string[] secrets) =>
        Hexadecimal(header, "X-Hub-Signature-256", "sha256=", body, secrets);

    public static void Stripe(Func<string, string?> header, byte[] body, params string[] secrets)
    {
        var timestamp = "";
        var signatures = new List<string>();
        foreach (var part in Need(header, "Stripe-Signature").Split(','))
        {
            var text = part.Trim();
            if (text.StartsWith("t=", StringComparison.Ordinal))
            {
                timestamp = text.Substring("t=".Length);
            }
            else if (text.StartsWith("v1=", StringComparison.Ordinal))
            {
                signatures.Add(text.Substring("v1=".Length));
            }
        }
        CheckTime(timestamp);
        // whsec_ belongs to the key here.
        MustFit(signatures, secrets.Select(secret => Hex(Sign(Encoding.UTF8.GetBytes(secret), timestamp + ".", body))));
    }

    // A signature in hexadecimal over the body alone.
    private static void Hexadecimal(Func<string, string?> header, string name, string prefix, byte[] body, string[] secrets)
    {
        var signature = Need(header, name);
        MustFit(new[] { signature }, secrets.Select(secret => prefix + Hex(Sign(Encoding.UTF8.GetBytes(secret), "", body))));
    }

    private static string Need(Func<string, string?> header, string name)
    {
        var value = header(name);
        return string.IsNullOrEmpty(value) ? throw new VerificationException($"the header {name} is missing") : value;
    }

    private static void CheckTime(string text)
    {
        // NumberStyles.None takes the digits 0 to 9 and nothing else.
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || text.Length > 12)
        {
            throw new VerificationException("the timestamp is no number of unix seconds");
        }
        if (Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - seconds) > Tolerance)
        {
            throw new VerificationException("the timestamp is more than 5 minutes from now");
        }
    }

    private static byte[] StandardKey(string secret)
    {
        try
        {
            return Convert.FromBase64String(secret.StartsWith("whsec_", StringComparison.Ordinal) ? secret.Substring(6) : secret);
        }
        catch (FormatException)
        {
            throw new VerificationException("a secret is not whsec_ and base64");
        }
    }

    // Refuses an empty key, with which anybody can sign.
    private static byte[] Sign(byte[] key, string before, byte[] body)
    {
        if (key.Length == 0)
        {
            throw new VerificationException("a secret is empty");
        }
        return HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(before).Concat(body).ToArray());
    }

    private static string Hex(byte[] bytes) => Convert.ToHexString(bytes).ToLowerInvariant();

    // Takes the same time wherever two texts differ.
    private static void MustFit(IEnumerable<string> signatures, IEnumerable<string> wants)
    {
        foreach (var want in wants)
        {
            foreach (var signature in signatures)
            {
                if (CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(want), Encoding.UTF8.GetBytes(signature)))
                {
                    return;
                }
            }
        }
        throw new VerificationException("no signature fits: another secret signed, or the body is not what was sent");
    }
}
