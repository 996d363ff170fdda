package identity_test

import (
	"testing"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
)

func TestOptions(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*identity.Options)
		field  string // "" for good
	}{
		"default":       {func(*identity.Options) {}, ""},
		"shortest life": {func(o *identity.Options) { o.SessionLife = identity.MinSessionLife }, ""},
		"too short":     {func(o *identity.Options) { o.SessionLife = identity.MinSessionLife - 1 }, "sessions.life"},
		"longest life":  {func(o *identity.Options) { o.SessionLife = identity.MaxSessionLife }, ""},
		"too long":      {func(o *identity.Options) { o.SessionLife = identity.MaxSessionLife + 1 }, "sessions.life"},
		"audit":         {func(o *identity.Options) { o.KeepAudit = -time.Second }, "retention.audit"},
		"public":        {func(o *identity.Options) { o.PublicURL = "https://hooks.example.com:8443" }, ""},
		"public path":   {func(o *identity.Options) { o.PublicURL = "https://hooks.example.com/" }, "public_url"},
		"public scheme": {func(o *identity.Options) { o.PublicURL = "hooks.example.com" }, "public_url"},
		"ancestor":      {func(o *identity.Options) { o.FrameAncestors = []string{"https://app.example.com"} }, ""},
		"any ancestor":  {func(o *identity.Options) { o.FrameAncestors = []string{"*"} }, "portal.frame_ancestors"},
		"directive":     {func(o *identity.Options) { o.FrameAncestors = []string{"https://a;sandbox"} }, "portal.frame_ancestors"},
		"injection":     {func(o *identity.Options) { o.FrameAncestors = []string{"https://a; script-src *"} }, "portal.frame_ancestors"},
	} {
		o := identity.DefaultOptions()
		test.change(&o)
		err := o.Validate()
		e, _ := err.(*peal.Error)
		if (test.field == "") != (err == nil) || e != nil && e.Field != test.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}
