package dashboard_test

import (
	"errors"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/dashboard"
	"github.com/pealhq/peal/internal/message"
)

func TestFaultInALanguage(t *testing.T) {
	special := message.TargetRefused.With("{n}.example", message.AddressSpecial.With())
	tests := map[string]struct {
		fault           *peal.Error
		english, german string
	}{
		"values": {
			peal.Fault("timeout", message.Range, 1, 60),
			"must be from 1 to 60", "muss zwischen 1 und 60 liegen",
		},
		"a text in a text": {
			peal.Fault("url", message.AddressBlocked, special),
			"cannot be reached: {n}.example: its address is private or special; the operator can allow it with " +
				"egress.allow, or its name with egress.allow_hosts",
			"ist nicht zu erreichen: {n}.example: ihre Adresse ist privat oder besonders; der Betreiber kann sie mit " +
				"egress.allow erlauben, oder ihren Namen mit egress.allow_hosts",
		},
		"an error in a text": {
			peal.Fault("format", message.FormatBody, "own", peal.Fault("", message.NoResult)),
			"own has no body for this event: its program returns no value for this event; it must return exactly one",
			"own hat für dieses Ereignis keinen Inhalt: Das Programm ergibt bei diesem Ereignis nichts: " +
				"Es muss genau ein Wert sein",
		},
		"a foreign error": {
			peal.Fault("filter", message.CannotCompile, errors.New("odd")),
			"cannot be compiled: odd", "lässt sich nicht übersetzen: odd",
		},
		"no key": {peal.Invalidf("listen", "is in use"), "is in use", "is in use"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.fault.Message != test.english {
				t.Errorf("the message is %q, want %q", test.fault.Message, test.english)
			}
			for language, want := range map[string]string{"en": test.english, "de": test.german} {
				if got, err := dashboard.FaultIn(language, test.fault); err != nil || got != want {
					t.Errorf("in %s it is %q (%v), want %q", language, got, err, want)
				}
			}
		})
	}
}
