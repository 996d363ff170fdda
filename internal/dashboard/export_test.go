package dashboard

import "strings"

// Visible is what a page shows of somebody's text.
func Visible(text any) string { return string(visible(text).Text) }

// ColouredJSON is the same for what may be JSON.
func ColouredJSON(text any) string { return string(colourJSON(text).Text) }

// Said gives what says messages of the domain in a language.
func Said(language string) (func(message string) string, error) {
	languages, err := loadTexts()
	if err != nil {
		return nil, err
	}
	return languages[language].said, nil
}

// Mark adds the language xx, in which every text that the files hold stands in ⟦⟧.
func (d *Dashboard) Mark() error {
	languages, err := loadTexts()
	if err != nil {
		return err
	}
	marked := &texts{language: "xx", all: map[string]string{}, sayings: languages[fallback].sayings}
	for key, text := range languages[fallback].all {
		if key != "format.thousands" && key != "format.decimal" && !strings.HasPrefix(key, "error.field") {
			text = "⟦" + text + "⟧"
		}
		marked.all[key] = text
	}
	languages["xx"] = marked
	d.pages, err = parseFor(languages)
	return err
}
