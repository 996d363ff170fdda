package egress

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// The request's headers that are kept without their values.
func secretHeader(name string) bool {
	switch textproto.CanonicalMIMEHeaderKey(name) {
	case "Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key":
		return true
	}
	return false
}

func requestHead(request *wire.Request) peal.Head {
	return head(request.Header, func(name string) bool {
		return secretHeader(name) || slices.ContainsFunc(request.Secret, func(secret string) bool {
			return strings.EqualFold(secret, name)
		})
	}, 0)
}

func responseHead(header http.Header) peal.Head {
	return head(header, func(name string) bool { return name == "Set-Cookie" }, peal.MaxResponseHead)
}

// head writes headers as lines, sorted by name, up to limit bytes (0 for no limit).
func head(header http.Header, hide func(name string) bool, limit int) peal.Head {
	names := make([]string, 0, 16)
	size := 0
	for name, values := range header {
		names = append(names, name)
		for _, value := range values {
			size += len(name) + len(value) + 3
		}
	}
	slices.Sort(names)
	var text strings.Builder
	text.Grow(size)
	for _, name := range names {
		for _, value := range header[name] {
			if hide(name) {
				value = "[redacted]"
			}
			if limit > 0 && text.Len()+len(name)+len(value)+3 > limit {
				return peal.Head(text.String())
			}
			text.WriteString(name)
			text.WriteString(": ")
			text.WriteString(value)
			text.WriteByte('\n')
		}
	}
	return peal.Head(text.String())
}
