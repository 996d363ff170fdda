// A small receiver that verifies every POST: 204 when it is right, 401 and the
// reason when it is not. Run it with
//
//	WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… go run . 8000
//
// and WEBHOOK_OLD_SECRET too while a secret is rotated.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

var formats = map[string]func(header http.Header, body []byte, secrets ...string) error{
	"standard":  VerifyStandard,
	"x-webhook": VerifyXWebhook,
	"vikunja":   VerifyVikunja,
	"github":    VerifyGitHub,
	"stripe":    VerifyStripe,
}

func main() {
	log.SetFlags(0)
	format := os.Getenv("WEBHOOK_FORMAT")
	verify, ok := formats[format]
	secrets := []string{os.Getenv("WEBHOOK_SECRET")}
	if old := os.Getenv("WEBHOOK_OLD_SECRET"); old != "" {
		secrets = append(secrets, old)
	}
	if !ok || secrets[0] == "" || len(os.Args) != 2 {
		log.Fatal("usage: WEBHOOK_FORMAT=standard WEBHOOK_SECRET=whsec_… go run . PORT")
	}
	http.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2<<20))
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			return
		}
		if err := verify(r.Header, body, secrets...); err != nil {
			fmt.Printf("refused %s: %v\n", format, err)
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		fmt.Printf("verified %s: %d bytes\n", format, len(body))
		w.WriteHeader(http.StatusNoContent)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
