package canonical_test

import (
	"net/http"
	"testing"

	"pgregory.net/rapid"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/canonical"
)

func TestURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://example.com":                         "https://example.com",
		"HTTPS://EXAMPLE.com/Path?Q=X":                "https://example.com/Path?Q=X",
		"https://example.com:443/":                    "https://example.com/",
		"http://example.com:80?x":                     "http://example.com?x",
		"http://example.com:443/":                     "http://example.com:443/",
		"https://example.com:8443/a":                  "https://example.com:8443/a",
		"https://BÜCHER.example/":                     "https://xn--bcher-kva.example/",
		"https://b%C3%BCcher.example/":                "https://xn--bcher-kva.example/",
		"https://faß.example/":                        "https://xn--fa-hia.example/",
		"https://１２７.０.０.１/":                          "https://127.0.0.1/",
		"https://bücher。example/":                     "https://xn--bcher-kva.example/",
		"http://my_service.internal/":                 "http://my_service.internal/",
		"https://[2001:DB8:0::1]:443/":                "https://[2001:db8::1]/",
		"https://[::1]:8080/x":                        "https://[::1]:8080/x",
		"https://example.com/a%2Fb/ü":                 "https://example.com/a%2Fb/%C3%BC",
		"https://example.com/?q=größe&x=%c3%a4":       "https://example.com/?q=gr%C3%B6%C3%9Fe&x=%c3%a4",
		"https://example.com/{a}|\"<b>\\^`?{a}|\"<b>": "https://example.com/%7Ba%7D%7C%22%3Cb%3E%5C%5E%60?%7Ba%7D%7C%22%3Cb%3E",
		"https://example.com/a[]b?c[]=1&d=e+f%20g%":   "https://example.com/a[]b?c[]=1&d=e+f%20g%",
	} {
		got, err := canonical.URL(text)
		if err != nil || got != want {
			t.Errorf("%s becomes %q (%v), not %q", text, got, err, want)
		}
	}
	for _, text := range []string{"https://a_ü.example/", "https://xn--ü.example/", "https://\u200d.example/"} {
		if got, err := canonical.URL(text); peal.CodeOf(err) != peal.Invalid {
			t.Errorf("%s becomes %q (%v)", text, got, err)
		}
	}
}

// A canonical URL stays so, is sent by net/http as it is, and leads to the same endpoint as the
// original.
func TestURLIsSentAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		host := rapid.SampledFrom([]string{"example.com", "BÜCHER.example", "[::1]", "10.0.0.1:80", "a.b:8443"}).Draw(t, "host")
		rest := rapid.StringOf(rapid.RuneFrom([]rune("aZ09-._~:/?[]@!$&'()*+,;=%{}|\"<>\\^`äß漢\u202e"))).Draw(t, "rest")
		text := "http://" + host + "/" + rest
		if peal.ValidateURL(text) != nil {
			t.Skip()
		}
		got, err := canonical.URL(text)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := canonical.URL(got); err != nil || again != got {
			t.Fatalf("%q becomes %q, and that %q (%v)", text, got, again, err)
		}
		request, err := http.NewRequest(http.MethodPost, got, nil)
		if err != nil {
			t.Fatal(err)
		}
		if sent := "http://" + request.Host + request.URL.RequestURI(); sent != got {
			t.Fatalf("%q is sent as %q", got, sent)
		}
		before, _ := http.NewRequest(http.MethodPost, text, nil)
		if before.URL.Path != request.URL.Path {
			t.Fatalf("%q leads to the path %q, not %q", got, request.URL.Path, before.URL.Path)
		}
		if canonical.Origin(text) != canonical.Origin(got) || !canonical.Same(text, got) {
			t.Fatalf("%q and %q are not the same", text, got)
		}
	})
}
