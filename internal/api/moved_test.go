package api_test

import (
	"slices"
	"testing"
)

// What is never shown does not go along when a webhook's URL moves: it is asked for again.
func TestSecretsDoNotGoAlong(t *testing.T) {
	b := newBench(t)
	const oauth2 = `"oauth2":{"token_url":"https://127.0.0.3/token","client_id":"a","client_secret":"s3cret"}`
	for name, test := range map[string]struct {
		settings, change string
		want             []string // places that are refused; none for a change that is made
	}{
		"another host":                      {`"authorization":"Bearer x"`, `"url":"https://127.0.0.2/x"`, []string{"body.authorization"}},
		"another port":                      {`"authorization":"Bearer x"`, `"url":"https://127.0.0.1:8443/x"`, []string{"body.authorization"}},
		"another scheme":                    {`"authorization":"Bearer x"`, `"url":"http://127.0.0.1/x"`, []string{"body.authorization"}},
		"the placeholder":                   {`"authorization":"Bearer x"`, `"url":"https://127.0.0.2/x","authorization":"[set]"`, []string{"body.authorization"}},
		"given again":                       {`"authorization":"Bearer x"`, `"url":"https://127.0.0.2/x","authorization":"Bearer x"`, nil},
		"taken away":                        {`"authorization":"Bearer x"`, `"url":"https://127.0.0.2/x","authorization":null`, nil},
		"another path":                      {`"authorization":"Bearer x"`, `"url":"https://127.0.0.1/y?z"`, nil},
		"the same port":                     {`"authorization":"Bearer x"`, `"url":"https://127.0.0.1:443/x"`, nil},
		"a client":                          {oauth2, `"url":"https://127.0.0.2/x"`, []string{"body.oauth2.client_secret"}},
		"another token URL":                 {oauth2, `"oauth2":{"token_url":"https://127.0.0.4/token","client_id":"a","client_secret":"[set]"}`, []string{"body.oauth2.client_secret"}},
		"another client id":                 {oauth2, `"oauth2":{"token_url":"https://127.0.0.3/token","client_id":"b","client_secret":"[set]"}`, nil},
		"a client given anew":               {oauth2, `"url":"https://127.0.0.2/x",` + oauth2, nil},
		"readable headers":                  {`"headers":{"X-Key":"k"}`, `"url":"https://127.0.0.2/x"`, nil}, // whoever may change it may read them
		"hidden headers kept":               {`"headers":{"X-Key":"k"}`, `"headers":{"x-key":"[redacted]"}`, nil},
		"a hidden header that there is not": {`"headers":{"X-Key":"k"}`, `"headers":{"X-Other":"[redacted]"}`, []string{"body.headers.X-Other"}},
		"no authorization to keep":          {`"description":"x"`, `"authorization":"[set]"`, []string{"body.authorization"}},
		"no client to keep":                 {`"description":"x"`, `"oauth2":{"token_url":"https://127.0.0.3/token","client_id":"a","client_secret":"[set]"}`, []string{"body.oauth2.client_secret"}},
		"the secret is kept":                {`"description":"x"`, `"secret":"[set]"`, nil},
		"a URL with hidden values":          {`"description":"x"`, `"url":"https://127.0.0.1/x?token=[redacted]"`, []string{"body.url"}},
		"several faults":                    {`"authorization":"Bearer x"`, `"url":"https://127.0.0.2/x","timeout_ms":1,"uuid":null,"filter":"("`, []string{"body.authorization", "body.filter", "body.timeout_ms"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			path := "/v1/webhooks/" + b.want(201, request{method: "POST", path: "/v1/webhooks", body: `{"url":"https://127.0.0.1/x","events":"*",` + test.settings + `}`})["id"].(string)
			before := b.do(request{method: "GET", path: path}).body
			change := request{method: "PATCH", path: path, body: "{" + test.change + "}"}
			if test.want == nil {
				b.want(200, change)
				return
			}
			places := b.refused(422, "invalid", change)
			slices.Sort(places)
			if !slices.Equal(places, test.want) {
				t.Errorf("refused at %q, not %q", places, test.want)
			}
			if after := b.do(request{method: "GET", path: path}).body; string(after) != string(before) {
				t.Errorf("the refused change has changed %s to %s", before, after)
			}
		})
	}
}

// A placeholder of a value that is not shown is never taken for the value.
func TestPlaceholdersAreNoValues(t *testing.T) {
	b := newBench(t)
	for members, place := range map[string]string{
		`"authorization":"[set]"`:               "body.authorization",
		`"authorization":"[redacted]"`:          "body.authorization",
		`"headers":{"X-Key":"[redacted]"}`:      "body.headers.X-Key",
		`"headers":{"X-Key":"[set]"}`:           "body.headers.X-Key",
		`"secret":"[set]","format":"x-webhook"`: "body.secret",
		`"oauth2":{"token_url":"https://127.0.0.1/","client_id":"a","client_secret":"[set]"}`:              "body.oauth2.client_secret",
		`"oauth2":{"token_url":"https://127.0.0.1/?t=%5Bredacted%5D","client_id":"a","client_secret":"x"}`: "body.oauth2.token_url",
		`"client_certificate":{"certificate":"-----BEGIN CERTIFICATE-----","key":"[set]"}`:                 "body.client_certificate.key",
	} {
		if places := b.refused(422, "invalid", request{method: "POST", path: "/v1/webhooks", body: `{"url":"https://127.0.0.1/","events":"*",` + members + `}`}); !slices.Equal(places, []string{place}) {
			t.Errorf("%s is refused at %q", members, places)
		}
	}
	path := "/v1/webhooks/" + b.newWebhook("", "https://127.0.0.1/", "*") + "/secret/rotate"
	for _, r := range []request{
		{method: "POST", path: path, body: `{"secret":"[set]"}`},
		{method: "POST", path: "/v1/sources", body: `{"name":"a","format":"vikunja","secret":"[set]"}`},
		{method: "PATCH", path: "/v1/sources/" + b.newSource("", `{"name":"open","format":"vikunja","unverified":true}`), body: `{"unverified":false,"secret":"[set]"}`},
		{method: "POST", path: "/v1/sources/" + b.newSource("", `{"name":"closed","format":"vikunja","secret":"abc"}`) + "/secret/rotate", body: `{"secret":"[redacted]"}`},
	} {
		if places := b.refused(422, "invalid", r); !slices.Equal(places, []string{"body.secret"}) {
			t.Errorf("%s %s is refused at %q", r.method, r.path, places)
		}
	}
}
