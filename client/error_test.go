package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/client"
)

func TestErrors(t *testing.T) {
	for name, test := range map[string]struct {
		status     int
		kind       string
		retryAfter string
		body       string
		want       client.Error
		text       string
	}{
		"a problem": {422, "application/problem+json", "",
			`{"type":"https://peal.example/problems/invalid","title":"Unprocessable Entity","status":422,"detail":"the input is wrong","errors":[{"location":"body.url","message":"is missing"},{"message":"and more"}]}`,
			client.Error{Status: 422, Type: "https://peal.example/problems/invalid", Title: "Unprocessable Entity", Detail: "the input is wrong",
				Errors: []client.FieldError{{Location: "body.url", Message: "is missing"}, {Message: "and more"}}},
			"the input is wrong: body.url is missing; and more"},
		"a detail that its one place repeats": {404, "application/problem+json; charset=utf-8", "",
			`{"title":"Not Found","detail":"no such webhook","errors":[{"message":"no such webhook"}]}`,
			client.Error{Status: 404, Title: "Not Found", Detail: "no such webhook", Errors: []client.FieldError{{Message: "no such webhook"}}},
			"no such webhook"},
		"busy": {503, "application/problem+json", "7", `{"title":"Service Unavailable"}`,
			client.Error{Status: 503, Title: "Service Unavailable", RetryAfter: 7 * time.Second}, "Service Unavailable"},
		"busy beyond reason": {503, "", "99999999999999", ``,
			client.Error{Status: 503, RetryAfter: (1 << 31) * time.Second}, "the server answered 503 Service Unavailable"},
		"busy until long ago": {429, "", "Mon, 02 Jan 2006 15:04:05 GMT", ``,
			client.Error{Status: 429}, "the server answered 429 Too Many Requests"},
		"a proxy's page":        {502, "text/html", "", `<h1>Bad</h1>`, client.Error{Status: 502}, "the server answered 502 Bad Gateway"},
		"a problem cut short":   {500, "application/problem+json", "", `{"title":"Int`, client.Error{Status: 500}, "the server answered 500 Internal Server Error"},
		"a problem of no shape": {400, "application/json", "", `[]`, client.Error{Status: 400}, "the server answered 400 Bad Request"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.kind)
				w.Header().Set("Retry-After", test.retryAfter)
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			}))
			defer server.Close()
			c, err := client.New(server.URL, "", client.DefaultOptions())
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Webhook(t.Context(), "webhook_1")
			var got *client.Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Error(diff)
			}
			if err.Error() != test.text {
				t.Errorf("text %q, want %q", err.Error(), test.text)
			}
		})
	}
}

func TestAnAnswerThatIsNoJSON(t *testing.T) {
	c, _ := serve(t, 200, "<html>")
	_, err := c.Version(t.Context())
	if !errors.Is(err, client.ErrAnswer) || client.StatusOf(err) != 0 {
		t.Errorf("error %v", err)
	}
}
