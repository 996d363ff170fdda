package wire

import (
	"net/http"
	"strings"
)

// Discord's webhooks: a line of content and an embed with the rest. The limits are
// 2000 characters of content, 4096 a description, 256 and 1024 a field's name and
// value, 2048 a footer, 6000 an embed.
var discord = &Format{
	Name:    Discord,
	Title:   "Discord message",
	Secrets: SecretNone,
	Headers: []string{"Content-Type"},
	Encode:  encodeDiscord,
}

func encodeDiscord(in *Input) (http.Header, []byte, error) {
	m := messageOf(in)
	body := make([]byte, 0, 2048)
	body = append(body, `{"content":`...)
	body = Plain.AppendString(body, "**"+clip(m.headline(), maxText, escapeDiscord)+"**")
	body = append(body, `,"embeds":[{`...)
	if m.text != "" {
		body = append(body, `"description":`...)
		body = Plain.AppendString(body, clip(m.text, maxText, escapeDiscord))
		body = append(body, ',')
	}
	if len(m.facts) > 0 {
		body = append(body, `"fields":[`...)
		for i, f := range m.facts {
			if i > 0 {
				body = append(body, ',')
			}
			body = append(body, `{"name":`...)
			body = Plain.AppendString(body, clip(f.name, maxName, escapeDiscord))
			body = append(body, `,"value":`...)
			body = Plain.AppendString(body, clip(f.value, maxValue, escapeDiscord))
			body = append(body, `,"inline":true}`...)
		}
		body = append(body, `],`...)
	}
	body = append(body, `"footer":{"text":`...)
	body = Plain.AppendString(body, clip(m.footer, 512, nil))
	body = append(body, `},"timestamp":"`...)
	body = append(body, m.time...)
	// Data of an event must not notify anybody.
	body = append(body, `"}],"allowed_mentions":{"parse":[]}}`...)
	return makeHeader("Content-Type", "application/json"), body, nil
}

// escapeDiscord neutralizes links with other texts, mentions, and Markdown except characters of
// URLs.
func escapeDiscord(r rune) string {
	if strings.ContainsRune("\\*~`|[]<>", r) {
		return "\\" + string(r)
	}
	return string(r)
}
