package peal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

func TestSourceValidate(t *testing.T) {
	good := peal.Source{
		ID: peal.NewSourceID(), Tenant: "acme", Name: "tasks", Format: "vikunja", Dedup: peal.DedupID, Status: peal.Active,
		Secrets: []peal.Secret{{Value: "Bearer s ü"}},
	}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*peal.Source)
		field  string // "" when it is taken
	}{
		"unverified":                {func(s *peal.Source) { s.Unverified, s.Secrets = true, nil }, ""},
		"disabled, by body":         {func(s *peal.Source) { s.Status, s.Dedup = peal.Disabled, peal.DedupBody }, ""},
		"a long name":               {func(s *peal.Source) { s.Name = strings.Repeat("x", 64) }, ""},
		"a name of all kinds":       {func(s *peal.Source) { s.Name = "0.a_b-C" }, ""},
		"a long secret":             {func(s *peal.Source) { s.Secrets[0].Value = strings.Repeat("x", 4096) }, ""},
		"no name":                   {func(s *peal.Source) { s.Name = "" }, "name"},
		"too long a name":           {func(s *peal.Source) { s.Name = strings.Repeat("x", 65) }, "name"},
		"a name with a slash":       {func(s *peal.Source) { s.Name = "a/b" }, "name"},
		"a name that is not ASCII":  {func(s *peal.Source) { s.Name = "ä" }, "name"},
		"a name that begins badly":  {func(s *peal.Source) { s.Name = ".." }, "name"},
		"a name like an id":         {func(s *peal.Source) { s.Name = "source_x" }, "name"},
		"no secret":                 {func(s *peal.Source) { s.Secrets = nil }, "secret"},
		"unverified with a secret":  {func(s *peal.Source) { s.Unverified = true }, "unverified"},
		"too long a secret":         {func(s *peal.Source) { s.Secrets[0].Value = strings.Repeat("x", 4097) }, "secret"},
		"a line break":              {func(s *peal.Source) { s.Secrets[0].Value = "x\n" }, "secret"},
		"a status of webhooks":      {func(s *peal.Source) { s.Status = peal.Paused }, "status"},
		"no status":                 {func(s *peal.Source) { s.Status = "" }, "status"},
		"no dedup":                  {func(s *peal.Source) { s.Dedup = "" }, "dedup"},
		"too long a description":    {func(s *peal.Source) { s.Description = strings.Repeat("x", peal.MaxDescription+1) }, "description"},
		"the longest description":   {func(s *peal.Source) { s.Description = strings.Repeat("x", peal.MaxDescription) }, ""},
		"an old secret with a flaw": {func(s *peal.Source) { s.Secrets = append(s.Secrets, peal.Secret{Value: "\x00"}) }, "secret"},
	} {
		t.Run(name, func(t *testing.T) {
			source := good
			source.Secrets = []peal.Secret{good.Secrets[0]}
			test.change(&source)
			err := source.Validate()
			if test.field == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := err.(*peal.Error)
			if !ok || e.Code != peal.Invalid || e.Field != test.field {
				t.Errorf("got %v, want an invalid %s", err, test.field)
			}
		})
	}
}

func TestSourceSecretsExpire(t *testing.T) {
	now := time.Now()
	source := peal.Source{Secrets: []peal.Secret{{Value: "new"}, {Value: "old", ExpiresAt: now}}}
	if got := source.ActiveSecrets(now.Add(-time.Second)); len(got) != 2 || got[0] != "new" {
		t.Errorf("before the end %q verify", got)
	}
	if got := source.ActiveSecrets(now); len(got) != 1 {
		t.Errorf("at the end %q verify", got)
	}
}

func TestSourceIDs(t *testing.T) {
	id := peal.NewSourceID()
	back, err := peal.ParseSourceID(id.String())
	if err != nil || back != id || !strings.HasPrefix(id.String(), "source_") || id.Time() != (&peal.Source{ID: id}).CreatedAt() {
		t.Errorf("%s came back as %s, %v", id, back, err)
	}
	if _, err := peal.ParseSourceID(peal.NewWebhookID().String()); peal.CodeOf(err) != peal.Invalid {
		t.Errorf("a webhook's id is taken: %v", err)
	}
}
