package api

import (
	"encoding/base64"

	"github.com/pealhq/peal"
)

// A cursor is where a list goes on: the kind of list, so that a cursor of another
// one is noticed, and the last row's id or name. It says nothing that the row did not.
type listKind byte

const (
	webhookList   listKind = 'w' // newest first
	oldHookList   listKind = 'o' // webhooks, oldest first
	namedHookList listKind = 'm' // webhooks by name: the id, and what they are sorted by
	deliveryList  listKind = 'd'
	eventList     listKind = 'e'
	keyList       listKind = 'k'
	tenantList    listKind = 't'
	eventTypeList listKind = 'y'
	sourceList    listKind = 's'
	replayList    listKind = 'r'
	userList      listKind = 'u'
	sessionList   listKind = 'n'
	linkList      listKind = 'l'
	auditList     listKind = 'a'
	catalogueList listKind = 'c'
	foundList     listKind = 'f' // deliveries that were searched
)

func cursorOf(kind listKind, last string) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{byte(kind)}, last...))
}

// parseCursor gives the last row of the list before, or false for a text that no list gave.
func parseCursor(kind listKind, text string) (string, bool) {
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(plain) < 2 || plain[0] != byte(kind) {
		return "", false
	}
	last := string(plain[1:])
	switch kind {
	case webhookList, oldHookList:
		_, err = peal.ParseWebhookID(last)
	case namedHookList:
		_, err = peal.ParseWebhookPosition(last)
	case deliveryList:
		_, err = peal.ParseDeliveryID(last)
	case eventList:
		_, err = peal.ParseEventKey(last)
	case foundList:
		_, err = parsePlace(last)
	case keyList:
		_, err = peal.ParseKeyID(last)
	case sourceList:
		_, err = peal.ParseSourceID(last)
	case userList:
		_, err = peal.ParseUserID(last)
	case sessionList:
		_, err = peal.ParseSessionID(last)
	case linkList:
		_, err = peal.ParsePortalLinkID(last)
	case auditList:
		_, err = peal.ParseAuditID(last)
	case replayList:
		_, err = peal.ParseJobID(last)
	case tenantList:
		err = peal.ValidateTenant(last)
	case catalogueList:
		err = peal.ValidateCatalogue(last)
	case eventTypeList:
		err = peal.ValidateType(last)
	default:
		return "", false
	}
	return last, err == nil && cursorOf(kind, last) == text // base64 has several spellings, lists give one
}
