package egress_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
)

func TestOptions(t *testing.T) {
	if err := egress.DefaultOptions().Validate(); err != nil {
		t.Error(err)
	}
	if err := egress.DefaultOptions().Development().Validate(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		change func(*egress.Options)
		field  string
	}{
		"idle per host":     {func(o *egress.Options) { o.MaxIdlePerHost = 0 }, "egress"},
		"idle":              {func(o *egress.Options) { o.MaxIdle = 0 }, "egress"},
		"idle timeout":      {func(o *egress.Options) { o.IdleTimeout = 0 }, "egress"},
		"connect timeout":   {func(o *egress.Options) { o.ConnectTimeout = -1 }, "egress"},
		"no network":        {func(o *egress.Options) { o.Allow = []netip.Prefix{{}} }, "egress.allow"},
		"IPv4 in IPv6":      {func(o *egress.Options) { o.Deny = []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")} }, "egress.deny"},
		"port 0":            {func(o *egress.Options) { o.Ports = []egress.PortRange{egress.Port(443), egress.Port(0)} }, "egress.ports"},
		"no ports, somehow": {func(o *egress.Options) { o.Ports = []egress.PortRange{} }, "egress.ports"},
	} {
		t.Run(name, func(t *testing.T) {
			options := egress.DefaultOptions()
			c.change(&options)
			_, err := egress.New(options)
			var e *peal.Error
			if !errors.As(err, &e) || e.Code != peal.Invalid || e.Field != c.field {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// By default only https to public addresses is allowed; for development, http to
// this machine and its network too, but not to a cloud's metadata.
func TestDefaults(t *testing.T) {
	options := egress.DefaultOptions()
	options.Allow = append(make([]netip.Prefix, 0, 100), netip.MustParsePrefix("100.64.0.0/10"))
	strict, relaxed := options, options.Development()
	for u, c := range map[string]struct{ byDefault, inDevelopment bool }{
		"https://receiver.test/":          {true, true},
		"https://8.8.8.8:8443/":           {true, true},
		"https://8.8.8.8:22/":             {false, true},
		"https://100.64.0.1/":             {true, true},
		"http://receiver.test/":           {false, true},
		"http://localhost:3000/":          {false, true},
		"http://[::1]:3000/":              {false, true},
		"https://127.0.0.1/":              {false, true},
		"https://192.168.1.2/":            {false, true},
		"https://169.254.169.254/latest/": {false, false},
		"https://[fe80::1]/":              {false, false},
	} {
		for options, allowed := range map[*egress.Options]bool{&strict: c.byDefault, &relaxed: c.inDevelopment} {
			client, err := egress.New(*options)
			if err != nil {
				t.Fatal(err)
			}
			if err := client.CheckURL(u); (err == nil) != allowed {
				t.Errorf("%s: allowed should be %v: %v", u, allowed, err)
			}
		}
	}
}
