package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// welcome is the message of a server that has started: its address, the way in, and lines to copy
// that show it at work.
type welcome struct {
	Server   string // its URL
	Data     string // its directory
	Key      string // the operator key, when it was just made
	KeyGiven bool   // the operator brought a key
	Receiver string // URL of the test receiver; "" when there is none
	FirstRun string // URL that signs the operator in once; "" when there are users
	File     string // holds the key and the URL, which are not shown then; "" to show them
}

// isSecret reports whether there is something to show that only the operator may see.
func (w welcome) isSecret() bool { return w.Key != "" || w.FirstRun != "" }

// keep writes what only the operator may see into a file of the data directory, and returns
// its path: what is printed elsewhere than on a terminal is kept where others read it.
func (w welcome) keep() (string, error) {
	path := filepath.Join(w.Data, "first-access")
	var b strings.Builder
	b.WriteString("# Peal has made this at its start. Keep what it holds elsewhere, and delete it.\n")
	if w.Key != "" {
		b.WriteString("export PEAL_KEY=" + w.Key + "\n")
	}
	if w.FirstRun != "" {
		b.WriteString("# There are no users yet. This link signs you in once, within an hour:\n# " + w.FirstRun + "\n")
	}
	if kept, err := os.ReadFile(path); err == nil && w.Key == "" { // the key of an earlier start is not made again
		for line := range strings.Lines(string(kept)) {
			if strings.HasPrefix(line, "export ") {
				b.WriteString(line)
			}
		}
	}
	if err := os.MkdirAll(w.Data, 0o700); err != nil { // with PostgreSQL there may be none yet
		return "", fmt.Errorf("write the first operator key: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("write the first operator key: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // never through a link
	if err != nil {
		return "", fmt.Errorf("write the first operator key: %w", err)
	}
	_, err = io.WriteString(file, b.String())
	return path, errors.Join(err, file.Close())
}

// log is print for a log that programs read.
func (w welcome) log(log *slog.Logger) {
	log.Info("Peal serves", "url", w.Server, "data", w.Data)
	if w.Receiver != "" {
		log.Warn("development mode: webhooks may use http and reach loopback and private addresses", "receiver", w.Receiver)
	}
	if w.File != "" {
		log.Info("a file that only this user may read holds the operator key and the link to sign in that were made just now: keep them elsewhere and delete it", "path", w.File)
	}
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
	if w.FirstRun != "" && w.File == "" {
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

// key returns the way to get in.
func (w welcome) key() string {
	switch {
	case w.File != "":
		return "The way in was made just now and is in a file that only this user may read.\n" +
			"Keep what it holds elsewhere, and delete it:\n\n  . " + w.File + "\n"
	case w.Key != "":
		return "The operator key was made just now. It is shown this once, so keep it:\n\n  export PEAL_KEY=" + w.Key + "\n"
	case w.KeyGiven:
		return "The operator key is the one of your configuration; the lines below read it from PEAL_KEY.\n"
	}
	return "The operator key was shown at the first start with this data; the lines below read\n" +
		"it from PEAL_KEY. If it is lost, start with your own key, of at least 32\n" +
		"characters, in PEAL_OPERATOR_KEY.\n"
}

// curl returns a command that posts JSON, for copying.
func curl(url, body string) string {
	return "  curl -sS -w '\\n' " + url + " \\\n" +
		"    -H \"Authorization: Bearer $PEAL_KEY\" -H 'Content-Type: application/json' \\\n" +
		"    -d '" + body + "'\n"
}
