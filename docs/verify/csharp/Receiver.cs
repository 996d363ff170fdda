// A small receiver that verifies every POST: 204 when it is right, 401 and the reason
// when it is not. Run it with
//
//   WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… dotnet run 8000
//
// and WEBHOOK_OLD_SECRET too while a secret is rotated.

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Text;

public static class Receiver
{
    private delegate void Check(Func<string, string?> header, byte[] body, params string[] secrets);

    private static readonly Dictionary<string, Check> Formats = new Dictionary<string, Check>
    {
        ["standard"] = Verify.Standard,
        ["x-webhook"] = Verify.XWebhook,
        ["vikunja"] = Verify.Vikunja,
        ["github"] = Verify.GitHub,
        ["stripe"] = Verify.Stripe,
    };

    public static int Main(string[] arguments)
    {
        var format = Environment.GetEnvironmentVariable("WEBHOOK_FORMAT") ?? "";
        var secrets = new[] { "WEBHOOK_SECRET", "WEBHOOK_OLD_SECRET" }
            .Select(name => Environment.GetEnvironmentVariable(name) ?? "")
            .Where(secret => secret != "")
            .ToArray();
        if (!Formats.ContainsKey(format) || secrets.Length == 0 || arguments.Length != 1)
        {
            Console.Error.WriteLine("usage: WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… dotnet run PORT");
            return 2;
        }
        using var listener = new HttpListener();
        listener.Prefixes.Add($"http://127.0.0.1:{arguments[0]}/");
        listener.Start();
        Console.WriteLine($"listening on http://127.0.0.1:{arguments[0]}");
        while (true)
        {
            var context = listener.GetContext();
            try
            {
                Handle(context, format, secrets);
            }
            catch (Exception e) when (e is IOException || e is HttpListenerException)
            {
                Console.WriteLine($"failed {format}: {e.Message}"); // the sender has gone
            }
        }
    }

    private static void Handle(HttpListenerContext context, string format, string[] secrets)
    {
        using var response = context.Response;
        using var buffer = new MemoryStream();
        context.Request.InputStream.CopyTo(buffer);
        var body = buffer.ToArray();
        if (context.Request.HttpMethod != "POST")
        {
            response.StatusCode = 405;
            return;
        }
        try
        {
            Formats[format](name => context.Request.Headers[name], body, secrets);
            Console.WriteLine($"verified {format}: {body.Length} bytes");
            response.StatusCode = 204;
        }
        catch (VerificationException e)
        {
            Console.WriteLine($"refused {format}: {e.Message}");
            var reason = Encoding.UTF8.GetBytes(e.Message);
            response.StatusCode = 401;
            response.ContentType = "text/plain; charset=utf-8";
            response.ContentLength64 = reason.Length;
            response.OutputStream.Write(reason, 0, reason.Length);
        }
    }
}
