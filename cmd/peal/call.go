package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pealhq/peal/client"
)

const defaultURL = "http://127.0.0.1:8420"

// call is a call of a command.
type call struct {
	*app
	ctx  context.Context // of the call, which ends before its caller returns
	cmd  *cobra.Command
	args []string
}

// given reports whether a flag was given.
func (c *call) given(name string) bool { return c.cmd.Flags().Changed(name) }

// flag returns the value of a flag; the zero value when it is not given and has no default.
func flag[T any](c *call, name string) T { return flagOf[T](c.cmd, name) }

func flagOf[T any](cmd *cobra.Command, name string) T {
	got, _ := cmd.Flags().Lookup(name).Value.(*value).got.(T)
	return got
}

func (c *call) text(name string) string { return flag[string](c, name) }

func (c *call) on(name string) bool { return flag[bool](c, name) }

// useGlobals takes over the flags that every command has.
func (a *app) useGlobals(cmd *cobra.Command) {
	a.url, a.key, a.tenant = flagOf[string](cmd, "url"), flagOf[string](cmd, "key"), flagOf[string](cmd, "tenant")
	a.json = flagOf[bool](cmd, "json")
	if flagOf[bool](cmd, "utc") {
		time.Local = time.UTC
	}
}

// fill sets the members of a request to what the flags, and the arguments of the given members,
// hold. Members without a flag or a default keep their values.
func (c *call) fill(request any, members ...string) error {
	content := map[string]any{}
	for i, member := range members {
		content[member] = c.args[i]
	}
	var err error
	c.cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		v, ok := f.Value.(*value)
		if !ok || err != nil || v.got == nil || strings.Contains(v.Member, "-") {
			return
		}
		var got any
		if got, err = c.content(v); err == nil {
			put(content, strings.Split(v.Member, "."), got)
		}
	})
	if err != nil {
		return err
	}
	text, err := encodeJSON(content)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(request); err != nil {
		return fmt.Errorf("make the request from the flags: %w", err)
	}
	if c.cmd.Flags().Lookup("clear") != nil {
		reflect.ValueOf(request).Elem().FieldByName("Clear").Set(reflect.ValueOf(flag[[]string](c, "clear")))
	}
	return nil
}

// content returns what a flag stands for.
func (c *call) content(v *value) (any, error) {
	switch v.Kind {
	case "line":
		return c.line(v.text)
	case "json":
		return c.jsonFlag(v.Name)
	case "headers":
		return parseHeaders(c.cmd, v.Name, v.got.([]string))
	}
	return v.got, nil
}

// put sets a member, which may be that of a member.
func put(content map[string]any, path []string, got any) {
	for ; len(path) > 1; path = path[1:] {
		inner, ok := content[path[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
			content[path[0]] = inner
		}
		content = inner
	}
	content[path[0]] = got
}

// ask calls the API. does names the purpose for errors, such as "show webhook %s"; %s stands for the
// first argument.
func ask[T any](c *call, does string, send func(*client.Client, context.Context) (T, error)) (answer T, err error) {
	api, err := c.connect()
	if err != nil {
		return answer, err
	}
	if answer, err = send(api, c.ctx); err != nil {
		return answer, c.failed(does, err)
	}
	return answer, nil
}

func (c *call) failed(does string, err error) error {
	if len(c.args) > 0 {
		does = strings.ReplaceAll(does, "%s", c.args[0])
	}
	return fmt.Errorf("%s: %w", does, err)
}

// connect returns a client of the server that flags and environment name. The server's answers
// are kept for --json.
func (a *app) connect() (*client.Client, error) {
	key, err := a.findKey()
	if err != nil {
		return nil, err
	}
	a.url = cmp.Or(a.url, a.Env("PEAL_URL"), defaultURL)
	options := client.DefaultOptions()
	options.Tenant = cmp.Or(a.tenant, a.Env("PEAL_TENANT"))
	options.UserAgent = "peal/" + programVersion()
	options.HTTPClient = &http.Client{
		Transport:     &recorder{last: &a.answer},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if u, err := url.Parse(a.url); err == nil {
		if path := strings.TrimRight(u.Path, "/"); strings.HasSuffix(path, "/v1") || path == "/docs" {
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
	key := cmp.Or(a.key, a.Env("PEAL_KEY"))
	if path := a.Env("PEAL_KEY_FILE"); key == "" && path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read the file that PEAL_KEY_FILE names: %w", err)
		}
		key = strings.TrimSpace(string(text))
		a.keyGiven = true
	}
	a.keyGiven = a.keyGiven || key != ""
	return key, nil
}

// recorder keeps the body of the last answer: --json prints it as it came, with the members that
// the client does not know.
type recorder struct{ last *[]byte }

// RoundTrip sends the request and reads the whole answer.
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	*r.last = body
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
