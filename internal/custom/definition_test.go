package custom_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/custom"
	"github.com/pealhq/peal/wire"
)

// plain is a definition that every test may change.
func plain() custom.Definition {
	return custom.Definition{Name: "tickets", Body: `{kind: .event.type, payload: .event.data}`}
}

func signed() custom.Definition {
	d := plain()
	d.Signature = &custom.Signature{Header: "X-Signature"}
	return d
}

var variables = map[string]string{"TOKEN": "t0ken", "BROKEN": "a\r\nb", "LONG": strings.Repeat("x", 8000), "BINARY": "\xff"}

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*custom.Definition)
		field   string
		message string
	}{
		"no name":            {func(d *custom.Definition) { d.Name = "" }, "name", "must be 1 to 64"},
		"a built-in's name":  {func(d *custom.Definition) { d.Name = "standard" }, "name", "built-in"},
		"a name in capitals": {func(d *custom.Definition) { d.Name = "Tickets" }, "name", "must be 1 to 64"},
		"a long name":        {func(d *custom.Definition) { d.Name = strings.Repeat("a", 65) }, "name", "must be 1 to 64"},

		"no body":              {func(d *custom.Definition) { d.Body = " \n" }, "body", "is missing"},
		"a long body":          {func(d *custom.Definition) { d.Body = strings.Repeat(" ", 70_000) + "." }, "body", "at most"},
		"no jq":                {func(d *custom.Definition) { d.Body = "{\n  a: .event.}" }, "body", "does not compile: unexpected token \"}\" at line 2, column 13"},
		"an unknown function":  {func(d *custom.Definition) { d.Body = "nope" }, "body", "does not compile: there is no function nope/0"},
		"the environment":      {func(d *custom.Definition) { d.Body = "env" }, "body", "not available"},
		"endless recursion":    {func(d *custom.Definition) { d.Body = "def f: f; f" }, "body", "recursion is not available"},
		"an endless loop":      {func(d *custom.Definition) { d.Body = "last(range(infinite))" }, "body", "does too much work"},
		"a bomb":               {func(d *custom.Definition) { d.Body = `reduce range(60) as $i ("x"; . + .)` }, "body", "does too much work"},
		"no value":             {func(d *custom.Definition) { d.Body = "empty" }, "body", "returns no value"},
		"two values":           {func(d *custom.Definition) { d.Body = "1, 2" }, "body", "more than one value"},
		"an object sent as is": {func(d *custom.Definition) { d.BodyRaw = true }, "body", "returns an object; it must return a string"},

		"no media type":        {func(d *custom.Definition) { d.ContentType = "json;;" }, "content_type", "media type"},
		"a template as type":   {func(d *custom.Definition) { d.ContentType = "text/{{event.type}}" }, "content_type", "media type"},
		"a line break as type": {func(d *custom.Definition) { d.ContentType = "text/plain\r\nX: y" }, "content_type", ""},
		"a hop's header":       {func(d *custom.Definition) { d.Headers = map[string]string{"connection": "close"} }, "headers.connection", "must not be set"},
		"the length":           {func(d *custom.Definition) { d.Headers = map[string]string{"Content-Length": "3"} }, "headers.Content-Length", "must not be set"},
		"the type as header":   {func(d *custom.Definition) { d.Headers = map[string]string{"content-type": "text/plain"} }, "headers.content-type", "use content_type"},
		"no token":             {func(d *custom.Definition) { d.Headers = map[string]string{"a b": "x"} }, "headers", "not an HTTP token"},
		"twice":                {func(d *custom.Definition) { d.Headers = map[string]string{"X-A": "x", "x-a": "y"} }, "headers.", "duplicate"},
		"a line break":         {func(d *custom.Definition) { d.Headers = map[string]string{"X-A": "x\r\nY: z"} }, "headers.X-A", "line breaks"},
		"an unknown name":      {func(d *custom.Definition) { d.Headers = map[string]string{"X-A": "{{event.data}}"} }, "headers.X-A", "{{event.data}}, which is unknown; use one of delivery_id, "},
		"an unset variable":    {func(d *custom.Definition) { d.Headers = map[string]string{"X-A": "{{NOPE}}"} }, "headers.X-A", "the names under variables"},
		"the body as header":   {func(d *custom.Definition) { d.Headers = map[string]string{"X-A": "{{body}}"} }, "headers.X-A", "is unknown"},
		"an open template":     {func(d *custom.Definition) { d.Headers = map[string]string{"X-A": "{{TOKEN"} }, "headers.X-A", "without }}"},
		"a broken variable":    {func(d *custom.Definition) { d.Headers = map[string]string{"X-A": "{{BROKEN}}"} }, "headers.X-A", "the variable BROKEN, which holds a line break"},
		"a binary variable":    {func(d *custom.Definition) { d.Headers = map[string]string{"X-A": "{{BINARY}}"} }, "headers.X-A", "not UTF-8"},
		"a long variable":      {func(d *custom.Definition) { d.Headers = map[string]string{"X-A": "{{LONG}}"} }, "headers.X-A", "is longer than"},

		"no signature header":      {func(d *custom.Definition) { d.Signature.Header = "" }, "signature.header", "is missing"},
		"a forbidden one":          {func(d *custom.Definition) { d.Signature.Header = "Host" }, "signature.header", "must not be set"},
		"one that is there":        {func(d *custom.Definition) { d.Headers = map[string]string{"x-signature": "x"} }, "signature.header", "other headers"},
		"the type's":               {func(d *custom.Definition) { d.Signature.Header = "Content-type" }, "signature.header", "other headers"},
		"an unknown algorithm":     {func(d *custom.Definition) { d.Signature.Algorithm = "md5" }, "signature.algorithm", "must be sha256"},
		"an unknown encoding":      {func(d *custom.Definition) { d.Signature.Encoding = "raw" }, "signature.encoding", "must be hex"},
		"an unknown key":           {func(d *custom.Definition) { d.Signature.SecretEncoding = "utf8" }, "signature.secret_encoding", "must be raw"},
		"a text as ed25519 key":    {func(d *custom.Definition) { d.Signature.Algorithm, d.Signature.SecretEncoding = "ed25519", "raw" }, "signature.secret_encoding", "must be base64 or hex"},
		"a line break as prefix":   {func(d *custom.Definition) { d.Signature.Prefix = "a\n" }, "signature.prefix", "line breaks"},
		"a variable as prefix":     {func(d *custom.Definition) { d.Signature.Prefix = "{{TOKEN}}" }, "signature.prefix", "is unknown"},
		"content without the body": {func(d *custom.Definition) { d.Signature.Content = "{{timestamp}}" }, "signature.content", "must contain {{body}}"},
		"a variable in content":    {func(d *custom.Definition) { d.Signature.Content = "{{TOKEN}}{{body}}" }, "signature.content", "is unknown"},
		"unknown content":          {func(d *custom.Definition) { d.Signature.Content = "{{ nope }}{{body}}" }, "signature.content", "{{nope}}"},

		"a bad policy": {func(d *custom.Definition) { d.RetryPolicy = &peal.RetryPolicy{Delays: []time.Duration{-1}} }, "retry_policy", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := signed()
			test.change(&d)
			_, err := custom.New(d, variables)
			e, ok := err.(*peal.Error)
			if !ok || e.Code != peal.Invalid {
				t.Fatalf("got %v, want an error of code invalid", err)
			}
			if !strings.HasPrefix(e.Field, test.field) || !strings.Contains(e.Message, test.message) {
				t.Errorf("got %q, want field %s and %q", e, test.field, test.message)
			}
			if strings.Contains(e.Error(), "t0ken") {
				t.Errorf("%q shows a variable", e)
			}
		})
	}
}

