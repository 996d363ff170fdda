package peal

import "strings"

// RedactURL hides the values of a URL's query, where tokens stand, for records and for
// readers who may not see secrets: https://host/hook?token=[redacted]. A query without
// names is hidden as a whole.
func RedactURL(url string) string {
	base, query, found := strings.Cut(url, "?")
	if !found {
		return url
	}
	query, _, _ = strings.Cut(query, "#")
	var text strings.Builder
	text.WriteString(base)
	for i, pair := range strings.Split(query, "&") {
		text.WriteByte("?&"[min(i, 1)])
		if name, _, named := strings.Cut(pair, "="); named {
			text.WriteString(name + "=")
		}
		if pair != "" {
			text.WriteString(redacted)
		}
	}
	return text.String()
}
