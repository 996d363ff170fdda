package samples_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const samples = "../../docs/verify"

// language is one sample: what it needs, and how its receiver is started.
type language struct {
	name     string
	programs []string // that must be on the machine
	install  string   // what to install where they are not
	files    []string // in docs/verify, the one to copy first
	// build builds the sample in a new directory and returns the command; nil if interpreter runs
	// the sample as it is. {port} stands for the port.
	build func(t *testing.T, directory string) []string
	// interpreter is the command that runs the sample in its directory.
	interpreter []string
	// slow is true if each request starts many processes; the sample then gets fewer requests.
	slow bool
	// fixedPort is true where the receiver cannot choose a free port itself.
	fixedPort bool
}

var languages = []language{
	{
		name: "Go", programs: []string{"go"}, install: "Go",
		files: []string{"go/verify.go", "go/receiver.go"},
		build: func(t *testing.T, directory string) []string {
			program := filepath.Join(directory, "receiver")
			run(t, filepath.Join(samples, "go"), "go", "build", "-o", program, ".")
			return []string{program, "{port}"}
		},
	},
	{
		name: "JavaScript", programs: []string{"node"}, install: "the Debian package nodejs",
		files:       []string{"javascript/verify.mjs", "javascript/receiver.mjs"},
		interpreter: []string{"node", "javascript/receiver.mjs", "{port}"},
	},
	{
		name: "Python", programs: []string{"python3"}, install: "the Debian package python3",
		files:       []string{"python/verify.py", "python/receiver.py"},
		interpreter: []string{"python3", "python/receiver.py", "{port}"},
	},
	{
		name: "Ruby", programs: []string{"ruby"}, install: "the Debian package ruby",
		files:       []string{"ruby/verify.rb", "ruby/receiver.rb"},
		interpreter: []string{"ruby", "ruby/receiver.rb", "{port}"},
	},
	{
		name: "PHP", programs: []string{"php"}, install: "the Debian package php-cli",
		files:       []string{"php/verify.php", "php/receiver.php"},
		interpreter: []string{"php", "-S", "127.0.0.1:{port}", "php/receiver.php"},
	},
	{
		name: "Java", programs: []string{"javac", "java"}, install: "a JDK, 17 or later, such as the Debian package default-jdk-headless",
		files: []string{"java/Verify.java", "java/Receiver.java"},
		build: func(t *testing.T, directory string) []string {
			run(t, filepath.Join(samples, "java"), "javac", "-d", directory, "Verify.java", "Receiver.java")
			return []string{"java", "-XX:TieredStopAtLevel=1", "-cp", directory, "Receiver", "{port}"}
		},
	},
	{
		name: "C#", programs: []string{"dotnet"}, install: "the .NET SDK, 8 or later",
		files: []string{"csharp/Verify.cs", "csharp/Receiver.cs", "csharp/Receiver.csproj"},
		build: func(t *testing.T, directory string) []string {
			source := filepath.Join(directory, "source") // the compiler writes beside it
			if err := os.CopyFS(source, os.DirFS(filepath.Join(samples, "csharp"))); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(directory, "out")
			run(t, source, "dotnet", "build", "--output", out)
			return []string{"dotnet", filepath.Join(out, "Receiver.dll"), "{port}"}
		},
		fixedPort: true,
	},
	{
		name: "shell", programs: []string{"bash", "openssl", "awk", "od"}, install: "the Debian packages bash and openssl",
		files: []string{"shell/verify.sh"}, // no server: see startScript
		slow:  true,
	},
}

// missing names the first program that is not there; "" when all are.
func (l *language) missing() string {
	for _, program := range l.programs {
		if _, err := exec.LookPath(program); err != nil {
			return program
		}
	}
	return ""
}

func (l *language) command(t *testing.T) []string {
	t.Helper()
	if l.build != nil {
		return l.build(t, t.TempDir())
	}
	return l.interpreter
}

// run runs a compiler to its end.
func run(t *testing.T, directory string, command ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = directory
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
}
