package intake

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/pealhq/peal"
)

// eventID names an event that came through a source: the source's name, a colon and
// the sender's own id, so that no other source and no careful publisher of the
// tenant gives the same one. It is "" when every request is a new event.
func eventID(source *peal.Source, event *peal.Event, body []byte) string {
	prefix := source.Name + ":"
	switch {
	case source.Dedup == peal.DedupBody:
		// Some formats have the event's type, subject and time in headers.
		return prefix + digest(event.Type, event.Subject, event.Time.String(), string(body))
	case event.ID == "":
		return ""
	case len(prefix)+len(event.ID) > peal.MaxEventIDLength:
		return prefix + digest(event.ID)
	}
	return prefix + event.ID
}

// digest tells texts apart in few characters.
func digest(texts ...string) string {
	hash := sha256.New()
	for _, text := range texts {
		hash.Write([]byte(text))
		hash.Write([]byte{0})
	}
	return "sha256-" + hex.EncodeToString(hash.Sum(nil))
}
