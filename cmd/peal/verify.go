package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/capture"
	"github.com/pealhq/peal/internal/terminal"
	"github.com/pealhq/peal/wire"
)

func verify(c *call) error {
	var secrets []string
	for _, text := range flag[[]string](c, "secret") {
		secret, err := c.line(text)
		if err != nil {
			return err
		}
		secrets = append(secrets, secret)
	}
	path := c.args[0]
	if path != "-" {
		path = "@" + path
	}
	text, err := c.read(path)
	if err != nil {
		return err
	}
	request, err := capture.Parse(text)
	if err != nil {
		return err
	}
	format := c.text("format")
	if format == "" {
		if format, err = formatOf(request); err != nil {
			return err
		}
	}
	return c.verify(request, format, secrets)
}

var errSignature = errors.New("the signature does not fit")

// verdictShape is the verdict as --json prints it.
type verdictShape struct {
	Valid    bool           `json:"valid"`
	Format   string         `json:"format"`
	BodySize int            `json:"body_size"`
	Notes    []string       `json:"notes"`
	Mistakes []mistakeShape `json:"mistakes"`
}

type mistakeShape struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

func (a *app) verify(request capture.Request, format string, secrets []string) error {
	found, err := wire.Diagnose(format, request.Header, request.Body, secrets...)
	if err != nil {
		return err
	}
	v := verdictShape{Format: format, BodySize: len(request.Body), Notes: append([]string{}, request.Notes...), Mistakes: []mistakeShape{}}
	if len(found) == 1 && found[0].Kind == wire.MistakeTime { // a capture is old by its nature
		v.Notes = append(v.Notes, found[0].Message)
		found = nil
	}
	v.Valid = len(found) == 0
	for _, mistake := range found {
		v.Mistakes = append(v.Mistakes, mistakeShape{string(mistake.Kind), mistake.Message})
	}
	err = a.showOwn(v, func(w io.Writer) { printVerdict(w, v) })
	if err == nil && !v.Valid {
		return errSignature
	}
	return err
}

func printVerdict(w io.Writer, v verdictShape) {
	fits := "does not fit"
	if v.Valid {
		fits = "is right"
	}
	fmt.Fprintf(w, "the signature %s (format %s, body of %d bytes)\n", fits, v.Format, v.BodySize)
	for _, mistake := range v.Mistakes {
		fmt.Fprintf(w, "  %s: %s\n", mistake.Kind, terminal.Safe(mistake.Message))
	}
	for _, note := range v.Notes {
		fmt.Fprintf(w, "  note: %s\n", terminal.Safe(note))
	}
}

// formatOf returns the format with a signature's header that the request has.
func formatOf(request capture.Request) (string, error) {
	for _, format := range wire.Formats() {
		if format.SignatureHeader != "" && request.Header.Get(format.SignatureHeader) != "" {
			return format.Name, nil
		}
	}
	return "", peal.Errorf(peal.Invalid, "the request has no header of a signature that is known: name its format with --format, one of %s", strings.Join(signedFormats(), ", "))
}

func signedFormats() []string {
	var names []string
	for _, format := range wire.Formats() {
		if format.SignatureHeader != "" {
			names = append(names, format.Name)
		}
	}
	return names
}
