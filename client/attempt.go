package client

import (
	"encoding/base64"
	"time"
)

// Attempt is one HTTP request of a delivery, and what came back.
type Attempt struct {
	ID        string    `json:"id"`
	Number    int       `json:"number"` // 1 for the first
	StartedAt time.Time `json:"started_at"`
	// Outcome is success or failure.
	Outcome string `json:"outcome"`
	// Reason is why it failed, from a closed list; Remedy tells the owner of the
	// endpoint what to do, and Error is the failure in its own words.
	Reason string `json:"reason"`
	Remedy string `json:"remedy"`
	Error  string `json:"error"`
	URL    string `json:"url"`
	// Address is the IP address and port that answered; "" when none was reached.
	Address  string          `json:"address"`
	Request  AttemptRequest  `json:"request"`
	Response AttemptResponse `json:"response"` // its Status is 0 when no answer came
	Timing   AttemptTiming   `json:"timing"`
}

// AttemptRequest is what was sent.
type AttemptRequest struct {
	Headers  []Header `json:"headers"` // as sent; secrets are hidden
	BodySize int      `json:"body_size"`
}

// AttemptResponse is what came back.
type AttemptResponse struct {
	Status  int      `json:"status"` // 0 when no answer came
	Headers []Header `json:"headers"`
	// Body is the answer's body where it is text; BodyBase64 where it is not.
	Body       string `json:"body"`
	BodyBase64 string `json:"body_base64"`
	// Truncated is true when the body was longer than what is kept.
	Truncated bool `json:"truncated"`
}

// Bytes gives the body that was kept, text or not.
func (r AttemptResponse) Bytes() []byte {
	if r.BodyBase64 == "" {
		return []byte(r.Body)
	}
	body, err := base64.StdEncoding.DecodeString(r.BodyBase64)
	if err != nil {
		return nil
	}
	return body
}

// Header is one header of a message, in its place.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// AttemptTiming is where an attempt's time went, in milliseconds. Steps that did
// not happen are 0.
type AttemptTiming struct {
	Wait      float64 `json:"wait_ms"` // from due to started
	DNS       float64 `json:"dns_ms"`
	Connect   float64 `json:"connect_ms"`
	TLS       float64 `json:"tls_ms"`
	FirstByte float64 `json:"first_byte_ms"`
	Total     float64 `json:"total_ms"`
	Reused    bool    `json:"reused"` // the connection had been used before
}
