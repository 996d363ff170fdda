package main

import (
	"fmt"
	"io"
	"strings"
)

// welcome is what a server says when it has started: where it is, how to get in,
// and lines to copy that show it at work.
type welcome struct {
	Server   string // its URL
	Data     string // its directory
	Key      string // the operator key, when it was just made
	KeyGiven bool   // the operator brought a key
	Receiver string // URL of the test receiver; "" when there is none
	FirstRun string // URL that signs the operator in once; "" when there are users
}

func (w welcome) print(out io.Writer) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nPeal serves %s\n\n", w.Server)
	if w.Receiver != "" {
		b.WriteString("  DEVELOPMENT MODE: webhooks may use http and reach loopback and private\n" +
			"  addresses. Do not use it in production.\n\n")
	}
	fmt.Fprintf(&b, "  API and its reference   %s/v1 and %s/docs\n", w.Server, w.Server)
	fmt.Fprintf(&b, "  dashboard               %s\n", w.Server)
	fmt.Fprintf(&b, "  data                    %s\n", w.Data)
	if w.Receiver != "" {
		fmt.Fprintf(&b, "  test receiver           %s (shows here what arrives)\n", w.Receiver)
	}
	if w.FirstRun != "" {
		b.WriteString("\nThere are no users yet. This link signs you in once, within an hour:\n\n  " + w.FirstRun + "\n")
	}
	b.WriteString("\n" + w.key() + "\n")
	target := w.Receiver + "/hook"
	if w.Receiver == "" {
		target = "https://example.com/hook"
		b.WriteString("Create a webhook (put your own endpoint in), and publish an event:\n\n")
	} else {
		b.WriteString("Create a webhook and publish an event from another terminal, with PEAL_KEY set there, and\n" +
			"watch it arrive here:\n\n")
	}
	b.WriteString(curl(w.Server+"/v1/webhooks", `{"url": "`+target+`", "events": ["task.*"]}`) + "\n")
	b.WriteString(curl(w.Server+"/v1/events", `{"type": "task.created", "data": {"id": 7, "title": "Ring every endpoint"}}`) + "\n")
	io.WriteString(out, b.String())
}

// key tells how to get in.
func (w welcome) key() string {
	switch {
	case w.Key != "":
		return "The operator key was made just now. It is shown this once, so keep it:\n\n  export PEAL_KEY=" + w.Key + "\n"
	case w.KeyGiven:
		return "The operator key is the one of your configuration; the lines below read it from PEAL_KEY.\n"
	}
	return "The operator key was printed at the first start with this data; the lines below read\n" +
		"it from PEAL_KEY. If it is lost, start with a key of your own, of at least 32\n" +
		"characters, in PEAL_OPERATOR_KEY.\n"
}

// curl gives a command that posts JSON, to be copied.
func curl(url, body string) string {
	return "  curl -sS -w '\\n' " + url + " \\\n" +
		"    -H \"Authorization: Bearer $PEAL_KEY\" -H 'Content-Type: application/json' \\\n" +
		"    -d '" + body + "'\n"
}
