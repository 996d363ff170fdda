package dashboard_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pealhq/peal/internal/dashboard"
)

// saying are the files whose errors people see on pages.
var saying = []string{
	"webhook.go", "endpoint.go", "find.go", "delivery.go", "event.go", "json.go", "identity.go", "source.go", "tenant.go", "theme.go", "secret.go",
	"internal/manage/*.go",
	"internal/egress/check.go", "internal/egress/guard.go", "internal/match/*.go", "internal/theme/*.go", "internal/intake/check.go", "internal/identity/password.go", "internal/identity/login.go",
	"internal/identity/guesses.go", "internal/identity/session.go", "internal/identity/user.go", "internal/identity/oidclogin.go",
	"internal/dashboard/*.go", "wire/secret.go", "wire/standard.go", "wire/variables.go", "wire/format.go", "wire/formats.go", "wire/dejacode.go", "wire/wireguardportal.go",
	"internal/canonical/*.go", "dispatch/rules.go", "dispatch/router.go", "dispatch/webhooks.go", "dispatch/byhand.go", "dispatch/find.go", "dispatch/admission.go", "dispatch/replayer.go", "dispatch/consent.go", "dispatch/publish.go",
	"dispatch/ledger.go", "dispatch/scheduler.go", "sqlite/user.go", "sqlite/webhook.go", "sqlite/tenant.go",
	"sqlite/source.go", "sqlite/key.go", "sqlite/portallink.go", "sqlite/replay.go", "sqlite/reopen.go", "sqlite/duplicate.go",
}

// unsaid are errors that no page shows: of options, of the configuration file, and of what only
// programs do.
var unsaid = regexp.MustCompile(`^(must be positive|has no value|holds %q.*|%[sv]|%s: %s.*|is not a member.*|needs a name and Encode|is that of (a built-in|another) format.*|is the name of webhooks.*|would have %d webhooks with this file.*|must be 1 to %d letters, digits and "\._-:@".*)$`)

var verb = regexp.MustCompile(`%(\.\d)?[a-z]`)

// Every message of the domain that a page may show can be said in German.
func TestSayings(t *testing.T) {
	german, err := dashboard.Said("de")
	if err != nil {
		t.Fatal(err)
	}
	english, err := dashboard.Said("en")
	if err != nil {
		t.Fatal(err)
	}
	said := 0
	for _, pattern := range saying {
		files, err := filepath.Glob("../../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		if len(files) == 0 {
			t.Errorf("no file is named %s", pattern)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, format := range messagesIn(t, file) {
				if unsaid.MatchString(format) {
					continue
				}
				message := strings.ReplaceAll(verb.ReplaceAllString(strings.ReplaceAll(format, "%%", "\x00"), "7"), "\x00", "%")
				if said++; german(message) == message {
					t.Errorf("%s says %q, which is not among the texts said", file, format)
				}
				if same := english(message); same != message {
					t.Errorf("%q becomes %q in English", message, same)
				}
			}
		}
	}
	if said < 150 {
		t.Errorf("only %d messages were found", said)
	}
}

// messagesIn collects the messages of the errors that a file makes.
func messagesIn(t *testing.T, file string) (all []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	add := func(node ast.Expr) {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				all = append(all, text)
			}
		}
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.CallExpr:
			name := ""
			switch f := node.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
				if of, ok := f.X.(*ast.Ident); !ok || of.Name != "peal" {
					name = ""
				}
			}
			if (name == "Invalidf" || name == "Errorf") && len(node.Args) > 1 {
				add(node.Args[1])
			}
		case *ast.KeyValueExpr:
			if key, ok := node.Key.(*ast.Ident); ok && key.Name == "Message" {
				add(node.Value)
			}
		}
		return true
	})
	return all
}
