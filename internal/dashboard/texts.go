package dashboard

import (
	"embed"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

//go:embed texts/*.yaml
var textFiles embed.FS

// fallback is the language of those who ask for none that there is.
const fallback = "en"

// messagesUnder is where the texts of other languages hold the sentences of package message, by
// key.
const messagesUnder = "message."

// texts are all texts of a language by key: the path in its file, such as
// webhooks.title.
type texts struct {
	language string
	all      map[string]string
}

// loadTexts reads every language.
func loadTexts() (map[string]*texts, error) {
	files, err := textFiles.ReadDir("texts")
	if err != nil {
		return nil, err
	}
	languages := map[string]*texts{}
	for _, file := range files {
		content, err := textFiles.ReadFile("texts/" + file.Name())
		if err != nil {
			return nil, err
		}
		var tree map[string]any
		if err := yaml.Unmarshal(content, &tree); err != nil {
			return nil, fmt.Errorf("read texts/%s: %w", file.Name(), err)
		}
		t := &texts{language: strings.TrimSuffix(file.Name(), path.Ext(file.Name())), all: map[string]string{}}
		if err := t.flatten("", tree); err != nil {
			return nil, fmt.Errorf("read texts/%s: %w", file.Name(), err)
		}
		languages[t.language] = t
	}
	for _, t := range languages { // better a text in English than none
		for key, text := range languages[fallback].all {
			if !t.has(key) {
				t.all[key] = text
			}
		}
	}
	return languages, nil
}

func (t *texts) flatten(prefix string, tree map[string]any) error {
	for name, value := range tree {
		switch value := value.(type) {
		case map[string]any:
			if err := t.flatten(prefix+name+".", value); err != nil {
				return err
			}
		case string:
			t.all[prefix+name] = value
		default:
			return fmt.Errorf("%s%s must be a text", prefix, name)
		}
	}
	return nil
}

// get returns a text with its {placeholders} filled from pairs of a name and a value. For a missing
// key it returns the key.
func (t *texts) get(key string, pairs ...any) string {
	text, ok := t.all[key]
	if !ok {
		return key
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, "{"+fmt.Sprint(pairs[i])+"}", fmt.Sprint(pairs[i+1]))
	}
	return text
}

// say returns a text of the domain in the language of the texts; one that they do not know in
// English.
func (t *texts) say(text message.Text) string {
	sentence, ok := t.all[messagesUnder+text.Message.Key()]
	if !ok {
		return text.String()
	}
	return text.In(sentence, t.value)
}

// value formats a value of a text.
func (t *texts) value(value any) string {
	switch value := value.(type) {
	case message.Text:
		return t.say(value)
	case error:
		var known *peal.Error
		if errors.As(value, &known) && known.Error() == value.Error() {
			return t.fault(known)
		}
	}
	return fmt.Sprint(value)
}

// fault returns the message of an error in the language of the texts, without its field.
func (t *texts) fault(e *peal.Error) string {
	if text := e.Text(); text.Message != "" {
		return t.say(text)
	}
	return e.Message
}

// count returns the text of a number of things: key.one for 1 and key.other otherwise, with {n}.
func (t *texts) count(key string, n int, pairs ...any) string {
	form := ".other"
	if n == 1 {
		form = ".one"
	}
	return t.get(key+form, append(pairs, "n", t.number(n))...)
}

// has reports whether there is a text of a key.
func (t *texts) has(key string) bool {
	_, ok := t.all[key]
	return ok
}

// language returns the texts in the wished language, or else in that of the browser: of a cookie
// that a page has set, or of its preference.
func (p *pages) language(r *http.Request, wished string) *texts {
	if t := p.texts[wished]; t != nil {
		return t
	}
	if cookie, err := r.Cookie("peal_language"); err == nil && p.texts[cookie.Value] != nil {
		return p.texts[cookie.Value]
	}
	for tag := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ = strings.Cut(strings.TrimSpace(tag), ";")
		name, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if t := p.texts[name]; t != nil {
			return t
		}
	}
	return p.texts[fallback]
}
