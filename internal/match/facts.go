package match

import (
	"github.com/pealhq/peal"
)

// Facts is an event in the form that filters read. The data is decoded for the first filter and
// shared by all. Facts is not safe for concurrent use.
type Facts struct {
	event   *peal.Event
	env     environment
	size    int // of the decoded data in memory, in bytes
	decoded bool
	err     error
}

// environment defines the names in a filter.
type environment struct {
	ID      string `expr:"id"`
	Type    string `expr:"type"`
	Subject string `expr:"subject"`
	Time    string `expr:"time"`
	Tenant  string `expr:"tenant"`
	Data    any    `expr:"data"`
	Meter   *meter `expr:"__meter"`
}

// FactsOf creates the facts of an event, which must not change while they are used.
func FactsOf(event *peal.Event) *Facts {
	return &Facts{event: event, size: decodedSize(event.Data), env: environment{
		ID: event.ID, Type: event.Type, Subject: event.Subject, Time: event.Time.String(), Tenant: event.Tenant,
	}}
}

// environment returns the environment with decoded data.
func (f *Facts) environment() (*environment, error) {
	if !f.decoded {
		f.decoded = true
		f.env.Data, f.err = decode(f.event.Data)
		f.env.Data = plainNumbers(f.env.Data)
	}
	return &f.env, f.err
}

// unread returns the price of decoding the data in units, or 0 if it is decoded.
func (f *Facts) unread() int {
	if f.decoded {
		return 0
	}
	return f.size / UnitBytes
}

// forget discards the decoded data.
func (f *Facts) forget() { f.decoded, f.env.Data = false, nil }
