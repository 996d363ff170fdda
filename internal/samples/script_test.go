package samples_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// startScript is the receiver of the shell's sample, which is no server: each
// request is written to files, and the script's word on them is the answer.
func startScript(t *testing.T, format string, environment []string) *receiver {
	t.Helper()
	r := &receiver{lines: make(chan string, 1000)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		verdict, err := runScript(t.TempDir(), format, environment, request)
		if err != nil {
			t.Error(err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		r.lines <- verdict
		if strings.HasPrefix(verdict, "refused ") {
			http.Error(w, verdict, http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// runScript returns the output of the script, if its exit code agrees.
func runScript(directory, format string, environment []string, request *http.Request) (string, error) {
	headers, body := filepath.Join(directory, "headers"), filepath.Join(directory, "body")
	var head bytes.Buffer
	for name, values := range request.Header {
		for _, value := range values {
			fmt.Fprintf(&head, "%s: %s\r\n", name, value)
		}
	}
	content, err := io.ReadAll(request.Body)
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.WriteFile(headers, head.Bytes(), 0o600), os.WriteFile(body, content, 0o600)); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(request.Context(), "bash", "shell/verify.sh", format, headers, body)
	if len(content)%2 == 1 { // both ways to give the body
		cmd.Args[len(cmd.Args)-1] = "-"
		cmd.Stdin = bytes.NewReader(content)
	}
	cmd.Dir = samples
	cmd.Env = append(cmd.Environ(), environment...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	verdict := strings.TrimSpace(string(out))
	exit := (*exec.ExitError)(nil)
	refused := errors.As(err, &exit) && exit.ExitCode() == 1
	if (err == nil && strings.HasPrefix(verdict, "verified ") || refused && strings.HasPrefix(verdict, "refused ")) && complaints.Len() == 0 {
		return verdict, nil
	}
	return "", fmt.Errorf("verify.sh: %v, says %q and complains %q", err, verdict, complaints.String())
}
