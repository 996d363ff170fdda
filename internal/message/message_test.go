package message_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pealhq/peal/internal/message"
)

const example message.Message = "example: has {n} of {what}, {{NAME}} and {type: .x}; at most {n}"

func TestMessage(t *testing.T) {
	if example.Key() != "example" || example.English() != "has {n} of {what}, {{NAME}} and {type: .x}; at most {n}" {
		t.Errorf("key %q, English %q", example.Key(), example.English())
	}
	if got, want := message.Placeholders(example.English()), []string{"n", "what"}; !slices.Equal(got, want) {
		t.Errorf("placeholders %q, want %q", got, want)
	}
}

func TestText(t *testing.T) {
	const part message.Message = "part: it {why}"
	text := example.With(3, part.With(errors.New("{n} failed")))
	if got, want := text.String(), "has 3 of it {n} failed, {{NAME}} and {type: .x}; at most 3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	shown := text.In("{what}: {n}, {other}", func(v any) string { return fmt.Sprintf("<%v>", v) })
	if want := "<it {n} failed>: <3>, "; shown != want {
		t.Errorf("got %q, want %q", shown, want)
	}
	if got := message.English([]message.Text{part.With(1), part.With(2)}); !slices.Equal(got, []string{"it 1", "it 2"}) {
		t.Errorf("got %q", got)
	}
	if got := (message.Text{}).String(); got != "" {
		t.Errorf("the zero Text is %q", got)
	}
}
