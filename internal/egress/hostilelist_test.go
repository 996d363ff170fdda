package egress_test

import (
	"net/netip"
	"strings"
)

// privately are addresses that a stranger would like to reach.
const privately = "127.0.0.1 127.1.2.3 10.0.0.1 172.16.0.1 192.168.0.1 100.64.0.1 169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 192.0.0.192 " +
	"0.0.0.0 198.18.0.1 192.0.2.1 224.0.0.1 255.255.255.255 240.0.0.1 " +
	"::1 :: fe80::1 fc00::1 fd00:ec2::254 fd20:ce::254 ff02::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe " +
	"64:ff9b:1::7f00:1 2002:7f00:1:: 2002:a9fe:a9fe:: 2001:0:4136:e378:8000:63bf:80ff:fffe 2001:db8::1 fec0::1"

// spellings are hosts that stand for 127.0.0.1, ::1 or a metadata address, or that
// somebody may take for one. Those that are names have an answer, see hostileNames.
var spellings = map[string]string{
	"decimal":     "2130706433 2852039166 3232235521 167772161 017700000001 4294967295 0 1",
	"hex":         "0x7f000001 0x7F000001 0x7f.0x0.0x0.0x1 0x7f.1 0xa9fea9fe 0xA9.0xFE.0xA9.0xFE 0x7f.0.0.0x1 0x0 0x 127.0.0.0x1",
	"octal":       "0177.0.0.1 0177.0.0.01 00177.00.00.01 0251.0376.0251.0376 012.0.0.1 0300.0250.0.1 127.0.0.01 127.000.000.001 0000177.0.0.1",
	"short":       "127.1 127.0.1 10.1 169.254.43518 192.168.1 127.65535 1.1",
	"overflow":    "256.256.256.256 127.0.0.256 383.0.0.1 127.0.0.4294967297 2130706433.0 4294967296 127.0.0.1.1",
	"dots":        "127.0.0.1. localhost. a-127-0-0-1.hostile.test. 127..0.0.1 .127.0.0.1 127.0.0.1.. 2130706433. 0x7f000001.",
	"names":       "localhost LOCALHOST LocalHost hook.localhost localhost.localhost ip6-localhost ip6-loopback localhost.localdomain localhost6 metadata metadata.google.internal instance-data kubernetes.default.svc host.docker.internal router.local 127-0-0-1.hostile.test 7f000001.hostile.test",
	"IPv6":        "[::1] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [0::1] [::0001] [::0.0.0.1] [::] [0::0] [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:7F00:0001] [0:0:0:0:0:ffff:127.0.0.1] [::ffff:a9fe:a9fe] [::127.0.0.1] [::7f00:1] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] [2002:7f00:0001::1]",
	"zones":       "[fe80::1%25eth0] [fe80::1%25lo] [fe80::1%251] [::1%25lo] [::1%251] [::ffff:127.0.0.1%25lo] [fe80::1%25] [fe80::1%25eth0%25]",
	"zones, bare": "[fe80::1%eth0] [::1%lo] [::1%]",
	"brackets":    "[127.0.0.1] [::1 ::1] [[::1]] [::1]] [] [::1].hostile.test [v1.127.0.0.1] [::g]",
	"full width":  "１２７.０.０.１ １２７．０．０．１ 127。0。0。1 127｡0｡0｡1 ①②⑦.⓪.⓪.① ⑯⑨.②⑤④.⑯⑨.②⑤④ ２１３０７０６４３３ ０x7f000001 𝟏𝟐𝟕.𝟎.𝟎.𝟏 ₁₂₇.₀.₀.₁",
	"homographs":  "ｌｏｃａｌｈｏｓｔ ⓛⓞⓒⓐⓛⓗⓞⓢⓣ 𝓁ocalhost ℓocalhost loc\u00adalhost local\u200bhost localhost\u3002 LOCALHOſT lоcаlhost ｍetadata.google.internal xn--localhost- ⓜetadata localⅽhost",
	"escapes":     "%31%32%37.0.0.1 127%2e0%2e0%2e1 127%2E0.0.1 %6cocalhost local%68ost localhost%00 localhost%00.hostile.test localhost%2f.hostile.test localhost%23.hostile.test localhost%40hostile.test 127.0.0.1%20 %5B::1%5D",
	"characters":  "127.0.0.1\t 127.0.0.1\n local\thost localhost\r\n 127.0.0.1\x00 127.0.0.1;hostile.test 127.0.0.1,hostile.test 127.0.0.1\\hostile.test localhost| 'localhost' \"localhost\" <localhost> {127.0.0.1} localhost+ 127.0.0.1&hostile.test $127.0.0.1 127_0_0_1",
	"DNS answers": "one-lo.hostile.test six-lo.hostile.test both.hostile.test many.hostile.test mixed.hostile.test large.hostile.test alias.hostile.test aliases.hostile.test alias-out.hostile.test alias-loop.hostile.test alias-case.hostile.test *.hostile.test _srv.hostile.test a-very-long-label-that-leads-to-loopback-all-the-same-xx.hostile.test mapped.hostile.test unspecified.hostile.test all-private.hostile.test",
}

