package wire_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/testkit"
	"github.com/pealhq/peal/wire"
)

const goldenData = `{"id": 4711, "title": "Write <docs> & \"tests\" é世😀\u2028", "project": {"id": 3, "name": "Home"},
	"labels": ["a", "b"], "big": 18446744073709551615, "rate": 1.50, "api_token": "s3cr3t", "url": "https://example.com/t_1?a=1&b=2", "done": false, "note": null}`

// goldenInput is the same for each format; only the secrets are the format's own.
func goldenInput(t testing.TB, f *wire.Format) *wire.Input {
	t.Helper()
	webhook, err := peal.ParseWebhookID("webhook_01h455vb4pex5vsknk084sn02q")
	if err != nil {
		t.Fatal(err)
	}
	delivery, err := peal.ParseDeliveryID("delivery_01h455vb4pex5vsknk084sn02r")
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{"new secret", "old secret"}
	if f.Name == "standard" {
		secrets = []string{
			"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
			"whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
		}
	}
	now := time.Unix(1795253400, 0).UTC()
	in := &wire.Input{
		Event: &peal.Event{
			ID: "evt-1", Tenant: "acme", Type: "task.created", Subject: "tasks/4711 “é”",
			Time: mustTime(t, "2026-11-21T10:30:00.250+01:00"), Data: json.RawMessage(goldenData),
		},
		Webhook: &peal.Webhook{
			ID: webhook, URL: "https://example.com/hook?é=1", Format: f.Name, UUID: "22c9203f-e90b-4135-a142-583ef4f41e72",
			Authorization: "Bearer {{verbatim}}", Headers: map[string]string{"x-extra": "a {{ NAME }} b"},
			ExtraPayload: json.RawMessage(`{"channel": "#ops", "d\u0061ta": 1, "channel": "#\u00e9"}`),
		},
		DeliveryID: delivery, Time: now,
		Variables: func(name string) (string, bool) { return "value", name == "NAME" },
	}
	if f.Name == "dejacode" {
		in.Webhook.ExtraPayload = json.RawMessage(`{"channel": "#ops", "h\u006fok": "é", "channel": "#é"}`)
	}
	if f.Secrets != wire.SecretNone {
		in.Webhook.Secrets = []peal.Secret{
			{Value: secrets[0]}, {Value: secrets[1], ExpiresAt: now.Add(time.Hour)}, {Value: "expired", ExpiresAt: now},
		}
	}
	return in
}

func TestGoldenRequests(t *testing.T) {
	for _, f := range wire.Formats() {
		t.Run(f.Name, func(t *testing.T) {
			r, err := f.Request(goldenInput(t, f))
			if err != nil {
				t.Fatal(err)
			}
			testkit.Golden(t, filepath.Join("testdata", "golden", f.Name+".txt"), dump(r))
		})
	}
}

// The chat formats have to cope with any events of applications.
func TestGoldenMessages(t *testing.T) {
	all := captures(t)
	for _, name := range []string{"vikunja-2.5.0-task.created-secret", "dejacode-vulnerability-data_update", "wgportal-peer-update-escapes"} {
		for _, chat := range []string{"slack", "discord", "msteams"} {
			t.Run(chat+" "+name, func(t *testing.T) {
				in := goldenInput(t, format(t, chat))
				in.Event.Type, in.Event.Subject, in.Event.Data = all[name].Event.Type, all[name].Event.Subject, json.RawMessage(all[name].Event.Data)
				in.Webhook.Secrets = nil
				body := request(t, in).Body
				for _, private := range []string{"QBFNBe+7J49ergH0ze2TGUJMFrL", "p9DDeLUSLOdQcjS8ZsBAiqUzwDIUvTyzavRZFuzhvyE="} {
					if bytes.Contains(body, []byte(private)) {
						t.Error("a key is shown to the whole chat")
					}
				}
				var out bytes.Buffer
				if err := json.Indent(&out, body, "", "  "); err != nil {
					t.Fatal(err)
				}
				testkit.Golden(t, filepath.Join("testdata", "golden", chat+"-"+name+".json"), out.String()+"\n")
			})
		}
	}
}

