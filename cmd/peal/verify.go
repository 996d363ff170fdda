package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

func newVerifyCommand(app *app) *cobra.Command {
	var format string
	var secrets []string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check the signature of a captured request",
		Long: `Check the signature of a captured request, and find out which mistake was made where
it does not fit: a body that was parsed and written again, a wrong secret, a missing
prefix, a wrong encoding.

FILE, or stdin with -, holds one of
  - the text of an HTTP request: request line, headers, an empty line, the body;
  - a curl command that sends it;
  - JSON with headers ([["Name", "value"], ...] or an object) and body (a string).

No server is needed. How old the request is does not matter, but is told. The exit
code is 0 when the signature is right and 1 when it is not.`,
		Example: `  peal verify request.txt --secret whsec_q5ZtHpWw8DqVAjW8UoLxN5wdYkWbR6zs
  pbpaste | peal verify - --secret @secret.txt
  peal verify capture.json --format vikunja --secret s3cr3t --json`,
		GroupID: groupUse,
		Args:    arguments("FILE"),
	}
	flags := cmd.Flags()
	flags.StringVar(&format, "format", "", "format of the request (default: told by its signature's header)")
	flags.StringArrayVar(&secrets, "secret", nil, "secret that may have signed: the text, or @PATH; can be given several times")
	choices(cmd, "format", signedFormats()...)
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(secrets) == 0 {
			return usagef(cmd, "--secret is missing: give the one that the webhook has")
		}
		for i := range secrets {
			var err error
			if secrets[i], err = app.line(secrets[i]); err != nil {
				return err
			}
		}
		request, err := app.capturedRequest(args[0])
		if err != nil {
			return err
		}
		if format == "" {
			if format, err = formatOf(request); err != nil {
				return err
			}
		}
		return app.verify(request, format, secrets)
	}
	return cmd
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

// formatOf finds the format whose signature's header the request has.
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
