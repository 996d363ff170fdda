package egress_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/egress"
)

// special are addresses that no request reaches unless the operator allows it.
var special = map[string]string{
	"loopback":                 "127.0.0.1 127.0.0.2 127.255.255.254 ::1",
	"unspecified":              "0.0.0.0 0.1.2.3 ::",
	"private":                  "10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.254 192.168.0.1 192.168.255.255",
	"shared":                   "100.64.0.1 100.127.255.254",
	"link-local":               "169.254.0.1 169.254.255.254 fe80::1 febf::1",
	"metadata":                 "169.254.169.254 169.254.170.2 fd00:ec2::254 100.100.100.200 192.0.0.192 168.63.129.16 fd20:ce::254",
	"protocol assignments":     "192.0.0.1 192.0.0.170 2001::1 2001:1::1 2001:10::1 2001:20::1",
	"documentation":            "192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1",
	"benchmark":                "198.18.0.1 198.19.255.254 2001:2::1",
	"relays":                   "192.88.99.1 192.31.196.1 192.52.193.1 192.175.48.1 2620:4f:8000::1",
	"multicast":                "224.0.0.1 239.255.255.255 ff02::1 ff0e::1",
	"reserved":                 "240.0.0.1 255.255.255.254 4000::1 5f00::1",
	"broadcast":                "255.255.255.255",
	"unique local":             "fc00::1 fd12:3456::1",
	"site-local":               "fec0::1 feff::1",
	"discard":                  "100::1",
	"IPv4 in IPv6":             "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::10.0.0.1 ::ffff:0:127.0.0.1",
	"NAT64":                    "64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::8.8.8.8 64:ff9b:1::10.0.0.1 64:ff9b:1:a00:0:100::",
	"6to4":                     "2002:7f00:1:: 2002:a00:1:: 2002:a9fe:a9fe::1 2002:c0a8:101::1 2002:808:808::1",
	"Teredo":                   "2001:0:4136:e378:8000:63bf:3fff:fdd2",
	"edges, as near as can be": "9.255.255.255/ok 11.0.0.0/ok 172.15.255.255/ok 172.32.0.0/ok 100.63.255.255/ok 100.128.0.0/ok 126.255.255.255/ok 128.0.0.0/ok 169.253.255.255/ok 169.255.0.0/ok 192.167.255.255/ok 192.169.0.0/ok 198.17.255.255/ok 198.20.0.0/ok 223.255.255.255/ok 168.63.129.17/ok",
	"public":                   "1.1.1.1/ok 8.8.8.8/ok 93.184.216.34/ok 2606:4700::1111/ok 2a00:1450:4001:80b::200e/ok 2400:cb00::1/ok ::ffff:8.8.8.8/ok",
}

// TestAddresses tries every address as it is written in a URL and as what a name
// leads to. The public ones are only asked about: a test sends nothing out.
func TestAddresses(t *testing.T) {
	server := serveNames(t)
	strict := newClient(t, func(o *egress.Options) { o.Allow, o.Resolver = nil, server.resolver() })
	count := 0
	for kind, list := range special {
		for text := range strings.FieldsSeq(list) {
			text, public := strings.CutSuffix(text, "/ok")
			count++
			t.Run(kind+"/"+text, func(t *testing.T) {
				u := "https://" + host(text) + "/hook"
				err := strict.CheckURL(u)
				if public != (err == nil) {
					t.Fatalf("CheckURL: %v", err)
				}
				if public {
					return
				}
				checkInvalidURL(t, err, "egress.allow")
				a := post(t, strict, u, ample)
				want(t, a, peal.ReasonBlocked, "its address is private or special", "egress.allow")
				if a.Address != "" {
					t.Errorf("Address is %q, and none was reached", a.Address)
				}

				name := fmt.Sprintf("a%d.receiver.test", count)
				server.set(name, text)
				a = post(t, strict, "https://"+name+"/hook", ample)
				want(t, a, peal.ReasonBlocked, name+": its address is private or special", "egress.allow")
				warning := strict.Warn(t.Context(), "https://"+name+"/hook")
				if shown := name + " (" + plainly(text) + "): its address is private or special"; !strings.HasPrefix(warning.For(true).String(), shown) {
					t.Errorf("an operator is warned %q, want %q", warning.For(true), shown)
				}
				if warning.For(false).String() != a.Error {
					t.Errorf("others are warned %q", warning.For(false))
				}
				if a.Address != "" {
					t.Errorf("Address is %q, and none was reached", a.Address)
				}
			})
		}
	}
	if count < 80 {
		t.Errorf("only %d addresses", count)
	}
}

