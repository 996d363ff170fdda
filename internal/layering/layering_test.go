// Package layering holds the module to its own shape: which package may import
// which, and how long a file may be.
package layering_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pealhq/peal"

// messages is the table of messages. It imports nothing of the module, and every package may import
// it.
const messages = "internal/message"

// rule says which packages of this module a package may import, and whether it may
// import other modules. Packages are named relative to the module; "." is its root.
type rule struct {
	may      []string
	anything bool // other modules too, not only the standard library
}

// rules is the shape of the module: arrows point inward. A package that is not here fails the test,
// so that its author decides where it belongs.
var rules = map[string]rule{
	".":    {},
	"wire": {may: []string{"."}},

	messages: {},

	"sqlite":    {may: []string{".", "internal/configstore", "internal/crashpoint", "internal/fulltext", "internal/ownfile", "internal/record", "internal/refusals", "internal/turns", "internal/wake"}, anything: true},
	"postgres":  {may: []string{".", "internal/configstore", "internal/crashpoint", "internal/fulltext", "internal/record", "internal/refusals", "internal/turns", "internal/wake"}, anything: true},
	"storetest": {may: []string{".", "internal/longtest"}, anything: true},
	"dispatch":  {may: []string{".", "wire", "internal/canonical", "internal/crashpoint", "internal/egress", "internal/lanes", "internal/maintenance", "internal/match", "internal/processor", "internal/refusals", "internal/share", "internal/wake"}, anything: true},
	"client":    {may: []string{"."}},
	"server": {may: []string{
		".", "wire", "dispatch", "sqlite", "postgres", "internal/api", "internal/bodies", "internal/dashboard", "internal/egress", "internal/front", "internal/gate", "internal/identity", "internal/intake", "internal/manage", "internal/ownfile", "internal/secret", "internal/theme", "internal/wake",
	}, anything: true},

	"internal/api":         {may: []string{".", "wire", "dispatch", "internal/bodies", "internal/crashpoint", "internal/front", "internal/identity", "internal/intake", "internal/manage", "internal/match", "internal/processor", "internal/share"}, anything: true},
	"internal/bodies":      {may: []string{"."}},
	"internal/canonical":   {may: []string{"."}, anything: true},
	"internal/bench":       {may: []string{".", "wire", "client", "internal/progress"}, anything: true},
	"internal/progress":    {},
	"internal/config":      {may: []string{"."}, anything: true},
	"internal/configstore": {may: []string{".", "internal/record", "internal/refusals"}},
	"internal/custom":      {may: []string{".", "wire", "internal/match"}},
	"internal/dashboard":   {may: []string{".", "client", "docs/verify", "wire", "dispatch", "internal/bodies", "internal/front", "internal/identity", "internal/intake", "internal/manage", "internal/preset", "internal/processor", "internal/share", "internal/theme"}, anything: true},
	"internal/egress":      {may: []string{".", "wire", "internal/gate"}, anything: true},
	"internal/gate":        {},
	"internal/front":       {may: []string{".", "internal/processor"}},
	"internal/fulltext":    {may: []string{"."}, anything: true},
	"internal/identity":    {may: []string{".", "internal/front", "internal/processor"}, anything: true},
	"internal/intake":      {may: []string{".", "wire", "dispatch"}},
	"internal/maintenance": {may: []string{".", "internal/crashpoint", "internal/processor"}, anything: true},

	"internal/manage":  {may: []string{".", "wire", "dispatch", "internal/canonical", "internal/identity", "internal/intake", "internal/match", "internal/share", "internal/theme"}},
	"internal/match":   {may: []string{".", "internal/processor"}, anything: true},
	"internal/preset":  {may: []string{".", "client"}},
	"internal/ownfile": {},
	"internal/pgtest":  {anything: true},

	"internal/pgtest/throwaway": {may: []string{"internal/pgtest"}},

	"internal/processor":  {may: []string{"."}},
	"internal/refusals":   {may: []string{"."}, anything: true},
	"internal/record":     {may: []string{"."}},
	"internal/secret":     {may: []string{"."}},
	"internal/turns":      {},
	"internal/wake":       {},
	"internal/theme":      {may: []string{"."}},
	"internal/transfer":   {may: []string{".", "internal/progress", "internal/record", "internal/secret", "postgres", "sqlite"}},
	"internal/lanes":      {may: []string{"."}, anything: true},
	"internal/layering":   {},
	"internal/attack":     {},
	"internal/samples":    {},
	"internal/testkit":    {anything: true}, // for tests only
	"internal/sqlitetest": {may: []string{"sqlite"}},
	"internal/prose":      {},

	"internal/longtest":   {}, // for tests only
	"internal/share":      {may: []string{".", "internal/processor"}},
	"internal/crashpoint": {}, // for whatever writes or sends

	"docs/verify":    {}, // the samples themselves
	"docs/verify/go": {}, // to be copied: the standard library alone

	"internal/capture":  {may: []string{"."}},
	"internal/demo":     {may: []string{".", "client", "internal/terminal", "server", "wire"}},
	"internal/memory":   {},
	"internal/terminal": {},

	"cmd/peal": {may: []string{".", "wire", "client", "server", "internal/bench", "internal/capture", "internal/config", "internal/custom", "internal/demo", "internal/gate", "internal/memory", "internal/preset", "internal/progress", "internal/terminal", "internal/transfer"}, anything: true},
}

func TestArrowsPointInward(t *testing.T) {
	for _, p := range packages(t) {
		name := relative(p.ImportPath)
		rule, ok := rules[name]
		if !ok {
			t.Errorf("package %s has no rule here: say what it may import", name)
			continue
		}
		for _, imported := range p.Imports {
			switch {
			case imported == module || strings.HasPrefix(imported, module+"/"):
				if imported := relative(imported); imported != messages && !slices.Contains(rule.may, imported) {
					t.Errorf("%s imports %s: that arrow points outward", name, imported)
				}
			case strings.Contains(strings.Split(imported, "/")[0], ".") && !rule.anything:
				t.Errorf("%s imports %s: it may use the standard library and this module only", name, imported)
			}
		}
	}
}

// Names that say nothing about what a package is for.
func TestPackageNames(t *testing.T) {
	for _, p := range packages(t) {
		switch p.Name {
		case "http", "util", "utils", "common", "helpers", "types", "models":
			t.Errorf("package %s is named %s: name it after what it is for", relative(p.ImportPath), p.Name)
		}
	}
}

type goPackage struct {
	ImportPath   string
	Name         string
	Dir          string
	Imports      []string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
	TestImports  []string
	XTestImports []string
}

// packages asks the go command for every package of the module.
func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Dir,Imports,GoFiles,TestGoFiles,XTestGoFiles,TestImports,XTestImports", module+"/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 2 {
		t.Fatalf("go list found %d packages", len(all))
	}
	return all
}

func relative(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}
