package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/pealhq/peal/client"
)

const defaultURL = "http://127.0.0.1:8420"

// connect gives a client of the server that flags and environment name, and keeps
// what it answers for --json.
func (a *app) connect() (*client.Client, error) {
	key, err := a.findKey()
	if err != nil {
		return nil, err
	}
	a.url = firstOf(a.url, a.Env("PEAL_URL"), defaultURL)
	options := client.DefaultOptions()
	options.Tenant = firstOf(a.tenant, a.Env("PEAL_TENANT"))
	options.UserAgent = "peal/" + programVersion()
	options.HTTPClient = &http.Client{
		Transport:     &recorder{last: &a.answer},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if u, err := url.Parse(a.url); err == nil {
		if path := strings.TrimRight(u.Path, "/"); path == "/v1" || strings.HasSuffix(path, "/v1") || path == "/docs" {
			u.Path = strings.TrimSuffix(strings.TrimSuffix(path, "/v1"), "/docs")
			return nil, &usageError{Err: fmt.Errorf("--url or PEAL_URL is the server's address without %s: use %s", path[strings.LastIndex(path, "/"):], u), Command: "peal"}
		}
	}
	c, err := client.New(a.url, key, options)
	if err != nil {
		return nil, &usageError{Err: err, Command: "peal"}
	}
	return c, nil
}

func (a *app) findKey() (string, error) {
	if key := firstOf(a.key, a.Env("PEAL_KEY")); key != "" {
		a.keyGiven = true
		return key, nil
	}
	path := a.Env("PEAL_KEY_FILE")
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the file that PEAL_KEY_FILE names: %w", err)
	}
	a.keyGiven = true
	return strings.TrimSpace(string(text)), nil
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// recorder keeps the body of the last answer, so that --json shows what came and
// not what the client understood of it.
type recorder struct{ last *[]byte }

// RoundTrip makes the request and reads the whole answer.
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	*r.last = body
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
