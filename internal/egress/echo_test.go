package egress_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
	"github.com/pealhq/peal/wire"
)

// An endpoint that echoes the request reveals no secret.
func TestEchoedSecretsAreHidden(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		credentials := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("X-Echo", credentials)
		fmt.Fprintln(w, r.URL, r.FormValue("token"), credentials, r.Header)
	}))
	defer echo.Close()
	client, err := egress.New(egress.DefaultOptions().Development())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	request := wire.Request{
		URL: echo.URL + "/hook?token=top%20secret&n=1", Body: []byte("x"), Secret: []string{"X-Var"},
		Header: http.Header{"Authorization": {"Bearer the-credentials"}, "X-Var": {"the-variable"}, "X-Open": {"this may be seen"}},
	}
	var attempt peal.Attempt
	client.Do(t.Context(), &request, 30*time.Second, &attempt)
	if !attempt.Succeeded() {
		t.Fatal(attempt.Error)
	}
	shown := fmt.Sprint(attempt.URL, attempt.RequestHead, attempt.ResponseHead, string(attempt.ResponseBody))
	for _, secret := range []string{"top%20secret", "top secret", "the-credentials", "the-variable"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%s shows in\n%s", secret, shown)
		}
	}
	if !strings.Contains(shown, "this may be seen") || !strings.Contains(attempt.URL, "?token=[redacted]&n=[redacted]") {
		t.Errorf("more than secrets is hidden:\n%s", shown)
	}
}

// A body with hidden secrets is not longer than a record may hold.
func TestHiddenEchoStaysBounded(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat(r.Header.Get("Authorization"), peal.MaxResponseBody))
	}))
	defer echo.Close()
	client, err := egress.New(egress.DefaultOptions().Development())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	request := wire.Request{URL: echo.URL, Header: http.Header{"Authorization": {"secret"}}}
	var attempt peal.Attempt
	client.Do(t.Context(), &request, 30*time.Second, &attempt)
	if n := len(attempt.ResponseBody); n != peal.MaxResponseBody || strings.Contains(string(attempt.ResponseBody), "secret") {
		t.Errorf("%d bytes are kept", n)
	}
}
