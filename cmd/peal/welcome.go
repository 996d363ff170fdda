package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/pealhq/peal/internal/demo"
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
	err := os.MkdirAll(w.Data, 0o700) // with PostgreSQL there may be none yet
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
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

//go:embed welcome.txt
var welcomeText string

var welcomeTemplate = template.Must(template.New("").Funcs(template.FuncMap{"curl": demo.Curl}).Parse(welcomeText))

func (w welcome) print(out io.Writer) error { return welcomeTemplate.Execute(out, w) }