// plainly writes an address as it is dialled.
func plainly(text string) string { return netip.MustParseAddr(text).Unmap().String() }

func host(addr string) string {
	if strings.Contains(addr, ":") {
		return "[" + addr + "]"
	}
	return addr
}

func checkInvalidURL(t *testing.T, err error, says string) {
	t.Helper()
	var e *peal.Error
	if !errors.As(err, &e) || e.Code != peal.Invalid || e.Field != "url" || !strings.Contains(e.Message, says) {
		t.Errorf("error is %v, want one of the field url that says %q", err, says)
	}
}

// TestRules has the operator's own ranges and ports.
func TestRules(t *testing.T) {
	prefixes := func(list ...string) (all []netip.Prefix) {
		for _, text := range list {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	for name, c := range map[string]struct {
		options egress.Options
		url     string
		says    string // "" for allowed
	}{
		"allowed":                  {egress.Options{Allow: prefixes("10.1.0.0/16")}, "https://10.1.2.3/", ""},
		"allowed, in IPv6":         {egress.Options{Allow: prefixes("10.1.0.0/16")}, "https://[::ffff:10.1.2.3]/", ""},
		"beside what is allowed":   {egress.Options{Allow: prefixes("10.1.0.0/16")}, "https://10.2.2.3/", "egress.allow"},
		"denied":                   {egress.Options{Deny: prefixes("8.8.8.0/24")}, "https://8.8.8.8/", "egress.deny"},
		"denied, in IPv6":          {egress.Options{Deny: prefixes("8.8.8.0/24")}, "https://[::ffff:8.8.8.8]/", "egress.deny"},
		"denied and allowed":       {egress.Options{Allow: prefixes("10.0.0.0/8"), Deny: prefixes("10.0.0.1/32")}, "https://10.0.0.1/", "egress.deny"},
		"NAT64 of public":          {egress.Options{Allow: prefixes("64:ff9b::/96")}, "https://[64:ff9b::8.8.8.8]/", ""},
		"NAT64 of private":         {egress.Options{Allow: prefixes("64:ff9b::/96")}, "https://[64:ff9b::10.0.0.1]/", "egress.allow"},
		"NAT64 of metadata":        {egress.Options{Allow: prefixes("64:ff9b::/96")}, "https://[64:ff9b::a9fe:a9fe]/", "egress.allow"},
		"NAT64 of denied":          {egress.Options{Allow: prefixes("64:ff9b::/96"), Deny: prefixes("8.8.8.8/32")}, "https://[64:ff9b::8.8.8.8]/", "egress.deny"},
		"NAT64 of allowed":         {egress.Options{Allow: prefixes("64:ff9b::/96", "10.0.0.0/8")}, "https://[64:ff9b::10.0.0.1]/", ""},
		"local NAT64 of private":   {egress.Options{Allow: prefixes("64:ff9b:1::/48")}, "https://[64:ff9b:1::10.0.0.1]/", "egress.allow"},
		"local NAT64 of public":    {egress.Options{Allow: prefixes("64:ff9b:1::/48")}, "https://[64:ff9b:1::8.8.8.8]/", ""},
		"local NAT64, other place": {egress.Options{Allow: prefixes("64:ff9b:1::/48")}, "https://[64:ff9b:1:a00:0:100::]/", "egress.allow"},
		"6to4 of private":          {egress.Options{Allow: prefixes("2002::/16")}, "https://[2002:a00:1::1]/", "egress.allow"},
		"6to4 of public":           {egress.Options{Allow: prefixes("2002::/16")}, "https://[2002:808:808::1]/", ""},
		"link-local with a zone":   {egress.Options{Allow: prefixes("fe80::/10")}, "https://[fe80::1%25eth0]/", ""},
		"any port":                 {egress.Options{}, "https://8.8.8.8:8081/", ""},
		"another port":             {egress.Options{Ports: []egress.PortRange{egress.Port(443)}}, "https://8.8.8.8:8081/", "egress.ports"},
		"another port of a name":   {egress.Options{Ports: []egress.PortRange{egress.Port(443)}}, "https://receiver.test:8081/", "egress.ports"},
		"default port":             {egress.Options{Ports: []egress.PortRange{egress.Port(443)}}, "https://receiver.test/", ""},
		"default port of http":     {egress.Options{Ports: []egress.PortRange{egress.Port(443)}, AllowHTTP: true}, "http://receiver.test/", "egress.ports"},
		"port 0":                   {egress.Options{}, "https://receiver.test:0/", "1 to 65535"},
		"port 65536":               {egress.Options{}, "https://receiver.test:65536/", "1 to 65535"},
		"http":                     {egress.Options{}, "http://receiver.test/", "egress.allow_http"},
		"HTTP":                     {egress.Options{}, "HTTP://receiver.test/", "egress.allow_http"},
		"http allowed":             {egress.Options{AllowHTTP: true}, "http://receiver.test/", ""},
		"another scheme":           {egress.Options{}, "ftp://receiver.test/", "https://"},
		"no scheme":                {egress.Options{}, "receiver.test", "https://"},
		"no host":                  {egress.Options{}, "https:///hook", "host"},
		"no URL":                   {egress.Options{}, "https://a b/", "not a valid URL"},
		"localhost":                {egress.Options{}, "https://LocalHost/", "egress.allow"},
		"below localhost":          {egress.Options{}, "https://hook.localhost./", "egress.allow"},
		"localhost allowed":        {egress.Options{Allow: prefixes("127.0.0.0/8")}, "https://localhost/", ""},
		"a name":                   {egress.Options{}, "https://receiver.test/", ""},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, func(o *egress.Options) {
				o.Allow, o.Deny, o.Ports, o.AllowHTTP = c.options.Allow, c.options.Deny, c.options.Ports, c.options.AllowHTTP
			})
			err := client.CheckURL(c.url)
			if c.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			checkInvalidURL(t, err, c.says)
		})
	}
}