// whole are URLs that are hostile in another part than the host.
var whole = []string{
	// User info, which is no host.
	"http://hostile-public.test@127.0.0.1:PORT/", "http://a:b@127.0.0.1:PORT/", "http://hostile-public.test:80@127.0.0.1:PORT/", "http://@127.0.0.1:PORT/",
	"http://hostile-public.test%40@127.0.0.1:PORT/", "http://127.0.0.1:PORT@hostile-public.test/", "http://127.0.0.1@127.0.0.1:PORT/", "http://hostile-public.test@@127.0.0.1:PORT/",
	"http://hostile-public.test%2f@127.0.0.1:PORT/", "http://[::1]@127.0.0.1:PORT/", "http://a@b@localhost:PORT/",
	// What some take for a separator, and others do not.
	"http://hostile-public.test\\@127.0.0.1:PORT/", "http://127.0.0.1:PORT\\@hostile-public.test/", "http://hostile-public.test#@127.0.0.1:PORT/", "http://hostile-public.test?@127.0.0.1:PORT/",
	"http://127.0.0.1:PORT#hostile-public.test/", "http://127.0.0.1:PORT?hostile-public.test/", "http:\\\\127.0.0.1:PORT\\", "http:/127.0.0.1:PORT/", "http:127.0.0.1:PORT/", "http:///127.0.0.1:PORT/",
	"http:////127.0.0.1:PORT/", "//127.0.0.1:PORT/", "127.0.0.1:PORT", "/127.0.0.1:PORT/", "http://hostile-public.test;127.0.0.1:PORT/", "http://hostile-public.test 127.0.0.1:PORT/",
	"http://127.0.0.1:PORT/../..//@hostile-public.test", "http://127.0.0.1:PORT;@hostile-public.test/", " http://127.0.0.1:PORT/", "http://127.0.0.1:PORT/\r\nHost: hostile-public.test", "\x00http://127.0.0.1:PORT/",
	// Ports.
	"http://127.0.0.1:0PORT/", "http://127.0.0.1:00000PORT/", "http://127.0.0.1:+PORT/", "http://127.0.0.1:-PORT/", "http://127.0.0.1: PORT/", "http://127.0.0.1:PORT:80/", "http://127.0.0.1:80:PORT/", "http://127.0.0.1:1PORT0/",
	"http://127.0.0.1:/", "http://127.0.0.1:0/", "http://127.0.0.1:65536/", "http://127.0.0.1:99999999999999999999/", "http://127.0.0.1:0x50/", "http://127.0.0.1:http/", "http://127.0.0.1:８０/", "http://[::1]PORT/", "http://[::1]:/", "http://[::1]:0PORT/",
	// Schemes.
	"https://127.0.0.1:PORT/", "HTTP://127.0.0.1:PORT/", "hTtPs://LOCALHOST:PORT/", "file:///etc/passwd", "file://127.0.0.1/etc/passwd", "gopher://127.0.0.1:PORT/_x", "ftp://127.0.0.1:PORT/", "dict://127.0.0.1:PORT/d:x", "ldap://127.0.0.1:PORT/",
	"unix:///var/run/docker.sock", "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "jar:http://127.0.0.1:PORT/!/", "netdoc:///etc/passwd", "data:text/plain,x", "javascript:alert(1)", "ws://127.0.0.1:PORT/", "h2c://127.0.0.1:PORT/", "url:http://127.0.0.1:PORT/", "http://", "https://", "http", ":", "",
}

// hostile returns every hostile URL, by kind; PORT stands for the listener's port.
func hostile() map[string][]string {
	all := map[string][]string{"whole URLs": whole}
	for kind, list := range spellings {
		for host := range strings.SplitSeq(list, " ") {
			all[kind] = append(all[kind], "http://"+host+":PORT/")
		}
	}
	for text := range strings.FieldsSeq(privately) {
		all["addresses"] = append(all["addresses"], "https://"+host(text)+":PORT/hook")
		all["names of addresses"] = append(all["names of addresses"], "http://"+nameOf(text)+":PORT/hook")
		all["aliases of addresses"] = append(all["aliases of addresses"], "http://to-"+nameOf(text)+":PORT/hook")
	}
	return all
}

// nameOf is a name that leads to an address.
func nameOf(addr string) string {
	return "a-" + strings.NewReplacer(".", "-", ":", "-").Replace(addr) + ".hostile.test"
}

// hostileNames adds the answers of a stranger's name server.
func hostileNames(server *names) {
	var all []string
	for text := range strings.FieldsSeq(privately) {
		all = append(all, text)
		server.set(nameOf(text), text)
		server.alias("to-"+nameOf(text), nameOf(text))
	}
	for _, list := range spellings { // whatever is looked up is loopback
		for host := range strings.SplitSeq(list, " ") {
			name := strings.TrimSuffix(strings.ToLower(host), ".")
			if _, err := netip.ParseAddr(name); err != nil && !strings.HasPrefix(name, "[") {
				server.set(name, "127.0.0.1", "::1")
			}
		}
	}
	server.set("one-lo.hostile.test", "127.0.0.1")
	server.set("six-lo.hostile.test", "::1")
	server.set("mixed.hostile.test", "10.0.0.1", "127.0.0.1", "fd00::1")
	server.set("mapped.hostile.test", "::ffff:127.0.0.1")
	server.set("unspecified.hostile.test", "0.0.0.0", "::")
	server.set("all-private.hostile.test", all...)
	var many []string
	for range 40 {
		many = append(many, "127.0.0.1")
	}
	server.set("many.hostile.test", many...)
	server.makeLarge("large.hostile.test")
	server.alias("alias.hostile.test", "one-lo.hostile.test")
	server.alias("aliases.hostile.test", "alias.hostile.test")
	server.alias("alias-out.hostile.test", "localhost")
	server.alias("alias-case.hostile.test", "ONE-LO.hostile.TEST")
	server.alias("alias-loop.hostile.test", "alias-loop.hostile.test")
}
