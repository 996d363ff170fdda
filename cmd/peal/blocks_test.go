package main

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal/server"
)

var (
	block   = regexp.MustCompile("(?ms)(<!-- not run: [^\n]+ -->\n\n?)?^```(?:sh|console|bash)\n(.*?)^```")
	further = regexp.MustCompile(` \| | > \w+\.\w+\s*$`) // where a call of a command ends
	setKey  = regexp.MustCompile(`PEAL_(KEY|URL)=\S+ `)
)

// TestCommandBlocks runs each block of commands in README.md and docs against a server of its
// page, unless a comment before it says why it is not run. The examples of docs/cli.md, which
// are made from the commands, are checked to be calls that the commands take.
func TestCommandBlocks(t *testing.T) {
	pages := []string{"README.md"}
	if err := filepath.WalkDir("../../docs", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			pages = append(pages, strings.TrimPrefix(filepath.ToSlash(path), "../../"))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		var blocks []string
		for _, found := range block.FindAllStringSubmatch(string(text), -1) {
			if found[1] == "" {
				blocks = append(blocks, found[2])
			}
		}
		if len(blocks) == 0 {
			continue
		}
		t.Run(page, func(t *testing.T) {
			if page == "docs/cli.md" {
				for _, b := range blocks {
					checkCalls(t, b)
				}
				return
			}
			runBlocks(t, blocks)
		})
	}
}

// runBlocks runs blocks of one page, one after the other.
func runBlocks(t *testing.T, blocks []string) {
	options := server.DefaultOptions()
	options.Listen = "127.0.0.1:0"
	options.Data = t.TempDir()
	options.Dev = true
	options.OperatorKey = operatorKey
	options.Variables = map[string]string{"RECEIVER_KEY": "a-key"}
	options.VariableScopes = map[string]server.VariableScope{"RECEIVER_KEY": {Tenants: []string{"dejacode"}}}
	s, err := server.New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	for _, name := range []string{"secret.txt", "new.txt"} {
		if err := os.WriteFile(filepath.Join(work, name), []byte("a-secret-of-the-page-"+name+"-0123456789\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	url := "http://" + s.Addr()
	for _, b := range blocks {
		commands := strings.NewReplacer("http://127.0.0.1:8420", url, "bin/peal ", "peal ", "docs/systems/", root+"/docs/systems/", "/backup/", work+"/",
			"go run ", "go -C "+root+" run ").Replace(setKey.ReplaceAllString(b, ""))
		command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", commands)
		command.Dir = work
		command.Env = append(os.Environ(), "PEAL_URL="+url, "PEAL_KEY="+operatorKey, "PEAL_DATA="+options.Data, "GORACE=atexit_sleep_ms=0",
			"TOKEN=abc", "SECRET=a-secret-of-the-page-0123456789abcdef", "URL=https://receiver.example/hook", "WORKSPACE=acme", "EVENTS=task.created")
		out, err := command.CombinedOutput()
		if err != nil || strings.Contains(string(out), `"status":4`) {
			t.Errorf("this block of the page fails: %v\n%s\n%s", err, b, out)
		}
	}
}

// checkCalls finds the command of each call in a block, and reads its flags and arguments.
func checkCalls(t *testing.T, commands string) {
	t.Helper()
	for line := range strings.Lines(strings.ReplaceAll(commands, "\\\n", " ")) {
		_, call, found := strings.Cut(" "+line, " peal ")
		if !found {
			continue
		}
		echo := exec.Command("bash", "-c", `for word in "$@"; do :; done; printf '%s\n' `+strings.TrimSpace(further.Split(call, 2)[0]))
		echo.Dir = t.TempDir() // the call may redirect its output
		out, err := echo.Output()
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		args := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		app := quietApp()
		app.Now = time.Now
		root := newRootCommand(app)
		cmd, rest, err := root.Find(args)
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err == nil && cmd.Args != nil {
			err = cmd.Args(cmd, cmd.Flags().Args())
		}
		if err != nil || cmd == root {
			t.Errorf("%s: %v", line, err)
		}
	}
}
