package peal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pealhq/peal"
)

// bodies are typical bodies of publishers, of about 1 KiB.
var bodies = map[string]string{
	"text":    `{"type":"task.created","data":{"text":"` + strings.Repeat("The quick brown fox jumps over the lazy dog. ", 22) + `"}}`,
	"members": `{"type":"task.created","data":{` + strings.Repeat(`"id":12345,"title":"Write the report","done":false,"due":null,`, 16) + `"end":[1,2.5,-3e4]}}`,
	"unicode": `{"type":"task.created","data":{"text":"` + strings.Repeat("Größe 大きさ размер ", 32) + `"}}`,
	"escapes": `{"type":"task.created","data":{"text":"` + strings.Repeat(`a \"b\" \u00e9\n`, 60) + `"}}`,
}

func BenchmarkParseEvent(b *testing.B) {
	for name, body := range bodies {
		b.Run(name, func(b *testing.B) {
			text := []byte(body)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := peal.ParseEvent(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseBatch(b *testing.B) {
	text := []byte(`{"events":[` + strings.TrimSuffix(strings.Repeat(bodies["members"]+",", 100), ",") + `]}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := peal.ParseBatch(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		peal.NewDeliveryID()
	}
}

func BenchmarkIDText(b *testing.B) {
	id := peal.NewDeliveryID()
	text := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		text = id.AppendText(text[:0])
	}
}

func BenchmarkMatchPattern(b *testing.B) {
	for _, pattern := range []string{"task.created", "task.*", "*", "project.*"} {
		b.Run(fmt.Sprintf("%q", pattern), func(b *testing.B) {
			for b.Loop() {
				peal.MatchPattern(pattern, "task.created")
			}
		})
	}
}
