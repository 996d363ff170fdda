package wire_test

import (
	"strings"
	"testing"

	"github.com/pealhq/peal/wire"
)

// kilobyte is 1 KiB of ordinary data, with the escapes that the formats care about.
var kilobyte = func() string {
	const task = `{"id":4711,"title":"Write <docs> & \"tests\" é世","done":false,"due_date":"2026-10-30T13:00:00+01:00","labels":["a","b"]}`
	data := `{"tasks":[` + strings.Repeat(task+",", 7)
	return data + `"` + strings.Repeat("x", 1024-len(data)-4) + `"]}`
}()

func BenchmarkRequest(b *testing.B) {
	if len(kilobyte) != 1024 {
		b.Fatalf("the data has %d bytes", len(kilobyte))
	}
	for _, f := range wire.Formats() {
		b.Run(f.Name, func(b *testing.B) {
			in, _ := signedInput(b, f, kilobyte)
			b.ReportAllocs()
			b.SetBytes(int64(len(kilobyte)))
			for b.Loop() {
				if _, err := f.Request(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, f := range wire.Formats() {
		if f.SignatureHeader == "" {
			continue
		}
		b.Run(f.Name, func(b *testing.B) {
			in, secret := signedInput(b, f, kilobyte)
			r := request(b, in)
			header := received(r.Header)
			b.ReportAllocs()
			for b.Loop() {
				if err := wire.Verify(f.Name, header, r.Body, secret); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
