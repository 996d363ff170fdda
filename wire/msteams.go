package wire

import "net/http"

// Microsoft Teams, by a workflow "when a webhook request is received": an Adaptive Card in the
// envelope that workflows expect, at most 28 KB. Text is in RichTextBlock elements, which do not
// read Markdown: data cannot create links.
var msTeams = &Format{
	Name:    MSTeams,
	Title:   "Microsoft Teams message",
	Secrets: SecretNone,
	Headers: []string{"Content-Type"},
	Encode:  encodeTeams,
}

func encodeTeams(in *Input) (http.Header, []byte, error) {
	m := messageOf(in)
	body := make([]byte, 0, 3072)
	body = append(body, `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null,`+
		`"content":{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4","msteams":{"width":"Full"},"body":[`...)
	body = appendTeamsBlock(body, `"size":"Large","weight":"Bolder"`, clip(m.headline(), maxTitle, nil))
	if m.text != "" {
		body = append(body, ',')
		body = appendTeamsBlock(body, "", clip(m.text, maxText, nil))
	}
	for _, f := range m.facts {
		body = append(body, `,{"type":"RichTextBlock","spacing":"Small","inlines":[`...)
		body = appendTextRun(body, `"weight":"Bolder"`, clip(f.name, maxName, nil)+": ")
		body = append(body, ',')
		body = appendTextRun(body, "", clip(f.value, maxValue, nil))
		body = append(body, `]}`...)
	}
	body = append(body, ',')
	body = appendTeamsBlock(body, `"size":"Small","isSubtle":true`, clip(m.footer, 512, nil))
	body = append(body, `]}}]}`...)
	return makeHeader("Content-Type", "application/json"), body, nil
}

func appendTeamsBlock(dst []byte, look, text string) []byte {
	dst = append(dst, `{"type":"RichTextBlock","inlines":[`...)
	dst = appendTextRun(dst, look, text)
	return append(dst, `]}`...)
}

func appendTextRun(dst []byte, look, text string) []byte {
	dst = append(dst, `{"type":"TextRun",`...)
	if look != "" {
		dst = append(append(dst, look...), ',')
	}
	dst = Plain.AppendString(append(dst, `"text":`...), text)
	return append(dst, '}')
}