// What CheckURL refuses, Do refuses too, for it may have been allowed once.
func TestRefusals(t *testing.T) {
	r := receive(t, answering(accepted))
	for name, c := range map[string]struct {
		change func(*egress.Options)
		says   string
	}{
		"http":   {func(o *egress.Options) { o.AllowHTTP = false }, "http is not allowed here, only https; the operator can allow it with egress.allow_http"},
		"port":   {func(o *egress.Options) { o.Ports = []egress.PortRange{egress.Port(443)} }, "egress.ports"},
		"denied": {func(o *egress.Options) { o.Deny = o.Allow }, "egress.deny"},
	} {
		t.Run(name, func(t *testing.T) {
			a := post(t, newClient(t, c.change), r.url, ample)
			want(t, a, peal.ReasonBlocked, r.addr+": ", c.says)
		})
	}
	if conns, _ := r.counts(); conns != 0 {
		t.Errorf("%d connections came", conns)
	}
}

// Other spellings of loopback, which some resolvers understand, lead nowhere.
func TestSpellings(t *testing.T) {
	server := serveNames(t)
	client := newClient(t, func(o *egress.Options) { o.Allow, o.Resolver = nil, server.resolver() })
	for _, spelling := range []string{"127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "0", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]"} {
		a := post(t, client, "http://"+spelling+":9/", ample)
		if a.Reason != peal.ReasonBlocked && a.Reason != peal.ReasonDNS {
			t.Errorf("%s: %s: %s", spelling, a.Reason, a.Error)
		}
	}
}

// TestWarnOfRules warns of URLs that were saved when other rules held.
func TestWarnOfRules(t *testing.T) {
	strict := newClient(t, func(o *egress.Options) { o.Allow, o.AllowHTTP, o.Ports = nil, false, egress.DefaultOptions().Ports })
	for url, want := range map[string]string{
		"https://127.0.0.1/x":  "egress.allow",
		"https://localhost/x":  "egress.allow",
		"http://1.1.1.1/x":     "it must start with https://",
		"https://1.1.1.1:22/x": "egress.ports",
		"https://1.1.1.1/x":    "",
	} {
		if got := strict.Warn(t.Context(), url); (want == "") != (got.Operator.String() == "") || !strings.Contains(got.Operator.String(), want) {
			t.Errorf("%s warns %q, want %q in it", url, got, want)
		}
	}
}
