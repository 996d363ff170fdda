package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/pealhq/peal"
)

// maxInput is how much is read from a file or from stdin: more than the server takes.
const maxInput = 16 << 20

// content gives what an argument stands for: "-" is what comes on stdin, "@path" is
// the file's content, anything else is itself.
func (a *app) content(text string) ([]byte, error) {
	if text == "-" {
		return readAll("stdin", a.Stdin)
	}
	if path, ok := strings.CutPrefix(text, "@"); ok {
		return readFile(path)
	}
	return []byte(text), nil
}

// line is content for what is one line: a line break at the end of a file does not count.
func (a *app) line(text string) (string, error) {
	b, err := a.content(text)
	return strings.TrimRight(string(b), "\r\n"), err
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readAll(path, file)
}

func readAll(name string, from io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(b) > maxInput {
		return nil, fmt.Errorf("%s holds more than %d bytes, which no server takes", name, maxInput)
	}
	return b, nil
}

var errDeclined = errors.New("nothing was changed")

// atTerminal reports whether a person can answer a question.
func (a *app) atTerminal() bool {
	file, ok := a.Stdin.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// confirm asks a person and fails unless the answer is yes.
func (a *app) confirm(question string) error {
	fmt.Fprintf(a.Stderr, "%s [y/N] ", printable(question))
	answer, err := bufio.NewReader(a.Stdin).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errDeclined
}

// jsonFlag gives the JSON that a flag stands for; nil when the flag is not given.
func (a *app) jsonFlag(cmd *cobra.Command, name, text string) (json.RawMessage, error) {
	if !cmd.Flags().Changed(name) {
		return nil, nil
	}
	value, err := a.content(text)
	if err != nil {
		return nil, err
	}
	if err := checkJSON(text, value); err != nil {
		return nil, peal.Invalidf("--"+name, "%s", err)
	}
	return value, nil
}

// checkJSON refuses what is not JSON, with where it stops being that. given is the argument that
// stands for the text.
func checkJSON(given string, text []byte) error {
	var syntax *json.SyntaxError
	var any json.RawMessage
	err := json.Unmarshal(text, &any)
	if err == nil {
		return nil
	}
	if info, statErr := os.Stat(given); statErr == nil && info.Mode().IsRegular() {
		return fmt.Errorf("is not valid JSON, but there is a file of that name; did you mean @%s?", given)
	}
	at := len(text)
	if errors.As(err, &syntax) {
		at = int(syntax.Offset)
	}
	before := text[:min(max(at-1, 0), len(text))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - (bytes.LastIndexByte(before, '\n') + 1) + 1
	return fmt.Errorf("is not valid JSON at line %d, column %d (byte %d): %s", line, column, at, strings.TrimPrefix(err.Error(), "json: "))
}
