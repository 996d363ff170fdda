package record

import (
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/pealhq/peal"
)

// A value that cannot be read, because a disk or a hand has damaged it, must not keep the rows
// beside it from being read, nor a server from starting. So what cannot be read is shown as
// that, and what is out of range at its bound.

// Decode reads JSON into a value, as far as it can be read: a member of another type or out of
// range keeps its zero value, and what is not JSON leaves all of it. It reports whether all was
// read.
func Decode(text []byte, into any) bool { return decode(text, into) == nil }

func decode(text []byte, into any) error {
	err := json.Unmarshal(text, into)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return nil // the other members were read
	}
	return err
}

// ReadAttempt reads a record, or returns an attempt that says that it cannot be read.
func ReadAttempt(b []byte) peal.Attempt {
	a, err := ParseAttempt(b)
	return orUnreadable(a, err, b)
}

// ReadJoined reads an attempt from its parts as [JoinAttempt], or returns one that says that it
// cannot be read.
func ReadJoined(facts, exchange []byte) peal.Attempt {
	a, err := JoinAttempt(facts, exchange)
	return orUnreadable(a, err, facts)
}

func orUnreadable(a peal.Attempt, err error, b []byte) peal.Attempt {
	if err == nil {
		return a
	}
	a = peal.Attempt{Error: "what is stored of this attempt cannot be read"}
	if len(b) > len(a.ID) {
		copy(a.ID[:], b[1:])
	}
	return a
}

// microseconds is a duration in microseconds, at most the longest one that there is.
func microseconds(n int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Microsecond)
	return time.Duration(max(-most, min(n, most))) * time.Microsecond
}

// isDamage reports whether an error is about the row alone. Without the right key no row opens,
// which is not to be taken for damage.
func isDamage(err error) bool {
	var refused *peal.Error
	return !errors.Is(err, peal.ErrUnknownKey) && !errors.As(err, &refused)
}

const unreadable = "what is stored of it cannot be read; delete it and create it again, or restore the database from a backup"

// setAside makes a webhook that cannot be read one that gets nothing.
func setAside(w *peal.Webhook) {
	*w = peal.Webhook{
		ID: w.ID, Tenant: w.Tenant, Revision: w.Revision, Health: w.Health, UpdatedAt: w.UpdatedAt,
		URL: "https://unreadable.invalid/", Format: "standard", Status: peal.Disabled, StatusReason: unreadable,
	}
}

// setSourceAside makes a source that cannot be read one that takes nothing.
func setSourceAside(s *peal.Source) {
	s.Format, s.Secrets, s.Unverified, s.Dedup = "standard", nil, false, peal.DedupID
	s.Status, s.Description = peal.Disabled, unreadable
}

// DecodePolicy reads a retry policy, or returns nil for one that is not valid: that of the level
// above holds then.
func DecodePolicy(text []byte) *peal.RetryPolicy {
	policy := new(peal.RetryPolicy)
	if !Decode(text, policy) || policy.Validate() != nil {
		return nil
	}
	return policy
}
