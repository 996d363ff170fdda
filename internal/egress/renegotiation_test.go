package egress_test

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
)

// An endpoint that asks for a client certificate only once it has read the request, by TLS 1.2
// renegotiation, is named as that: a real one, of OpenSSL.
func TestRenegotiation(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl")
	}
	known := newAuthority(t)
	certificate := known.sign(t, leaf(nil))
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "server.pem")
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(openssl, "s_server", "-accept", "127.0.0.1:0", "-tls1_2", "-legacy_renegotiation", "-cert", file, "-key", file)
	input, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Wait()
	defer server.Process.Kill()
	lines := bufio.NewReader(output)
	read := func(until string) string {
		var seen strings.Builder
		for !strings.Contains(seen.String(), until) {
			b, err := lines.ReadByte()
			if err != nil {
				t.Errorf("the server ended after %q", seen.String())
				return ""
			}
			seen.WriteByte(b)
		}
		return seen.String()
	}
	read("ACCEPT ")
	address := strings.TrimSpace(read("\n"))
	client := newClient(t, func(o *egress.Options) { o.RootCAs = known.pool() })
	ended := make(chan peal.Attempt)
	go func() { ended <- post(t, client, "https://"+address+"/hook", ample) }()
	read(`{"a":1}`)
	if _, err := io.WriteString(input, "R\n"); err != nil {
		t.Fatal(err)
	}
	want(t, <-ended, peal.ReasonTLS, "TLS 1.2 renegotiation", "serve TLS 1.3")
}
