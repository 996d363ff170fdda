package record

import "github.com/pealhq/peal"

// DropExchange gives a record without what was sent and answered. That a body was
// there is still told.
func DropExchange(whole []byte) ([]byte, error) {
	a, err := ParseAttempt(whole)
	if err != nil {
		return nil, err
	}
	a.ResponseTruncated = a.ResponseTruncated || len(a.ResponseBody) > 0
	a.RequestHead, a.ResponseHead, a.ResponseBody = "", "", nil
	rest := AppendAttempt(nil, &a)
	rest[attemptFlags] |= flagDropped
	return rest, nil
}

// SplitAttempt gives the record of an attempt in two parts: the facts, and what was
// sent and answered, which a store can drop by itself later.
func SplitAttempt(a *peal.Attempt) (facts, exchange []byte) {
	whole := appendFacts(make([]byte, 0, AttemptSize(a)), a)
	if len(a.ResponseBody) > 0 {
		whole[attemptFlags] |= flagBody
	}
	end := len(whole)
	whole = appendExchange(whole, a)
	return whole[:end:end], whole[end:]
}

// JoinAttempt reads an attempt from its parts; exchange is nil when it was dropped.
func JoinAttempt(facts, exchange []byte) (peal.Attempt, error) {
	dropped := exchange == nil
	if dropped {
		exchange = appendExchange(nil, &peal.Attempt{})
	}
	a, err := ParseAttempt(append(facts[:len(facts):len(facts)], exchange...))
	if err == nil && dropped && facts[attemptFlags]&flagBody != 0 {
		a.ResponseTruncated = true
	}
	return a, err
}

// exchangeless is a record's last part when nothing was sent or answered.
var exchangeless = []byte{0, 0, 0}

// Cut gives the two parts of a whole record, as [SplitAttempt] would.
func Cut(whole []byte) (facts, exchange []byte, err error) {
	if len(whole) <= attemptFlags || whole[0] != attemptVersion {
		return nil, nil, errAttempt
	}
	r := reader{rest: whole[attemptFlags:]}
	r.uvarint()
	for range 10 { // the number, the start, six durations, the body's size, the status
		r.varint()
	}
	for range 4 {
		r.bytes()
	}
	end := len(whole) - len(r.rest)
	r.bytes()
	r.bytes()
	body := r.bytes()
	if r.failed || len(r.rest) > 0 {
		return nil, nil, errAttempt
	}
	facts = append(make([]byte, 0, end), whole[:end]...)
	if facts[attemptFlags]&flagDropped != 0 {
		facts[attemptFlags] &^= flagDropped
		return facts, nil, nil
	}
	if len(body) > 0 {
		facts[attemptFlags] |= flagBody
	}
	return facts, whole[end:], nil
}

// Whole gives the record of two parts, as it was before [Cut]; exchange is nil when it
// was dropped.
func Whole(facts, exchange []byte) ([]byte, error) {
	if len(facts) <= attemptFlags {
		return nil, errAttempt
	}
	whole := append(make([]byte, 0, len(facts)+max(len(exchange), len(exchangeless))), facts...)
	flags := &whole[attemptFlags]
	if exchange == nil {
		if *flags&flagBody != 0 {
			*flags |= flagTruncated
		}
		*flags |= flagDropped
		exchange = exchangeless
	}
	*flags &^= flagBody
	return append(whole, exchange...), nil
}
