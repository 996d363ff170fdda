package dashboard

import (
	"path"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/docs/verify"
	"github.com/pealhq/peal/wire"
)

// sample is the verification code of a language, with a call of its function.
type sample struct {
	Language, File string
	call           string // with FUNCTION in place of the function's name
	name           func(format string) string
}

var samples = []sample{
	{"Go", "go/verify.go", "body, err := io.ReadAll(r.Body)\nif err == nil {\n\terr = FUNCTION(r.Header, body, secret)\n}\nif err != nil {\n\thttp.Error(w, err.Error(), http.StatusUnauthorized)\n\treturn\n}", func(f string) string { return "Verify" + camel(f) }},
	{"JavaScript", "javascript/verify.mjs", "import { FUNCTION } from \"./verify.mjs\";\n\n// body: the bytes as they came, before anything parses them\nFUNCTION(request.headers, body, [secret]);", func(f string) string { return "verify" + camel(f) }},
	{"Python", "python/verify.py", "import verify\n\n# body: the bytes as they came, before anything parses them\nverify.FUNCTION(request.headers, body, secret)", func(f string) string { return "verify_" + strings.ReplaceAll(f, "-", "_") }},
	{"Ruby", "ruby/verify.rb", "require_relative \"verify\"\n\n# the file's comment says how the headers are passed\nVerify.FUNCTION(headers, body, secret)", func(f string) string { return strings.ReplaceAll(f, "-", "_") }},
	{"PHP", "php/verify.php", "require 'verify.php';\n\n$body = file_get_contents('php://input');\nFUNCTION(array_change_key_case(getallheaders()), $body, $secret);", func(f string) string { return "verify_" + strings.ReplaceAll(f, "-", "_") }},
	{"Java", "java/Verify.java", "byte[] body = request.getInputStream().readAllBytes();\nVerify.FUNCTION(request::getHeader, body, secret);", func(f string) string { return lowerFirst(camel(f)) }},
	{"C#", "csharp/Verify.cs", "Verify.FUNCTION(name => request.Headers[name].FirstOrDefault(), body, secret);", camel},
	{"Shell", "shell/verify.sh", "WEBHOOK_SECRET=$secret ./verify.sh FUNCTION headers.txt body.json", func(f string) string { return f }},
}

// camel returns the name of a format as in the samples.
func camel(format string) string {
	return map[string]string{"standard": "Standard", "x-webhook": "XWebhook", "vikunja": "Vikunja", "github": "GitHub", "stripe": "Stripe"}[format]
}

func lowerFirst(text string) string {
	if text == "GitHub" {
		return "github"
	}
	return strings.ToLower(text[:1]) + text[1:]
}

type codePage struct {
	Webhook   peal.Webhook
	Languages []rangeChoice
	Header    string // of the signature
	Headers   []string
	Call      string
	File      string
	Source    string
	Signs     bool
	Sampled   bool // whether the samples support the format
}

// codePage shows code that verifies this webhook, in a language.
func (d *Dashboard) codePage(c *call) error {
	w, err := c.findWebhook()
	if err != nil {
		return err
	}
	data := codePage{Webhook: w, Sampled: camel(w.Format) != ""}
	if format, ok := d.Engine.Format(w.Format); ok {
		data.Signs = format.Secrets != wire.SecretNone
		data.Header, data.Headers = format.SignatureHeader, format.Headers
	}
	chosen := max(0, slices.IndexFunc(samples, func(s sample) bool { return s.Language == c.r.URL.Query().Get("language") }))
	for i, s := range samples {
		data.Languages = append(data.Languages, rangeChoice{s.Language, s.Language, i == chosen})
	}
	if data.Sampled {
		s := samples[chosen]
		source, err := verify.Files.ReadFile(s.File)
		if err != nil {
			return err
		}
		data.Source, data.File = string(source), path.Base(s.File)
		data.Call = strings.ReplaceAll(s.call, "FUNCTION", s.name(w.Format))
	}
	return c.page("webhook_code", c.texts.get("code.title", "name", w.Title()), data)
}
