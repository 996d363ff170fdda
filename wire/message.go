package wire

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// chatMessage is the content of a chat message about an event, independent of the service.
type chatMessage struct {
	title   string // the type as words, such as "Task created"
	subject string
	text    string // text in the data; "" for none
	facts   []fact // the most relevant values of the data, in their order
	footer  string // type, id and time, to find the event again
	time    string // RFC 3339 in UTC, whole seconds
}

type fact struct {
	name, value string
	weight      int // lower is more relevant
	place       int
}

// Bounds that keep every message within the limits of all three services.
const (
	maxFacts     = 8
	maxLeaves    = 400 // examined values
	maxFactDepth = 3
	maxName      = 80   // characters of a fact's name
	maxValue     = 300  // characters of a fact's value
	maxTitle     = 150  // Slack's limit of a header
	maxText      = 1900 // Discord's limit of content is 2000
)

func messageOf(in *Input) *chatMessage {
	e := in.Event
	m := &chatMessage{
		title:   titleOf(e.Type),
		subject: oneLine(e.Subject),
		time:    string(appendWholeSeconds(nil, instantOf(in))),
	}
	m.footer = strings.Join([]string{e.Type, eventID(e), eventTime(in)}, " · ")
	data := []byte(e.Data)
	for name, value := range members(data) {
		switch string(name) {
		case `"text"`, `"message"`, `"summary"`:
			if text, ok := unquote(value); ok && m.text == "" {
				m.text = readable(text)
			}
		}
	}
	switch i := skipSpace(data, 0); {
	case i < len(data) && data[i] == '{':
		c := collector{said: m.text}
		c.object("", data, 1)
		m.facts = c.best()
	default:
		m.text = readable(valueText(data))
	}
	return m
}

// titleOf converts a type to words: "task.comment.created" becomes "Task comment created".
func titleOf(eventType string) string {
	words := strings.Map(func(r rune) rune {
		if r == '.' || r == '_' || r == '-' {
			return ' '
		}
		return r
	}, eventType)
	words = strings.Join(strings.Fields(words), " ")
	if words == "" {
		return "Event"
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// collector collects the relevant values of nested objects.
type collector struct {
	facts []fact
	said  string // the text of the message
}

func (c *collector) object(path string, object []byte, depth int) {
	for quoted, value := range members(object) {
		if len(c.facts) == maxLeaves {
			return
		}
		key, _ := unquote(quoted)
		name := strings.TrimPrefix(path+"."+oneLine(key), ".")
		switch {
		case isConfidential(key):
		case isObject(value):
			if depth < maxFactDepth {
				c.object(name, value, depth+1)
			}
		default:
			text := oneLine(valueText(value))
			if text == "" || strings.HasPrefix(text, "0001-01-01T00:00:00") || text == oneLine(c.said) || name == "" {
				continue
			}
			c.facts = append(c.facts, fact{name, text, weightOf(key) + depth, len(c.facts)})
		}
	}
}

// best returns the most relevant facts in the order of the data.
func (c *collector) best() []fact {
	slices.SortStableFunc(c.facts, func(a, b fact) int { return cmp.Compare(a.weight, b.weight) })
	best := c.facts[:min(len(c.facts), maxFacts)]
	slices.SortFunc(best, func(a, b fact) int { return cmp.Compare(a.place, b.place) })
	return best
}

// isConfidential reports whether the name of a member suggests a confidential value. A chat has
// more readers than an endpoint.
func isConfidential(key string) bool {
	plain := strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(key))
	for _, word := range []string{"password", "passwd", "secret", "token", "privatekey", "presharedkey", "apikey",
		"credential", "authorization"} {
		if strings.Contains(plain, word) {
			return true
		}
	}
	return false
}

func weightOf(key string) int {
	switch strings.ToLower(key) {
	case "title", "name", "username", "display_name", "displayname", "email", "status", "state", "priority",
		"identifier", "subject", "action", "reason", "url", "html_url", "absolute_url", "amount", "total", "comment":
		return 0
	case "created", "updated", "created_at", "updated_at", "createdat", "updatedat", "uuid", "position", "hex_color":
		return 2 * maxFactDepth
	}
	return maxFactDepth
}

// valueText returns a JSON value for people: a string without quotes, a short list of scalars, the
// size of other arrays and objects, and "" for null.
func valueText(value []byte) string {
	if text, ok := unquote(value); ok {
		return text
	}
	switch i := skipSpace(value, 0); {
	case i >= len(value) || string(value) == "null":
		return ""
	case value[i] != '[':
		return string(Plain.Append(nil, value[i:min(len(value), i+2*maxText)]))
	}
	count, plain := 0, true
	var texts []string
	for element := range elements(value) {
		count++
		if plain = plain && element[0] != '{' && element[0] != '['; plain && count <= 5 {
			texts = append(texts, valueText(element))
		}
	}
	switch {
	case count == 0:
		return ""
	case !plain:
		return strconv.Itoa(count) + " items"
	case count > len(texts):
		texts = append(texts, "and "+strconv.Itoa(count-len(texts))+" more")
	}
	return strings.Join(texts, ", ")
}

func oneLine(text string) string { return strings.Join(strings.Fields(readable(text)), " ") }

// readable removes invisible characters and those that reorder the text. It only reads as much of a
// text as fits in a message.
func readable(text string) string {
	if len(text) > 4*maxText {
		text = strings.ToValidUTF8(text[:4*maxText], "")
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, text))
}

// clip returns a text with escaped characters, truncated to limit UTF-16 units, which the chat
// services count. A truncated text ends with "…", never within an escape.
func clip(text string, limit int, escape func(r rune) string) string {
	var out strings.Builder
	used, cut := 0, 0 // cut is the length up to which "…" still fits
	for _, r := range text {
		piece := string(r)
		if escape != nil {
			piece = escape(r)
		}
		size := 0
		for _, c := range piece {
			size += utf16.RuneLen(c)
		}
		if used+size > limit {
			return out.String()[:cut] + "…"
		}
		out.WriteString(piece)
		if used += size; used < limit {
			cut = out.Len()
		}
	}
	return out.String()
}

// headline returns the title and the subject in one line.
func (m *chatMessage) headline() string {
	if m.subject == "" {
		return m.title
	}
	return m.title + ": " + m.subject
}
