package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

// clientPair is a certificate and its key in PEM.
func clientPair(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peal"}, NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What lets somebody act for the webhook goes in and never comes out again.
func TestEndpointSecretsStayIn(t *testing.T) {
	b := newBench(t)
	certificate, key := clientPair(t)
	const pin = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	made := b.want(201, request{method: "POST", path: "/v1/webhooks", body: fmt.Sprintf(`{"url":"https://127.0.0.1:1/x","events":["*"],"pins":[%q],
		"client_certificate":{"certificate":%s,"key":%s},
		"oauth2":{"token_url":"https://127.0.0.1:1/token","client_id":"peal","client_secret":"hunter2","scopes":["a"]}}`, pin, quoted(t, certificate), quoted(t, key))})
	if warnings := fmt.Sprint(made["warnings"]); !strings.Contains(warnings, "client certificate expires at") {
		t.Errorf("warnings %s of a certificate that expires tomorrow", warnings)
	}
	path := "/v1/webhooks/" + made["id"].(string)
	kept := b.want(200, request{method: "PATCH", path: path, body: fmt.Sprintf(`{"description":"x",
		"client_certificate":{"certificate":%s,"key":"[set]"},
		"oauth2":{"token_url":"https://127.0.0.1:1/token","client_id":"other","client_secret":"[set]"}}`, quoted(t, certificate))})
	for name, shown := range map[string]map[string]any{"created": made, "changed": kept, "shown": b.want(200, request{method: "GET", path: path})} {
		text, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "hunter2") || strings.Contains(string(text), "PRIVATE KEY") {
			t.Errorf("%s: a secret is shown: %s", name, text)
		}
	}
	if oauth2 := fmt.Sprint(kept["oauth2"]); !strings.Contains(oauth2, "client_id:other") || !strings.Contains(oauth2, "client_secret:[set]") {
		t.Errorf("oauth2 is %s", oauth2)
	}
	// A secret is not sent to a server that never had it.
	b.refused(422, "invalid", request{method: "PATCH", path: path, body: `{"oauth2":{"token_url":"https://127.0.0.1:2/token","client_id":"a b","client_secret":""}}`})
	for field, body := range map[string]string{
		"client_certificate":   fmt.Sprintf(`{"client_certificate":{"certificate":%s,"key":"x"}}`, quoted(t, certificate)),
		"pins[0]":              `{"pins":["sha256/short"]}`,
		"oauth2.token_url":     `{"oauth2":{"token_url":"https://169.254.169.254/token","client_id":"a","client_secret":"b"}}`,
		"oauth2.client_id":     `{"oauth2":{"token_url":"https://127.0.0.1:1/t","client_id":"a\nb","client_secret":"b"}}`,
		"oauth2.client_secret": `{"oauth2":{"token_url":"https://127.0.0.1:1/t","client_id":"a","client_secret":"b\u0000"}}`,
		"oauth2.scopes":        `{"oauth2":{"token_url":"https://127.0.0.1:1/t","client_id":"a","client_secret":"b","scopes":["a b"]}}`,
		"oauth2":               `{"authorization":"Bearer x"}`,
	} {
		problem := b.refused(422, "invalid", request{method: "PATCH", path: path, body: body})
		if !strings.Contains(fmt.Sprint(problem), "body."+field) {
			t.Errorf("%s: %v", field, problem)
		}
	}
	cleared := b.want(200, request{method: "PATCH", path: path, body: `{"client_certificate":null,"pins":null,"oauth2":null}`})
	if cleared["client_certificate"] != nil || cleared["oauth2"] != nil || fmt.Sprint(cleared["pins"]) != "[]" {
		t.Errorf("not cleared: %v", cleared)
	}
}

// A webhook that cannot be reached is saved with a warning that names the setting.
func TestWarnings(t *testing.T) {
	b := newBench(t)
	made := b.want(201, request{method: "POST", path: "/v1/webhooks", body: `{"url":"https://a-name-that-is-not-there.invalid/x","events":["*"]}`})
	if warnings := fmt.Sprint(made["warnings"]); !strings.Contains(warnings, "does not resolve") {
		t.Errorf("warnings %s", warnings)
	}
	tested := b.want(200, request{method: "POST", path: "/v1/webhooks/" + made["id"].(string) + "/test"})
	if warnings := fmt.Sprint(tested["warnings"]); tested["success"] != false || !strings.Contains(warnings, "does not resolve") {
		t.Errorf("tested %v", tested)
	}
	for name, answer := range b.want(200, request{method: "GET", path: "/v1/ip-ranges"}) {
		if name != "ranges" || fmt.Sprint(answer) != "[192.0.2.0/24]" {
			t.Errorf("%s: %v", name, answer)
		}
	}
}
