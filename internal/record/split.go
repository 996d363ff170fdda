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