func dump(r wire.Request) string {
	var out strings.Builder
	fmt.Fprintf(&out, "POST %s\n", r.URL)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			fmt.Fprintf(&out, "%s: %s\n", name, value)
		}
	}
	fmt.Fprintf(&out, "\n%s\n", r.Body)
	return out.String()
}

// However large the event, messages stay inside the services' limits.
func TestMessagesKeepTheLimits(t *testing.T) {
	long := strings.Repeat("<&😀*_[世", 40000)
	member := func(i int) string { return fmt.Sprintf(`"%d%s":"%s"`, i, long[:700], long[:7000]) }
	members := make([]string, 60)
	for i := range members {
		members[i] = member(i)
	}
	for name, data := range map[string]string{
		"text":   `{"text":"` + long + `"}`,
		"fields": `{` + strings.Join(members, ",") + `}`,
		"both":   `{"text":"` + long + `",` + strings.Join(members, ",") + `}`,
		"string": `"` + long + `"`,
		"array":  `["` + long + `","` + long + `"]`,
		"number": strings.Repeat("1", 100000),
		"empty":  `{}`,
		"null":   `null`,
		"hidden": `{"a":null,"b":"","c":[],"d":{},"password":"x","":"y","\u0000":"z"}`,
		"deep":   strings.Repeat(`{"a":`, 63) + `1` + strings.Repeat(`}`, 63),
	} {
		for _, chat := range []string{"slack", "discord", "msteams"} {
			in := input(chat, data)
			in.Event.Subject = long[:1024]
			in.Event.ID = strings.Repeat("i", peal.MaxEventIDLength)
			in.Event.Type = strings.Repeat("t", peal.MaxTypeLength)
			body := request(t, in).Body
			var message any
			if err := json.Unmarshal(body, &message); err != nil {
				t.Fatalf("%s of %s: %v", chat, name, err)
			}
			if chat == "msteams" && len(body) > 28<<10 {
				t.Errorf("msteams of %s has %d bytes", name, len(body))
			}
			checkLimits(t, chat+" of "+name, chat, "", message)
		}
	}
}

// limits are the most UTF-16 units of each text, by its place.
var limits = map[string]map[string]int{
	"slack": {
		"text": 4000, "blocks.text": 150 /* the header; a section has more */, "blocks.text.section": 3000,
		"blocks.fields": 2000, "blocks.elements": 2000,
	},
	"discord": {
		"content": 2000, "embeds.description": 4096, "embeds.fields.name": 256, "embeds.fields.value": 1024, "embeds.footer": 2048, "embeds": 6000,
	},
}

func checkLimits(t *testing.T, what, chat, path string, value any) int {
	t.Helper()
	total := 0
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			place := strings.TrimPrefix(path+"."+key, ".")
			if key == "text" && path != "" {
				place = path
			}
			if v["type"] == "section" && key == "text" {
				place += ".section"
			}
			if s, ok := inner.(string); ok && s == "" {
				t.Errorf("%s: %s is empty", what, place)
			}
			total += checkLimits(t, what, chat, place, inner)
		}
	case []any:
		if len(v) > 10 && chat == "slack" || len(v) > 25 || path == "embeds.fields" && len(v) == 0 {
			t.Errorf("%s: %s has %d elements", what, path, len(v))
		}
		for _, inner := range v {
			total += checkLimits(t, what, chat, path, inner)
		}
	case string:
		total = len(utf16.Encode([]rune(v)))
	}
	if limit := limits[chat][path]; limit > 0 && total > limit && !strings.HasPrefix(what, "slack") {
		t.Errorf("%s: %s has %d characters, more than %d", what, path, total, limit)
	}
	if s, ok := value.(string); ok && chat == "slack" {
		if limit := limits[chat][path]; limit > 0 && len(utf16.Encode([]rune(s))) > limit {
			t.Errorf("%s: %s has %d characters, more than %d", what, path, total, limit)
		}
	}
	return total
}
