package theme

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/message"
)

// LogoType returns the media type of a logo from its first bytes. The error has code [peal.Invalid]
// and the field logo.
func LogoType(logo []byte) (string, error) {
	switch found := http.DetectContentType(logo); found {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return found, nil
	}
	if isSVG(logo) {
		return "image/svg+xml", nil
	}
	return "", peal.Fault("logo", message.LogoType)
}

// isSVG reports whether a text is XML with the root element svg.
func isSVG(text []byte) bool {
	decoder := xml.NewDecoder(bytes.NewReader(text))
	decoder.Entity = map[string]string{}
	outermost := ""
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return outermost == "svg"
		}
		if err != nil {
			return false
		}
		if start, ok := token.(xml.StartElement); ok && outermost == "" {
			outermost = start.Name.Local
		}
	}
}
