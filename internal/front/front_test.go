package front_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/pealhq/peal/internal/front"
)

func TestAddressAndTLS(t *testing.T) {
	proxies := front.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, test := range map[string]struct {
		peer, forwarded, proto string
		address                string
		secure                 bool
	}{
		"direct":                        {"192.0.2.1:1", "", "", "192.0.2.1", false},
		"a stranger who claims":         {"192.0.2.1:1", "198.51.100.1", "https", "192.0.2.1", false},
		"one proxy":                     {"10.0.0.1:1", "198.51.100.1", "https", "198.51.100.1", true},
		"a client who claims":           {"10.0.0.1:1", "127.0.0.1, 198.51.100.1", "https", "198.51.100.1", true},
		"two proxies":                   {"10.0.0.1:1", "198.51.100.1, 10.2.0.1", "http", "198.51.100.1", false},
		"all proxies":                   {"10.0.0.1:1", "10.3.0.1, 10.2.0.1", "https", "10.3.0.1", true},
		"garbage":                       {"10.0.0.1:1", "198.51.100.1, nonsense", "https", "10.0.0.1", true},
		"garbage before":                {"10.0.0.1:1", "nonsense, 198.51.100.1", "https", "198.51.100.1", true},
		"nothing said":                  {"10.0.0.1:1", "", "", "10.0.0.1", false},
		"IPv6":                          {"[fd00::1]:1", "2001:db8::1", "HTTPS", "2001:db8::1", true},
		"mapped":                        {"[::ffff:10.0.0.1]:1", "::ffff:198.51.100.1", "https", "198.51.100.1", true},
		"a protocol from further away":  {"10.0.0.1:1", "198.51.100.1", "https, http", "198.51.100.1", false},
		"a protocol from the last hop":  {"10.0.0.1:1", "198.51.100.1", "http, https", "198.51.100.1", true},
		"no connection, such as a pipe": {"@", "198.51.100.1", "https", "invalid IP", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = test.peer
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		if test.proto != "" {
			r.Header.Set("X-Forwarded-Proto", test.proto)
		}
		if got := proxies.Address(r).String(); got != test.address {
			t.Errorf("%s: the address is %s, not %s", name, got, test.address)
		}
		if got := proxies.Secure(r); got != test.secure {
			t.Errorf("%s: TLS is %t", name, got)
		}
		r.TLS = &tls.ConnectionState{}
		if !proxies.Secure(r) {
			t.Errorf("%s: TLS of its own is not seen", name)
		}
	}
}

func TestRequestNames(t *testing.T) {
	for given, kept := range map[string]bool{
		"abc-1": true, strings.Repeat("x", 128): true, strings.Repeat("x", 129): false, "": false, "a b": false, "a\tb": false, "ü": false, "a\x7f": false,
	} {
		r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
		r.Header[front.RequestIDHeader] = []string{given}
		name := front.NameRequest(w, r)
		if (name == given) != kept || name == "" || w.Header().Get("X-Request-Id") != name || front.RequestID(r) != name || front.NameRequest(w, r) != name {
			t.Errorf("%q became %q", given, name)
		}
	}
	r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
	r.Header[front.RequestIDHeader] = []string{"one", "two"}
	if name := front.NameRequest(w, r); name == "one" || name == "two" {
		t.Errorf("of two names, %q was taken", name)
	}
}

func TestPageHeaders(t *testing.T) {
	h := http.Header{}
	front.ProtectPage(h)
	policy := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s: %s", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" {
		t.Errorf("the headers are %v", h)
	}
	framed := http.Header{}
	front.ProtectPage(framed, "https://a.example", "https://b.example")
	if !strings.HasSuffix(framed.Get("Content-Security-Policy"), "frame-ancestors https://a.example https://b.example") || framed.Get("X-Frame-Options") != "" {
		t.Errorf("the headers of a framed page are %v", framed)
	}
}
