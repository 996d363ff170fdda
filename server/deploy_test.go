package server_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/server"
)

// expressions returns every PromQL expression of the dashboard and of the alert rules.
func expressions(t *testing.T) []string {
	t.Helper()
	var dashboard struct {
		UID    string
		Panels []struct {
			ID      int
			Type    string
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Query any }
		}
	}
	text, err := os.ReadFile("../deploy/grafana.json")
	if err == nil {
		err = json.Unmarshal(text, &dashboard)
	}
	if err != nil || dashboard.UID != "peal" {
		t.Fatalf("the dashboard is none: %v", err)
	}
	var all []string
	ids := make(map[int]bool)
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %d (%s) has the number of another, or shows nothing", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	if len(all) < 30 {
		t.Fatalf("the dashboard has only %d queries", len(all))
	}
	for _, variable := range dashboard.Templating.List {
		if query, ok := variable.Query.(map[string]any); ok {
			all = append(all, query["query"].(string))
		}
	}
	return append(all, alertRules(t)...)
}

func alertRules(t *testing.T) (all []string) {
	t.Helper()
	file, err := os.Open("../deploy/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	if err := decoder.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" || rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("the rule %q lacks a name, a severity, a summary or a description", rule.Alert)
			}
			all = append(all, rule.Expr)
		}
	}
	if len(all) < 10 {
		t.Fatalf("there are only %d rules", len(all))
	}
	return all
}

// named finds the metrics in an expression: their names start with one of these.
var named = regexp.MustCompile(`\b(peal|go|process)_[a-z0-9_]+`)

// A server that has just started has every metric that the dashboard and the alerts use.
func TestDeployedMetricsExist(t *testing.T) { onEachStore(t, testDeployedMetricsExist) }

func testDeployedMetricsExist(t *testing.T, o server.Options) {
	s := start(t, o)
	url, arrivals := endpoint(t)
	c := connect(t, "http://"+s.Addr(), operatorKey)
	if _, err := c.CreateWebhook(t.Context(), client.WebhookRequest{URL: &url, Events: []string{"*"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Publish(t.Context(), client.NewEvent{Type: "t", Data: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	next(t, arrivals)
	_, text := scrape(t, s, operatorKey)
	given := make(map[string]bool)
	for _, match := range regexp.MustCompile(`(?m)^([a-z_0-9]+)(\{[^}]*\})? `).FindAllStringSubmatch(text, -1) {
		given[match[1]] = true
	}
	for _, expression := range expressions(t) {
		names := named.FindAllString(expression, -1)
		if len(names) == 0 && !strings.HasPrefix(expression, "up{") {
			t.Errorf("%s asks for nothing", expression)
		}
		for _, name := range names {
			if !given[name] && (o.Database != "" || !ofPostgres(name)) {
				t.Errorf("%s asks for %s, which /metrics does not have", expression, name)
			}
		}
	}
	for _, label := range regexp.MustCompile(`reason[=!~]+"([a-z]+)"`).FindAllStringSubmatch(strings.Join(expressions(t), "\n"), -1) {
		if !strings.Contains(text, `peal_attempts_total{reason="`+label[1]+`"}`) {
			t.Errorf("there is no reason %s", label[1])
		}
	}
}

// ofPostgres reports whether only PostgreSQL has a metric.
func ofPostgres(name string) bool { return strings.HasPrefix(name, "peal_store_connection") }

// The alerts fire when they should, where promtool is there to try them.
func TestAlertsFire(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian: prometheus)")
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", "../deploy/alerts_test.yml").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
