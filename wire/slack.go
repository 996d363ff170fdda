package wire

import "net/http"

// Slack's incoming webhooks: text for notifications, blocks for the channel. The
// limits are those of Block Kit: 150 characters a header, 3000 a section, 10 fields
// of 2000, 50 blocks.
var slack = &Format{
	Name:    Slack,
	Title:   "Slack message",
	Secrets: SecretNone,
	Headers: []string{"Content-Type"},
	Encode:  encodeSlack,
}

func encodeSlack(in *Input) (http.Header, []byte, error) {
	m := messageOf(in)
	text := func(dst []byte, kind, content string) []byte {
		dst = append(append(dst, `{"type":"`...), kind...)
		dst = Plain.AppendString(append(dst, `","text":`...), content)
		return append(dst, '}')
	}
	body := make([]byte, 0, 2048)
	body = append(body, `{"text":`...)
	body = Plain.AppendString(body, clip(m.headline(), maxText, escapeSlack))
	body = append(body, `,"blocks":[{"type":"header","text":`...)
	body = text(body, "plain_text", clip(m.headline(), maxTitle, nil))
	body = append(body, '}')
	if m.text != "" {
		body = append(body, `,{"type":"section","text":`...)
		body = text(body, "mrkdwn", clip(m.text, maxText, escapeSlack))
		body = append(body, '}')
	}
	for i, f := range m.facts {
		if i == 0 {
			body = append(body, `,{"type":"section","fields":[`...)
		} else {
			body = append(body, ',')
		}
		body = text(body, "mrkdwn", "*"+clip(f.name, maxName, escapeSlack)+"*\n"+clip(f.value, maxValue, escapeSlack))
		if i == len(m.facts)-1 {
			body = append(body, `]}`...)
		}
	}
	body = append(body, `,{"type":"context","elements":[`...)
	body = text(body, "mrkdwn", clip(m.footer, maxText, escapeSlack))
	body = append(body, `]}]}`...)
	return makeHeader("Content-Type", "application/json"), body, nil
}

// escapeSlack neutralizes mentions and links: <!channel>, <@U…>, <https://…|text>.
func escapeSlack(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	}
	return string(r)
}
