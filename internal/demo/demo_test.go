package demo_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/pealhq/peal/internal/demo"
)

func TestReceiver(t *testing.T) {
	var got []demo.Received
	r, err := demo.StartReceiver("127.0.0.1:0", func(r demo.Received) { got = append(got, r) })
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(r.URL()+"/hook?a=b", "application/json", strings.NewReader("{\"a\":\"\x1b\"}"))
	if err != nil || response.StatusCode != http.StatusNoContent {
		t.Fatalf("a POST is answered with %v, %v", response, err)
	}
	response.Body.Close()
	if response, err = http.Get(r.URL()); err != nil || response.StatusCode != http.StatusBadRequest {
		t.Fatalf("a GET is answered with %v, %v", response, err)
	}
	response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if err := r.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if len(got) != 1 || got[0].URL != r.URL()+"/hook?a=b" {
		t.Fatalf("it has received %v", got)
	}
	var shown strings.Builder
	demo.Show(&shown, got[0], "a verdict")
	for _, want := range []string{"content-type: application/json\n", `{"a":"\x1b"}`, "\n  a verdict\n"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("%q is not in\n%s", want, &shown)
		}
	}
}

// A receiver on a port in use takes another.
func TestReceiverOnAPortInUse(t *testing.T) {
	first, err := demo.StartReceiver("127.0.0.1:0", func(demo.Received) {})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Stop(context.Background())
	second, err := demo.StartReceiver(strings.TrimPrefix(first.URL(), "http://"), func(demo.Received) {})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Stop(context.Background())
	if first.URL() == second.URL() {
		t.Errorf("both are %s", first.URL())
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string][2]string{
		"127.0.0.1:80":  {"127.0.0.1:80", "127.0.0.1:81"},
		"0.0.0.0:80":    {"127.0.0.1:80", "127.0.0.1:81"},
		"[::]:80":       {"127.0.0.1:80", "127.0.0.1:81"},
		"10.1.2.3:8420": {"10.1.2.3:8420", "127.0.0.1:8421"},
		"[::1]:65534":   {"[::1]:65534", "127.0.0.1:65535"},
		"[::1]:65535":   {"[::1]:65535", "127.0.0.1:0"},
		"nonsense":      {"nonsense", "127.0.0.1:0"},
	} {
		if got := [2]string{demo.Reachable(address), demo.NextPort(address)}; got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}

func TestDemo(t *testing.T) {
	var out strings.Builder
	d := demo.Demo{Listen: "127.0.0.1:0", Once: true, Out: &out, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "signature verified; it arrived ") {
		t.Errorf("it shows\n%s", &out)
	}
}
