// Sbom writes the bill of materials of a Go program as CycloneDX 1.6 JSON: the modules in the
// program's build information, with the checksums of go.sum, and the licences that go-licenses
// found. The same program always has the same text.
//
// Usage: sbom PROGRAM LICENSES.csv
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: sbom PROGRAM LICENSES.csv")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

type document struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type     string    `json:"type"`
	Ref      string    `json:"bom-ref"`
	Name     string    `json:"name"`
	Version  string    `json:"version,omitempty"`
	PURL     string    `json:"purl,omitempty"`
	Hashes   []hash    `json:"hashes,omitempty"`
	Licenses []license `json:"licenses,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type license struct {
	License struct {
		ID string `json:"id"`
	} `json:"license"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

func run(program, list string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	licenses, err := readLicenses(list)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	main := component{
		Type: "application", Ref: "program", Name: info.Main.Path, Version: version(info),
		Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}}, Licenses: licensed("Apache-2.0"),
	}
	bom := document{Format: "CycloneDX", Spec: "1.6", Serial: serial(sum), Version: 1, Metadata: metadata{main}}
	needs := dependency{Ref: main.Ref}
	add := func(c component) {
		bom.Components = append(bom.Components, c)
		needs.DependsOn = append(needs.DependsOn, c.Ref)
	}
	goVersion := strings.TrimPrefix(info.GoVersion, "go")
	add(component{Type: "library", Ref: "pkg:golang/std@" + goVersion, Name: "std", Version: goVersion, PURL: "pkg:golang/std@" + goVersion, Licenses: licensed("BSD-3-Clause")})
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		id, ok := licenses[m.Path]
		if !ok {
			return fmt.Errorf("%s in %s has no licence in %s", m.Path, filepath.Base(program), list)
		}
		ref := "pkg:golang/" + m.Path + "@" + m.Version
		c := component{Type: "library", Ref: ref, Name: m.Path, Version: m.Version, PURL: ref, Licenses: licensed(id)}
		if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) == sha256.Size {
			c.Hashes = []hash{{"SHA-256", hex.EncodeToString(sum)}} // of the module's tree, as in go.sum
		}
		add(c)
	}
	bom.Dependencies = []dependency{needs}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(bom)
}

// version returns the version of the release, or the commit of the build.
func version(info *debug.BuildInfo) string {
	for _, s := range info.Settings {
		if _, v, ok := strings.Cut(s.Value, "-X main.version="); s.Key == "-ldflags" && ok {
			return strings.Fields(v)[0]
		}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.Main.Version
}

// serial is a UUID (RFC 9562, version 8) that belongs to the program's content.
func serial(sum [sha256.Size]byte) string {
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	text := hex.EncodeToString(sum[:16])
	return "urn:uuid:" + strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

func licensed(id string) []license {
	var l license
	l.License.ID = id
	return []license{l}
}

// readLicenses returns the licence of each module from rows of package, URL and licence. The
// licence of a package applies to the modules that contain it.
func readLicenses(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, err
	}
	found := make(map[string]string)
	for _, row := range rows {
		for name := row[0]; name != "."; name = filepath.ToSlash(filepath.Dir(name)) {
			if _, taken := found[name]; !taken {
				found[name] = row[2]
			}
		}
	}
	return found, nil
}
