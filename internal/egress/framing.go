package egress

import (
	"net/http"
	"strings"
)

// framing gives the name of a header that frames the message or belongs to the hop
// (RFC 9110, section 7.6.1), in any case; "" when there is none. Settings that hold
// one are refused when they are saved. This is the last gate: the transport writes
// what it is given under any other spelling than its own.
func framing(header http.Header) string {
	for name := range header {
		for _, taken := range framingNames[min(len(name), len(framingNames)-1)] {
			if strings.EqualFold(name, taken) {
				return name
			}
		}
	}
	return ""
}

// framingNames are the names by their length, since every request is asked about.
var framingNames = [21][]string{
	2: {"TE"}, 4: {"Host"}, 6: {"Expect"}, 7: {"Trailer", "Upgrade"}, 10: {"Connection", "Keep-Alive"},
	14: {"Content-Length", "HTTP2-Settings"}, 16: {"Proxy-Connection"}, 17: {"Transfer-Encoding"},
	18: {"Proxy-Authenticate"}, 19: {"Proxy-Authorization"},
}
