package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pealhq/peal"
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
	request, err := parseCapture(text)
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

func (a *app) verify(request captured, format string, secrets []string) error {
	found, err := wire.Diagnose(format, request.header, request.body, secrets...)
	if err != nil {
		return err
	}
	v := verdictShape{Format: format, BodySize: len(request.body), Notes: append([]string{}, request.notes...), Mistakes: []mistakeShape{}}
	if len(found) == 1 && found[0].Kind == wire.MistakeTime { // a capture is old by its nature
		v.Notes = append(v.Notes, found[0].Message)
		found = nil
	}
	v.Valid = len(found) == 0
	for _, mistake := range found {
		v.Mistakes = append(v.Mistakes, mistakeShape{string(mistake.Kind), mistake.Message})
	}
	if a.answer, err = json.Marshal(v); err != nil {
		return err
	}
	if err := a.show(func(w io.Writer) { printVerdict(w, v) }); err != nil {
		return err
	}
	if !v.Valid {
		return errSignature
	}
	return nil
}

func printVerdict(w io.Writer, v verdictShape) {
	if v.Valid {
		fmt.Fprintf(w, "the signature is right (format %s, body of %d bytes)\n", v.Format, v.BodySize)
	} else {
		fmt.Fprintf(w, "the signature does not fit (format %s, body of %d bytes)\n", v.Format, v.BodySize)
	}
	for _, mistake := range v.Mistakes {
		fmt.Fprintf(w, "  %s: %s\n", mistake.Kind, printable(mistake.Message))
	}
	for _, note := range v.Notes {
		fmt.Fprintf(w, "  note: %s\n", printable(note))
	}
}

// formatOf returns the format with a signature's header that the request has.
func formatOf(request captured) (string, error) {
	for _, format := range wire.Formats() {
		if format.SignatureHeader != "" && request.header.Get(format.SignatureHeader) != "" {
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
