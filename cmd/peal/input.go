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

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/terminal"
)

// maxInput bounds what is read from a file or from stdin: the server takes less.
const maxInput = 16 << 20

// read returns the content that an argument stands for: "-" for stdin, "@path" for a file, any other
// text for itself.
func (a *app) read(text string) ([]byte, error) {
	name, from := "stdin", a.Stdin
	if path, ok := strings.CutPrefix(text, "@"); ok {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		name, from = path, file
	} else if text != "-" {
		return []byte(text), nil
	}
	b, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(b) > maxInput {
		return nil, fmt.Errorf("%s holds more than %d bytes, which no server takes", name, maxInput)
	}
	return b, nil
}

// line is read for what is one line: a line break at the end of a file does not count.
func (a *app) line(text string) (string, error) {
	b, err := a.read(text)
	return strings.TrimRight(string(b), "\r\n"), err
}

var errDeclined = errors.New("nothing was changed")

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// confirm asks a person and fails unless the answer is yes.
func (a *app) confirm(question string) error {
	fmt.Fprintf(a.Stderr, "%s [y/N] ", terminal.Safe(question))
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

// jsonFlag returns the JSON that a flag stands for.
func (c *call) jsonFlag(name string) (json.RawMessage, error) {
	value, err := c.read(c.text(name))
	if err == nil {
		if err = checkJSON(c.text(name), value); err != nil {
			err = peal.Invalidf("--"+name, "%s", err)
		}
	}
	return value, err
}

// checkJSON refuses what is not JSON, and names the place of the mistake. given is the argument
// that stands for the text.
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