// What fails only because the sample event is not like the real ones is accepted.
func TestProgramsThatNeedTheirData(t *testing.T) {
	for _, body := range []string{
		`.event.data.title | ascii_upcase`, `.event.data.items | length as $n | {n: (100 / $n)}`, `{a: .event.data.list[0].x}`, `.event.data.n + 1`,
	} {
		d := plain()
		d.Body = body
		if _, err := custom.New(d, nil); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	d := plain()
	d.Body, d.BodyRaw = `.event.data.text`, true
	if _, err := custom.New(d, nil); err != nil {
		t.Error(err)
	}
}

func TestNewAll(t *testing.T) {
	first, second, third := plain(), plain(), plain()
	second.Name, third.Name = "other", "tickets"
	if _, err := custom.NewAll([]custom.Definition{first, second, third}, nil); err == nil || err.(*peal.Error).Field != "formats[2].name" {
		t.Errorf("the same name twice: %v", err)
	}
	second.Headers = map[string]string{"X": "{{"}
	if _, err := custom.NewAll([]custom.Definition{first, second}, nil); err == nil || err.(*peal.Error).Field != "formats[1].headers.X" {
		t.Errorf("a wrong header: %v", err)
	}
	second.Headers = nil
	formats, err := custom.NewAll([]custom.Definition{first, second}, nil)
	if err != nil || len(formats) != 2 || formats[0].Name != "tickets" || formats[1].Title != "other" {
		t.Errorf("got %v, %v", formats, err)
	}
}

func TestWhatTheFormatSays(t *testing.T) {
	d := signed()
	d.Title = "Ticket system"
	d.Headers = map[string]string{"X-Token": "Bearer {{TOKEN}}", "x-delivery": "{{delivery_id}}"}
	d.RetryPolicy = &peal.RetryPolicy{Delays: []time.Duration{time.Second}}
	d.Body = `.webhook.extra_payload`
	f, err := custom.New(d, variables)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.Headers, " "); got != "Content-Type X-Token x-delivery X-Signature" {
		t.Errorf("the headers are %s", got)
	}
	if got := strings.Join(f.Confidential, " "); got != "X-Token" {
		t.Errorf("confidential are %s", got)
	}
	if f.Title != d.Title || f.Secrets != wire.SecretAlways || f.SignatureHeader != "X-Signature" || !f.ExtraPayload || f.RetryPolicy != d.RetryPolicy || f.Verify == nil {
		t.Errorf("got %+v", f)
	}
	unsigned, err := custom.New(plain(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if unsigned.Secrets != wire.SecretNone || unsigned.Verify != nil || unsigned.NewSecret() != "" || unsigned.CheckSecret("x") == nil {
		t.Errorf("without a signature: %+v", unsigned)
	}
}
