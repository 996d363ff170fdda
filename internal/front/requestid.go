package front

import (
	"math/rand/v2"
	"net/http"
)

// RequestIDHeader carries the name of a request.
const RequestIDHeader = "X-Request-Id"

// NameRequest gives a request its name: the caller's own when it is 1 to 128 printable
// ASCII characters, else a new one. The answer carries it, and so does the request from
// now on, so that a second call gives the same.
func NameRequest(w http.ResponseWriter, r *http.Request) string {
	given := r.Header[RequestIDHeader]
	if len(given) != 1 || !isRequestID(given[0]) {
		given = []string{newRequestID()}
		r.Header[RequestIDHeader] = given
	}
	w.Header()[RequestIDHeader] = given
	return given[0]
}

// RequestID gives the name of a request that has one.
func RequestID(r *http.Request) string {
	if given := r.Header[RequestIDHeader]; len(given) == 1 && isRequestID(given[0]) {
		return given[0]
	}
	return ""
}

func isRequestID(id string) bool {
	for i := range len(id) {
		if id[i] < 0x21 || id[i] > 0x7e {
			return false
		}
	}
	return id != "" && len(id) <= 128
}

// newRequestID needs no secrecy, only to be rarely the same twice.
func newRequestID() string {
	const digits = "0123456789abcdef"
	var id [16]byte
	bits := rand.Uint64()
	for i := range id {
		id[i] = digits[bits>>(4*i)&15]
	}
	return string(id[:])
}
